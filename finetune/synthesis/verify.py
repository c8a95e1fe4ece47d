"""Whether what a teacher wrote may be shown to a person: quote, schema, grounding, novelty, and no test record.

Everything here is code: no model judges a model.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator

from core.answer_text import fold, mark_spans
from core.pack import DomainPack
from core.terms import is_identifier
from core.types import STRUCTURED, Evidence, Example
from finetune.corpus_text import ChunkText, CorpusText, fold_space
from finetune.similar import NearTexts, names_and_numbers, question_key
from finetune.synthesis.asking import LONGEST_ANSWER, Task
from finetune.synthesis.quality import Unfit, check_answer, check_question, text_of

_FEWEST_QUOTE_CHARACTERS = 12
# Parts of a record's name shorter than this would forbid too much.
_SHORTEST_NAME = 4


class _Name(NamedTuple):
    """How a test record is called, from its record: tag (`record:setting:CACHES`), and the documents it stands in."""

    pattern: re.Pattern[str]
    sources: frozenset[str]
    is_identifier: bool

    @classmethod
    def of(cls, example: Example) -> "_Name | None":
        """None for an example without a record: tag, or with a name too short to tell."""
        name = example.record.rsplit(":", 1)[-1]
        if example.record == example.id or len(name) < _SHORTEST_NAME:
            return None
        pattern = re.compile(rf"(?<![\w-]){re.escape(name)}(?!\w)", re.IGNORECASE)
        return cls(pattern, frozenset(e.source for e in example.evidence), is_identifier(name))

    def is_meant(self, text: str, source: str) -> bool:
        """Whether `text` names the record. A plain word names it in the record's own documents only."""
        return (self.is_identifier or source in self.sources) and bool(self.pattern.search(text))


class Verifier:
    """Knows the pack's examples, and what was proposed so far."""

    def __init__(self, pack: DomainPack, corpus: CorpusText, proposed: Iterable[Example]) -> None:
        self.pack, self.corpus = pack, corpus
        tested, known = pack.test_examples, [*pack.train_examples, *proposed]
        self._tested = NearTexts([example.question for example in tested])
        self._known = NearTexts([example.question for example in known])
        self._test_questions = {question_key(example.question) for example in tested}
        self._questions = {question_key(example.question) for example in known}
        self._test_quotes: dict[str, list[str]] = {}
        for example in tested:
            for evidence in example.evidence:
                self._test_quotes.setdefault(evidence.source, []).append(fold_space(evidence.quote))
        self._test_answers = [example.answer for example in tested if isinstance(example.answer, dict)]
        self._test_names = [_Name.of(example) for example in tested if example.answerable]

    def may_ask(self, chunk: ChunkText) -> bool:
        """Whether a chunk holds no sentence that the test set asks about."""
        text = fold_space(chunk.text)
        return not any(quote in text for quote in self._test_quotes.get(chunk.source, ()))

    def verify(self, task: Task, reply: dict[str, Any] | None) -> Example:
        """The reply as an example, and from now on a known one. Raises Unfit."""
        if reply is None or not isinstance(reply.get("question"), str) or not isinstance(reply.get("quote"), str):
            raise Unfit("no JSON of the asked shape")
        question, quote = fold_space(reply["question"]), fold_space(reply["quote"])
        answer = self._answer(task, reply.get("answer"))
        self._check_quote(task.chunk, quote)
        self._check_leakage(question, quote, task.chunk.source, answer)
        check_question(question, f"{task.chunk.locator} {task.chunk.text}")
        check_answer(text_of(answer), task.chunk.text, question, limit=LONGEST_ANSWER)
        self._check_novelty(question)
        self._known.add(question)
        self._questions.add(question_key(question))
        return Example(
            id=f"new-{hashlib.sha256(question.encode()).hexdigest()[:10]}",
            question=question,
            answer=answer,
            format=task.format,
            schema=task.schema,
            evidence=(Evidence(source=task.chunk.source, quote=quote),),
            tags=("synthetic", f"record:chunk:{task.chunk.id[:16]}"),
        )

    def _answer(self, task: Task, answer: Any) -> str | dict[str, Any]:
        answer = answer.strip() if isinstance(answer, str) else answer
        if answer is None or answer == "":
            raise Unfit("nothing to ask here")
        if task.format in STRUCTURED:
            schema = self.pack.schema_for(task.format, task.schema) or {}
            if not isinstance(answer, dict) or not Draft202012Validator(schema).is_valid(answer):
                raise Unfit("answer breaks its schema")
            return answer
        if not isinstance(answer, str):
            raise Unfit("no JSON of the asked shape")
        if mark_spans(answer) or fold(answer).startswith(fold(self.pack.refusal)):
            raise Unfit("answer is a refusal or holds marks")
        return answer

    def _check_quote(self, chunk: ChunkText, quote: str) -> None:
        if quote not in fold_space(chunk.text):
            raise Unfit("quote is not in the chunk")
        if len(quote) < _FEWEST_QUOTE_CHARACTERS:
            raise Unfit("quote is too short to be found again")
        if self.corpus.count(chunk.source, quote) > 1:
            raise Unfit("quote stands more than once in its document")

    def _check_leakage(self, question: str, quote: str, source: str, answer: Any) -> None:
        said = f"{question} {text_of(answer)}"
        if (
            question_key(question) in self._test_questions
            or self._tested.near(question)
            or any(quote in tested or tested in quote for tested in self._test_quotes.get(source, ()))
            or any(answer == tested for tested in self._test_answers)
            or any(name.is_meant(said, source) for name in self._test_names if name)
        ):
            raise Unfit("asks about a test record")

    def _check_novelty(self, question: str) -> None:
        if question_key(question) in self._questions or self._known.near(question):
            raise Unfit("near-duplicate of another question")


def verify_restyled(example: Example, reply: dict[str, Any] | None, pack: DomainPack) -> str:
    """The rewritten answer, if it says what the old one says. Raises Unfit."""
    answer = reply.get("answer") if reply else None
    if not isinstance(answer, str) or not answer.strip():
        raise Unfit("no JSON of the asked shape")
    answer, before = answer.strip(), str(example.answer)
    if fold(answer) == fold(before):
        raise Unfit("nothing changed")
    if mark_spans(answer) or fold(answer).startswith(fold(pack.refusal)):
        raise Unfit("answer is a refusal or holds marks")
    if not 0.4 < len(answer) / len(before) < 3:
        raise Unfit("answer is much shorter or longer")
    if names_and_numbers(before) - names_and_numbers(answer):
        raise Unfit("a name or number is lost")
    if names_and_numbers(answer) - names_and_numbers(f"{before} {example.question}"):
        raise Unfit("a name or number is new")
    return answer
