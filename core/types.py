"""The words of Graft as types: examples, evidence, citations, answers. No behaviour beyond validation."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Format = Literal["text", "markdown", "json", "yaml"]
FORMATS: tuple[Format, ...] = ("text", "markdown", "json", "yaml")
STRUCTURED: frozenset[str] = frozenset({"json", "yaml"})


class Evidence(BaseModel):
    """Where the truth of an example stands: `quote` is verbatim (white space folded) and unique in `source`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    quote: str = Field(min_length=1)


class Example(BaseModel):
    """One line of an examples file. `answer` is an object for json and yaml, else a string; null when unanswerable."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    answer: str | dict[str, Any] | None = None
    format: Format = "text"
    schema_name: str | None = Field(default=None, alias="schema")
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True
    tags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _answer_fits_format(self) -> "Example":
        if not self.answerable:
            return self
        if self.format in STRUCTURED and not isinstance(self.answer, dict):
            raise ValueError(f"format {self.format} needs an object as answer")
        if self.format not in STRUCTURED and not (isinstance(self.answer, str) and self.answer):
            raise ValueError(f"format {self.format} needs a non-empty string as answer")
        return self

    @property
    def record(self) -> str:
        """The record this example asks about (`record:` tag), or its own id: the unit of the train/test split."""
        return next((t[len("record:") :] for t in self.tags if t.startswith("record:")), self.id)

    @property
    def user(self) -> str | None:
        """Whose correction this example came of, as a user's id (`user:` tag); None: nobody's."""
        return user_in(self.tags)


USER_TAG = "user:"
"""The tag that says from whose feedback a line of training data came: with the user's id, which is no name."""


def user_in(tags: Sequence[str]) -> str | None:
    """The id of the user that tags name, or None."""
    return next((tag.removeprefix(USER_TAG) for tag in tags if tag.startswith(USER_TAG)), None)


class Place(BaseModel):
    """Where a text stands in its document, as far as known; None or empty where its format has no such thing.

    `page` counts from 1; `place` is what readers call it ("page 3", "sheet Prices, rows 4-9"); `start` and `end` are
    characters of the document's text as it was read, lines count from 1.
    """

    model_config = ConfigDict(frozen=True)

    page: int | None = None
    place: str = ""
    start: int | None = None
    end: int | None = None
    first_line: int | None = None
    last_line: int | None = None


class Citation(Place):
    """A passage the answer points at. `number` is its `[n]` in the prompt; `quote` is verbatim from the passage.

    The place is the quote's own, `corpus` the one it was found in.
    """

    number: int
    source: str
    locator: str
    quote: str
    corpus: str = ""


class Passage(Place):
    """A hit as it entered the prompt: a chunk, or neighbours joined, whose places are `parts`.

    `score` is the retrieval score, 0 to 1; `left_out` the places of table rows and entries that its text goes without.
    """

    number: int
    source: str
    locator: str
    text: str
    score: float = 0.0
    corpus: str = ""
    parts: tuple[Place, ...] = ()
    left_out: tuple[Place, ...] = ()


class Usage(BaseModel):
    """Tokens as counted by the serving model."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Answer(BaseModel):
    """What the pipeline returns for one question.

    `text` is what a user reads (for json and yaml the serialised answer without the envelope), `answer` the object for
    json and yaml (None when refused or unparsable) and else the text, a refusal's too. `raw` is what the model wrote,
    `valid` whether it parses and matches the schema, `seconds` wall time from question to last token. `degraded`: the
    model was down, and `text` lists the passages.
    """

    model_config = ConfigDict(populate_by_name=True)

    text: str
    answer: Any = None
    format: Format
    schema_name: str | None = Field(default=None, alias="schema", serialization_alias="schema")
    valid: bool = True
    refused: bool = False
    degraded: bool = False
    citations: list[Citation] = []
    arm: str = ""
    model: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0
    seconds_to_first_token: float | None = None
    finish_reason: str | None = None
    raw: str = ""
    passages: list[Passage] = []
