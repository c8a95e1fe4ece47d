"""The runs: ask the teacher about chunk after chunk, or example after example, until enough candidates wait for review.

What was tried is not tried again: the same command goes on where one stopped. Knows no client and no terminal.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from core.files import sha256_json
from core.pack import DomainPack
from core.types import STRUCTURED, Example, Format
from finetune.corpus_text import CorpusText
from finetune.synthesis.asking import Ask, Task, choose_task, new_example_prompt, read_reply, restyle_prompt
from finetune.synthesis.candidate import Candidate, Refusal, ReviewFile
from finetune.synthesis.quality import Unfit
from finetune.synthesis.verify import Verifier, verify_restyled

Progress = Callable[[str, int, int], None]
"""Told what is counted, how many there are, and how many there may be."""
Work = TypeVar("Work")
_SHOWN = 500


@dataclass(frozen=True)
class Options:
    """`count` candidates of the run's kind shall wait for review in the end; at most `tries` go to the teacher."""

    count: int
    tries: int
    formats: tuple[Format, ...]
    seed: int = 7
    concurrency: int = 4


class RunReport(NamedTuple):
    """What came of a run: candidates kept, questions asked, refusals by reason, and how many wait for review now."""

    kept: int
    asked: int
    refused: dict[str, int]
    waiting: int


def synthesize(
    pack: DomainPack,
    corpus: CorpusText,
    ask: Ask,
    review: ReviewFile,
    options: Options,
    *,
    teacher: str = "",
    on_progress: Progress = lambda stage, done, total: None,
) -> RunReport:
    """Write new examples from the corpus into the review file. Raises what `ask` raises; what was kept stays."""
    verifier = Verifier(pack, corpus, [item.example for item in review.read() if item.replaces is None])
    done = review.tasks()

    def tasks() -> Iterator[Task]:
        for chunk in corpus.chunks(options.seed):
            task = choose_task(chunk, pack, options.formats, options.seed)
            if task is not None and task.key not in done and verifier.may_ask(chunk):
                yield task

    def judge(task: Task, text: str) -> Candidate:
        example = verifier.verify(task, read_reply(text))
        return Candidate(task=task.key, example=example, passage=task.chunk.text, teacher=teacher)

    return _run(
        tasks(),
        lambda task: task.key,
        lambda task: ask(*new_example_prompt(task, pack)),
        judge,
        review,
        options,
        on_progress,
        _waiting(review, rewritten=False),
    )


def restyle(
    pack: DomainPack,
    ask: Ask,
    review: ReviewFile,
    options: Options,
    *,
    teacher: str = "",
    on_progress: Progress = lambda stage, done, total: None,
) -> RunReport:
    """Rewrite answers of training examples into the persona's voice, into the review file. Raises what `ask` raises."""
    done = review.tasks()

    def key(example: Example) -> str:
        return f"style:{example.id}:{sha256_json([example.answer, pack.persona])[:12]}"

    def judge(example: Example, text: str) -> Candidate:
        answer = verify_restyled(example, read_reply(text), pack)
        return Candidate(
            task=key(example),
            example=example.model_copy(update={"answer": answer}),
            replaces=example.id,
            before=str(example.answer),
            teacher=teacher,
        )

    wanted = [
        example
        for example in pack.train_examples
        if example.answerable
        and example.format in options.formats
        and example.format not in STRUCTURED
        and key(example) not in done
    ]
    return _run(
        wanted,
        key,
        lambda example: ask(*restyle_prompt(example, pack)),
        judge,
        review,
        options,
        on_progress,
        _waiting(review, rewritten=True),
    )


def _waiting(review: ReviewFile, *, rewritten: bool) -> int:
    """How many new examples, or rewritten answers, wait for review."""
    return sum(item.status == "pending" and (item.replaces is not None) == rewritten for item in review.read())


def _run(
    work: Iterable[Work],
    key: Callable[[Work], str],
    ask: Callable[[Work], str],
    judge: Callable[[Work, str], Candidate],
    review: ReviewFile,
    options: Options,
    on_progress: Progress,
    waiting: int,
) -> RunReport:
    """Ask a few at a time, judge in order: the same replies give the same file."""
    refused: Counter[str] = Counter()
    kept = asked = 0
    items = iter(work)
    with ThreadPoolExecutor(options.concurrency) as pool:
        while waiting < options.count and asked < options.tries:
            size = min(options.concurrency, options.tries - asked, max(1, options.count - waiting))
            batch = list(islice(items, size))
            if not batch:
                break
            for item, text in zip(batch, _answers(pool, ask, batch), strict=True):
                asked += 1
                on_progress("asked", asked, options.tries)
                try:
                    candidate = judge(item, text)
                except Unfit as unfit:
                    refused[unfit.kind] += 1
                    shown = text[:_SHOWN].encode(errors="replace").decode()  # half a character cannot be written
                    review.add(Refusal(task=key(item), reason=unfit.kind, text=shown))
                    continue
                review.add(candidate)
                kept += 1
                waiting += 1
                on_progress("sound", waiting, options.count)
    return RunReport(kept, asked, dict(refused.most_common()), waiting)


def _answers(pool: ThreadPoolExecutor, ask: Callable[[Any], str], batch: Sequence[Any]) -> Iterator[str]:
    return pool.map(ask, batch)
