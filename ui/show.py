"""Values of the chat's components for a conversation: what every event hands back. Changes nothing."""

from typing import Any

import gradio as gr

from core.chat_files import ChatFiles
from core.conversations import ConversationStore
from ui.chat_parts import ChatParts
from ui.language import marked
from ui.render_answer import messages
from ui.render_attachments import chips_html
from ui.render_page import menu_html
from ui.render_sources import sources_html
from ui.render_status import line_html, turn_line
from ui.talk import Talk

Values = dict[Any, Any]
"""Values by component; a component that is absent stays as it is."""

EDITING = marked("Change your question and send it. What came after it will go.")


class Shower:
    """Draws conversations into the components of one page."""

    def __init__(self, parts: ChatParts, conversations: ConversationStore, files: ChatFiles | None = None) -> None:
        self.parts, self._conversations, self._files = parts, conversations, files

    def talk(self, talk: Talk, *, with_sources: bool = True, note: str | None = None) -> Values:
        """The conversation itself. `note`: what the line under the box says, else what its last turn is at."""
        parts = self.parts
        text = note if note is not None else (turn_line(talk.turns[-1]) if talk.turns else "")
        values: Values = {
            parts.talk: talk,
            parts.chat: messages(talk.turns, talk.marks),
            parts.line: line_html(text),
            parts.send: gr.update(visible=not talk.running),
            parts.stop: gr.update(visible=talk.running),
            parts.cancel: gr.update(visible=talk.editing is not None),
        }
        if with_sources:
            values[parts.sources] = sources_html(talk.turns, talk.id)
        return values

    def no_rating(self) -> Values:
        """Close the panel in which answers are rated."""
        return {self.parts.rating: gr.update(visible=False), self.parts.rated: None}

    def nothing(self) -> Values:
        """Leave everything as it is; an empty dict means something else to Gradio."""
        return {self.parts.line: gr.skip()}

    def note(self, text: str) -> Values:
        """A sentence under the box, and nothing else."""
        return {self.parts.line: line_html(text)}

    def chips(self, user: str | None, current: str | None) -> str:
        """The files of the conversation that is open. Raises GraftError."""
        if self._files is None or user is None or current is None:
            return ""
        return chips_html(self._files.files(user, current), current)

    def listing(self, user: str | None, current: str | None, search: str = "") -> Values:
        """The list of conversations, and title, menu and files of the one that is open. Raises GraftError."""
        found = self._conversations.find(user, search) if user else []
        title = next((info.title for info in found if info.id == current), None)
        if title is None and user and current:
            title = self._conversations.read(user, current).title
        return {
            self.parts.listing: gr.update(
                choices=[(info.title, info.id) for info in found],
                value=current if any(info.id == current for info in found) else None,
                visible=bool(found),
            ),
            self.parts.title: gr.update(value=title or "", interactive=title is not None),
            self.parts.chips: self.chips(user, current),
            self.parts.adding: "",
            self.parts.menu: menu_html(current if title is not None else None, kept=user is not None),
        }
