"""What happens when an answer is rated or corrected. A thumb is kept at once; the form adds the reasons.

A correction is checked against the format and schema before it is kept.
"""

import asyncio
from collections.abc import Sequence

import gradio as gr

from core.errors import GraftError
from core.feedback import REASONS, Correction, Rating, Verdict, read_correction
from core.feedback_store import FeedbackStore
from core.pack import DomainPack
from core.turns import Turn, now
from ui.language import marked, spoken, t
from ui.rating_panel import RatingForm
from ui.render_answer import messages
from ui.safe_html import escape
from ui.show import Shower, Values
from ui.talk import Mark, Talk
from ui.visitors import user_of
from ui.writing import Writing

_VERDICTS: dict[str, Verdict] = {"up": "up", "down": "down"}
_WAIT = marked("An answer is being written. Rate when it is complete.")
_NOBODY = marked("This browser keeps no cookies, so ratings cannot be kept.")


class Ratings:
    """Ratings of whoever sent the request; holds none of them."""

    def __init__(self, pack: DomainPack, feedback: FeedbackStore, show: Shower, form: RatingForm) -> None:
        self._pack, self._feedback, self._show, self._form = pack, feedback, show, form

    async def rate(self, request: gr.Request, event: gr.EventData, talk: Talk, writing: Writing) -> Values:
        """A thumb, pressed or let go, or the wish to correct. All but a thumb up open the form."""
        user, index = user_of(request), event.turn
        if user is None or writing.busy:
            return self._show.note(t(_WAIT if writing.busy else _NOBODY))
        if not isinstance(index, int) or not 0 <= index < len(talk.turns):
            return self._show.nothing()
        turn = talk.turns[index]
        try:
            rating = await asyncio.to_thread(self._find, user, talk, turn)
            pressed = _VERDICTS.get(str(event.verdict))
            if pressed is not None:
                verdict = None if rating.verdict == pressed else pressed
                rating = rating.model_copy(update={"verdict": verdict, "time": now()})
                await asyncio.to_thread(self._feedback.rate, rating)
        except GraftError as error:
            return self._show.note(spoken(str(error)))
        values = self._marked(talk, rating) | self._show.note(_thanks(rating) if pressed else "")
        if pressed == "up" or (pressed is not None and rating.verdict is None):
            return values | self._show.no_rating()
        return values | self._opened(rating)

    async def save(
        self,
        request: gr.Request,
        talk: Talk,
        writing: Writing,
        rated: str | None,
        reasons: Sequence[str],
        comment: str,
        answer: str,
        missing: bool,
    ) -> Values:
        """Keep what the form says."""
        user = user_of(request)
        turn = next((turn for turn in talk.turns if turn.id == rated), None)
        if user is None or turn is None:
            return self._show.no_rating()
        if writing.busy:
            return {self._form.problem: _problem(t(_WAIT))}
        try:
            correction = self._correction(turn, answer, missing)
            rating = (await asyncio.to_thread(self._find, user, talk, turn)).model_copy(
                update={
                    "reasons": tuple(reason for reason in reasons if reason in REASONS),
                    "comment": comment.strip(),
                    "correction": correction,
                    "time": now(),
                }
            )
            await asyncio.to_thread(self._feedback.rate, rating)
        except GraftError as error:
            return {self._form.problem: _problem(spoken(str(error)))}
        return self._marked(talk, rating) | self._show.no_rating() | self._show.note(_thanks(rating))

    async def close(self) -> Values:
        """Close the form as it is."""
        return self._show.no_rating()

    def _find(self, user: str, talk: Talk, turn: Turn) -> Rating:
        known = self._feedback.of_turns(user, [turn.id]).get(turn.id)
        return known or Rating(user=user, domain=self._pack.name, conversation=talk.id, turn=turn)

    def _correction(self, turn: Turn, text: str, missing: bool) -> Correction | None:
        question = turn.question
        if not missing and text.strip() == turn.text.strip():
            return None  # left as it was: no correction
        schema = self._pack.schema_for(question.format, question.schema_name)
        return read_correction(text, question.format, schema, self._pack.refusal, answerable=not missing)

    def _marked(self, talk: Talk, rating: Rating) -> Values:
        marked = talk.model_copy(update={"marks": {**talk.marks, rating.turn.id: Mark.of(rating)}})
        return {self._show.parts.talk: marked, self._show.parts.chat: messages(marked.turns, marked.marks)}

    def _opened(self, rating: Rating) -> Values:
        right, parts, form = rating.correction, self._show.parts, self._form
        question = escape(" ".join(rating.turn.question.text.split()))
        return {
            parts.rating: gr.update(visible=True),
            parts.rated: rating.turn.id,
            form.head: f'<h2>{t("Your rating")}</h2><p class="asked" title="{question}">{question}</p>',
            form.reasons: list(rating.reasons),
            form.comment: rating.comment,
            form.answer: right.text if right is not None and right.answerable else rating.turn.text,
            form.missing: right is not None and not right.answerable,
            form.problem: "",
        }


def _thanks(rating: Rating) -> str:
    return t("Kept. Thank you.") if rating.says_something else t("Your rating is taken back.")


def _problem(text: str) -> str:
    return f'<p class="trouble" role="alert">{escape(t("Not kept: {problem}.", problem=text.rstrip(".")))}</p>'
