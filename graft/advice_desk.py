"""The advice for a served domain, for the page. Implements core.advice_desk by what `graft advise` works with."""

import json
from typing import TYPE_CHECKING, Any

from core.advice_desk import AdviceMethod, AdviceQuestion, AdviceShown, AdviceStep, Kind
from core.pack import DomainPack
from graft.advise import Found, find
from graft.advise_answers import keep_answer, kept_answers
from graft.service import LocalService

if TYPE_CHECKING:
    from advisor.advice import Advice
    from advisor.questions import Answered


class LocalAdviceDesk:
    """Reads the workspace of the domain that `service` serves; starts no model."""

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self._folder = service.workspace.lab(service.pack.name)

    def advice(self) -> AdviceShown:
        """What is advised now."""
        found, said = self._find(), kept_answers(self._folder)
        return shown(found.advise(said), said, "" if found.lab_file is None else found.lab_file.parent.name)

    def answer(self, question: str, yes: bool | None) -> None:
        """Keep an answer, or forget it."""
        keep_answer(self._folder, question, yes)

    def download(self, kind: Kind) -> str:
        """The advice as a document."""
        from advisor.markdown import to_markdown
        from advisor.page import to_html

        advice, title = self._find().advise(kept_answers(self._folder)), self._service.pack.title
        if kind == "md":
            return to_markdown(advice, title)
        if kind == "html":
            return to_html(advice, title)
        return json.dumps(advice.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"

    def _find(self) -> Found:
        service, pack = self._service, self._service.pack
        # Read anew: a pack keeps what it read first, and examples have been edited since.
        pack = DomainPack(pack.root, pack.file, pack.data)
        return find(service.settings, service.workspace, pack, lambda text: None)


def shown(advice: "Advice", said: dict[str, bool], lab: str) -> AdviceShown:
    """An advice in the words of its Markdown, part by part."""
    from advisor.markdown import (
        LABELS,
        SHORT_ANSWER,
        cost_lines,
        headline,
        measured_cell,
        measured_words,
        status_sentence,
    )
    from advisor.methods import columns

    found = advice.recommendation
    return AdviceShown(
        headline=headline(found),
        short=SHORT_ANSWER[found.fine_tune],
        status=status_sentence(found),
        because=found.because,
        fine_tune=found.fine_tune,
        cautions=found.cautions,
        costs=cost_lines(found),
        would_change=found.would_change,
        order=[_step(step, "step", "because", measured_words(step).strip(" ()")) for step in advice.order],
        next_data=[_step(step, "what", "why", "") for step in advice.next_data],
        questions=[_question(question, said) for question in advice.questions],
        weighed=[_question(question, said) for question in found.weighed],
        columns=[LABELS[name] for name in columns()],
        methods=[
            AdviceMethod(name=row["name"], measured=measured_cell(row), cells=[row[name] for name in columns()])
            for row in found.methods
        ],
        lab=lab,
    )


def _step(step: dict[str, Any], what: str, why: str, measured: str) -> AdviceStep:
    return AdviceStep(what=step[what], why=step[why], measured=measured, command=step["command"])


def _question(question: "Answered", said: dict[str, bool]) -> AdviceQuestion:
    from advisor.rules import load_rules

    rules = load_rules()
    rule = next(one for one in (*rules.questions, *rules.weighed) if one.key == question.key)
    return AdviceQuestion(
        key=question.key,
        question=question.question,
        answer=question.answer,
        evidence=question.evidence,
        source=question.source,
        means=question.means,
        said=said.get(question.key),
        yes=rule.yes,
        no=rule.no,
    )
