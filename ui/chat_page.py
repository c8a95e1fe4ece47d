"""The chat: layout and wiring. What happens on events stands in `handlers` and `library`, what is shown in `render_*`.

All state belongs to one browser session (`gr.State`, component values); the service and the store are shared.
"""

import gradio as gr

from core.chat_files import ChatFileLimits, ChatFiles
from core.conversations import ConversationStore
from core.feedback_store import FeedbackStore
from core.pack import DomainPack
from core.service import DomainService
from ui.attachments import Attachments
from ui.chat_parts import ChatParts
from ui.handlers import Handlers
from ui.language import t
from ui.library import Library
from ui.quiet import AT_ONCE, QUIET
from ui.rating_panel import RatingForm, build_rating_form
from ui.render_page import menu_html, welcome
from ui.render_sources import sources_html
from ui.render_status import line_html
from ui.settings_panel import SettingsPanel, build_settings
from ui.show import Shower
from ui.source_view import Sources, SourceView
from ui.talk import Talk
from ui.writing import Writing

# What the page's script says, as events: see assets/page.js.
_BRIDGE = "document.addEventListener('graft', (event) => trigger(event.detail.event, event.detail.data))"


def build_chat(
    service: DomainService, limits: ChatFileLimits | None = None
) -> tuple[ChatParts, SettingsPanel, RatingForm]:
    """Create the chat's components inside the current Gradio context. `limits`: of files that can be added to it."""
    talk, writing, rated = gr.State(Talk()), gr.State(Writing()), gr.State(None)
    bridge = gr.HTML(elem_id="bridge", js_on_load=_BRIDGE)
    with gr.Row(elem_id="workbench", equal_height=False):
        with gr.Column(elem_id="side", min_width=0):
            with gr.Accordion(t("Conversations"), elem_id="conversations"):
                search = gr.Textbox(
                    label=t("Search conversations"),
                    show_label=False,
                    container=False,
                    placeholder=t("Search conversations"),
                    max_length=200,
                    elem_id="search",
                )
                listing = gr.Radio([], label=t("Conversations"), show_label=False, visible=False, elem_id="listing")
            with gr.Accordion(t("Settings"), elem_id="settings"):
                panel = build_settings(service)
        with gr.Column(elem_id="chat", min_width=0):
            with gr.Row(elem_id="talkbar"):
                title = gr.Textbox(
                    label=t("Title of the conversation"),
                    show_label=False,
                    container=False,
                    placeholder=t("New conversation"),
                    interactive=False,
                    lines=1,
                    max_lines=1,
                    max_length=120,
                    elem_id="title",
                )
                menu = gr.HTML(menu_html(None, kept=True), elem_id="menu", js_on_load=None)
            chat = _chatbot(service.pack)
            chips = gr.HTML(elem_id="chips", js_on_load=None)
            adding = gr.HTML(elem_id="adding", js_on_load=None)
            with gr.Row(elem_id="composer", equal_height=True):
                attach = gr.UploadButton(
                    t("Add files"),
                    file_count="multiple",
                    type="filepath",
                    elem_id="attach",
                    min_width=0,
                    visible=limits is not None and limits.files > 0,
                )
                box = gr.Textbox(
                    label=t("Your question"),
                    show_label=False,
                    container=False,
                    placeholder=t("Ask a question"),
                    lines=1,
                    max_lines=6,
                    max_length=4000,
                    elem_id="question",
                )
                send = gr.Button(t("Send"), variant="primary", elem_id="send", min_width=0)
                stop = gr.Button(t("Stop"), variant="stop", elem_id="stop", min_width=0, visible=False)
            with gr.Row(elem_id="below"):
                line = gr.HTML(line_html(""), elem_id="line", js_on_load=None)
                cancel = gr.Button(t("Leave as it was"), size="sm", elem_id="cancel", min_width=0, visible=False)
                fresh = gr.Button(t("New conversation"), size="sm", elem_id="fresh", min_width=0)
        with gr.Column(elem_id="aside", min_width=0):
            viewer = gr.HTML(elem_id="viewer", js_on_load=None)
            rating, form = build_rating_form()
            gr.HTML(f"<h2>{t('Sources')}</h2>", elem_id="sources-title", js_on_load=None)
            sources = gr.HTML(sources_html([]), elem_id="sources", js_on_load=None)
    parts = ChatParts(
        talk=talk,
        writing=writing,
        chat=chat,
        sources=sources,
        line=line,
        send=send,
        stop=stop,
        box=box,
        fresh=fresh,
        cancel=cancel,
        listing=listing,
        search=search,
        title=title,
        menu=menu,
        bridge=bridge,
        rating=rating,
        rated=rated,
        attach=attach,
        chips=chips,
        adding=adding,
        viewer=viewer,
    )
    return parts, panel, form


def _chatbot(pack: DomainPack) -> gr.Chatbot:
    return gr.Chatbot(
        label=t("Conversation"),
        show_label=False,
        elem_id="conversation",
        render_markdown=False,
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        feedback_options=None,
        buttons=[],
        layout="bubble",
        height="100%",
        placeholder=welcome(pack),
        examples=[{"text": question} for question in pack.file.sample_questions],
    )


def wire_chat(
    service: DomainService,
    conversations: ConversationStore,
    feedback: FeedbackStore,
    page: gr.Blocks,
    panel: SettingsPanel,
    parts: ChatParts,
    files: ChatFiles | None = None,
    sources: Sources | None = None,
) -> None:
    """Connect the components to what happens."""
    show = Shower(parts, conversations, files)
    handlers = Handlers(service, conversations, show, files)
    library = Library(conversations, feedback, show, files)
    session = [parts.talk, parts.writing]
    asking = [*session, parts.search, *panel.inputs]
    starts = [
        gr.on([parts.box.submit, parts.send.click], handlers.ask, [parts.box, *asking], parts.changed, **AT_ONCE),
        parts.chat.example_select(handlers.ask_example, asking, parts.changed, **AT_ONCE),
        parts.chat.retry(handlers.retry, asking, parts.changed, **AT_ONCE),
    ]
    for start in starts:
        start.then(handlers.answer, session, parts.shown, concurrency_id="answer", **QUIET)
    parts.stop.click(handlers.halt, session, parts.shown, **AT_ONCE)
    parts.chat.undo(handlers.undo, session, [parts.box, *parts.shown], **AT_ONCE)
    parts.bridge.edit(handlers.edit, session, [parts.box, *parts.shown], **AT_ONCE)
    parts.cancel.click(handlers.leave_edit, parts.talk, [parts.box, *parts.shown], **AT_ONCE)

    begin = [parts.writing, parts.search]
    page.load(library.load, parts.talk, parts.changed, **AT_ONCE)
    gr.on([parts.fresh.click, parts.chat.clear], library.begin, begin, parts.changed, **AT_ONCE)
    parts.listing.input(library.open, [parts.listing, *begin], parts.changed, **AT_ONCE)
    # Never one output alone: Gradio takes a dict for the value of a single one.
    found = [parts.listing, parts.line]
    # Not `input`, which Gradio's text boxes send with keys alone: pasting by mouse is none.
    parts.search.change(library.search, [parts.search, parts.talk], found, trigger_mode="always_last", **AT_ONCE)
    naming = [parts.title, parts.talk, parts.search]
    gr.on([parts.title.submit, parts.title.blur], library.rename, naming, parts.changed, **AT_ONCE)
    parts.bridge.delete(library.delete, begin, parts.changed, **AT_ONCE)
    if files is not None:
        _wire_files(Attachments(files, conversations, show), parts)
    if sources is not None:
        view, shown = SourceView(sources, files, show), [parts.viewer, parts.line]
        parts.bridge.expand(view.open, parts.talk, shown, **AT_ONCE)
        parts.bridge.collapse(view.close, None, shown, **AT_ONCE)


def _wire_files(attachments: Attachments, parts: ChatParts) -> None:
    given = [parts.attach, parts.talk, parts.search]
    chips = [parts.chips, parts.line]
    work = {"concurrency_id": "chat-files", "concurrency_limit": 2, **QUIET}
    added = [parts.talk, parts.listing, parts.title, parts.menu, parts.chips, parts.adding, parts.line]
    # The conversation may be another one by the time the files are read: its chips are drawn then, as it is.
    parts.attach.upload(attachments.add, given, added, **work).then(attachments.refresh, parts.talk, chips, **AT_ONCE)
    removed = parts.bridge.clear(attachments.remove, parts.talk, [parts.adding, parts.line], **AT_ONCE)
    removed.then(attachments.refresh, parts.talk, chips, **AT_ONCE)
