"""What the page needs to give advice: which of ICL, RAG and fine-tuning a domain needs. Knows no stage and no rule.

Two implementations: graft.advice_desk over the advisor, and the one of the page's tests. Everything is text for people.
"""

from typing import Literal, Protocol

from pydantic import BaseModel

Kind = Literal["md", "html", "json"]


class AdviceQuestion(BaseModel):
    """One question. `said` is what a user answered, None: nothing; `source` where the answer comes from."""

    key: str
    question: str
    answer: Literal["yes", "no", "unknown"]
    evidence: str
    source: Literal["measured", "said", "nobody"]
    means: str
    said: bool | None = None
    yes: str = ""
    no: str = ""


class AdviceStep(BaseModel):
    """One thing to try or to collect: what, what was measured of it, why, and the command."""

    what: str
    measured: str = ""
    why: str
    command: str = ""


class AdviceMethod(BaseModel):
    """One row of the table of methods: guidance by column, and what was measured here."""

    name: str
    measured: str
    cells: list[str]


class AdviceShown(BaseModel):
    """The whole advice. `costs` are pairs of label and text; `lab` says which lab it rests on."""

    headline: str
    short: str
    status: str
    because: str
    fine_tune: Literal["yes", "no", "not yet"]
    cautions: list[str] = []
    costs: list[tuple[str, str]] = []
    would_change: list[str] = []
    order: list[AdviceStep] = []
    next_data: list[AdviceStep] = []
    questions: list[AdviceQuestion] = []
    weighed: list[AdviceQuestion] = []
    columns: list[str] = []
    methods: list[AdviceMethod] = []
    lab: str = ""


class AdviceDesk(Protocol):
    """The advice for one domain. Every method raises GraftError subclasses whose message says what to do. May block."""

    def advice(self) -> AdviceShown:
        """What is advised now, by the newest lab and the answers that are kept."""
        ...

    def answer(self, question: str, yes: bool | None) -> None:
        """Keep an answer, or forget it (None). Raises RequestError for a question that is none."""
        ...

    def download(self, kind: Kind) -> str:
        """The advice as a document."""
        ...
