"""The knowledge update drill: facts are changed in documents, and every arm is asked before and after.

An arm follows when it says the new value once the documents are indexed again. Knows no index: `change` makes the
change and returns when it can be found.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from core.arms import Arm
from core.errors import LabError, RequestError, ServeError
from core.types import Answer, Example
from evaluation.asking import Answerer, to_question
from evaluation.controls import Tampered, said_value, values_of
from evaluation.words import holds

# Formats whose text is the file itself, so that a fact can be changed by writing a file.
PLAIN_TEXT = frozenset({".md", ".txt", ".csv", ".tsv", ".rst", ".json", ".yaml", ".yml", ".html", ".xml", ".org"})


class Fact(NamedTuple):
    """A value that stands once in a quote which stands once in a document, and what it becomes."""

    example: Example
    source: str
    quote: str
    task: Tampered

    def write_into(self, text: str) -> str:
        """The document's text with the new value."""
        return text.replace(self.quote, self.quote.replace(self.task.right, self.task.invented))


def find_facts(examples: Sequence[Example], read: Callable[[str], str | None], count: int) -> list[Fact]:
    """At most `count` facts of different records and quotes; `read(source)` gives a document's text, None if it cannot.

    Raises LabError when no example's evidence can be changed by writing a text file.
    """
    found: list[Fact] = []
    taken: set[str] = set()
    for index, example in enumerate(examples):
        if len(found) == count:
            break
        if not example.answerable or example.record in taken:
            continue
        fact = _fact(index, example, examples, read)
        if fact is not None and not any(fact.quote == other.quote for other in found):
            found.append(fact)
            taken.add(example.record)
    if not found:
        raise LabError(
            "no test example's answer stands word for word in its evidence in a text file "
            f"({', '.join(sorted(PLAIN_TEXT))}): there is no fact that a drill could change"
        )
    return found


async def drill(
    answerer: Answerer,
    facts: Sequence[Fact],
    arms: Sequence[Arm],
    adapter: Callable[[Arm], str | None],
    change: Callable[[], Awaitable[float]],
    *,
    max_tokens: int | None,
    on_progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Ask, change, ask again. Per arm the counts of what was said `before` and `after`, and `seconds` to the new value.

    `adapter(arm)` names the adapter that an arm uses. `seconds` run from the change: until it could be found, and the
    median answer after that; None for an arm that says no new value.
    """
    before = {arm.name: await _ask(answerer, facts, arm, adapter, max_tokens, on_progress, "before") for arm in arms}
    indexed = await change()
    result: dict[str, Any] = {"facts": len(facts), "seconds": round(indexed, 2), "arms": {}}
    for arm in arms:
        said = await _ask(answerer, facts, arm, adapter, max_tokens, on_progress, "after")
        after = Counter(value for value, _ in said)
        took = [seconds for value, seconds in said if value == "invented"]
        result["arms"][arm.name] = {
            "before": _counts(Counter(value for value, _ in before[arm.name])),
            "after": _counts(after),
            "seconds": round((indexed if arm.retrieval else 0.0) + median(took), 2) if took else None,
        }
    result["followed"] = [
        name for name, entry in result["arms"].items() if entry["after"]["new"] > entry["after"]["old"]
    ]
    result["changed"] = [
        {"source": f.source, "question": f.example.question, "old": f.task.right, "new": f.task.invented} for f in facts
    ]
    return result


def drill_lines(result: dict[str, Any]) -> list[str]:
    """The drill for a terminal, a line per arm."""
    lines = [f"{result['facts']} facts changed; found again after {result['seconds']:.1f} s"]
    for name, entry in result["arms"].items():
        after = entry["after"]
        said = f"new {after['new']}, old {after['old']}, other {after['other']}"
        took = f"after {entry['seconds']:.1f} s" if entry["seconds"] is not None else "not without training again"
        training = entry.get("training_seconds")
        if entry["seconds"] is None and training:
            took += f" (the last one took {training / 60:.0f} minutes, and needs examples of the new facts)"
        lines.append(f"  {name}: {said} (before: old {entry['before']['old']}); {took}")
    return lines


def _fact(index: int, example: Example, examples: Sequence[Example], read: Callable[[str], str | None]) -> Fact | None:
    for evidence in example.evidence:
        if Path(evidence.source).suffix.casefold() not in PLAIN_TEXT:
            continue
        text = read(evidence.source)
        if text is None or text.count(evidence.quote) != 1:
            continue
        for path, right, new in values_of(example, examples):
            once = evidence.quote.count(right) == 1
            if once and not holds(example.question, right) and not holds(evidence.quote, new):
                return Fact(example, evidence.source, evidence.quote, Tampered(index, (), path, right, new))
    return None


async def _ask(
    answerer: Answerer,
    facts: Sequence[Fact],
    arm: Arm,
    adapter: Callable[[Arm], str | None],
    max_tokens: int | None,
    on_progress: Callable[[str, int, int], None],
    when: str,
) -> list[tuple[str, float]]:
    """What an arm says about each fact, and in how many seconds. One after another: this is about time."""
    said = []
    for number, fact in enumerate(facts, start=1):
        started = time.perf_counter()
        answer: Answer | None = None
        # A question that fails counts as another answer: a drill is not worth stopping for one.
        with suppress(ServeError, RequestError):
            answer = await answerer.answer(to_question(fact.example, arm, adapter(arm), max_tokens))
        said.append((said_value(fact.task, fact.example, answer), time.perf_counter() - started))
        on_progress(f"{arm.name}, {when}", number, len(facts))
    return said


def _counts(said: Counter[str]) -> dict[str, int]:
    return {"new": said["invented"], "old": said["right"], "other": said["other"]}
