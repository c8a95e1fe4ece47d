"""Examples that repeat each other: ids, questions, near-duplicates, and what stands in both training and test set."""

from collections.abc import Iterator, Sequence

from finetune.corpus_text import fold_space
from finetune.dataset_check.finding import Finding, Line
from finetune.similar import NearTexts, near_across, question_key

Key = tuple[str, str, str | None]


def find_repeats(lines: Sequence[Line]) -> Iterator[Finding]:
    """Ids and questions that repeat inside one file. The same question in two formats is no repetition."""
    ids: dict[str, Line] = {}
    questions: dict[Key, Line] = {}
    for line in lines:
        example = line.example
        if example.id in ids:
            first = ids[example.id]
            yield line.finding(
                "error", "id", f"repeats the id '{example.id}' of {first.place}", "give it an id of its own", first
            )
        ids.setdefault(example.id, line)
        key = _key(line)
        if key in questions:
            yield _repeats(line, questions[key])
        questions.setdefault(key, line)


def find_near(lines: Sequence[Line]) -> Iterator[Finding]:
    """Questions of one file that ask almost the same in the same format and schema."""
    unique = list({_key(line): line for line in reversed(lines)}.values())[::-1]
    known = NearTexts([line.example.question for line in unique])
    for left, right, likeness in known.pairs():
        one, other = unique[left], unique[right]
        if _key(one)[1:] == _key(other)[1:] and _key(one) != _key(other):
            yield other.finding(
                "warning",
                "near-duplicate",
                f"asks almost what {one.place} asks ({likeness:.0%} alike): '{_short(other)}', '{_short(one)}'",
                "keep one, or word one of them differently",
                one,
            )


def find_leakage(train: Sequence[Line], test: Sequence[Line]) -> Iterator[Finding]:
    """What training would learn of the test set: its records, its questions, its sentences."""
    records = {line.example.record: line for line in reversed(test)}
    questions = {question_key(line.example.question): line for line in reversed(test)}
    quotes = {(e.source, fold_space(e.quote)): line for line in reversed(test) for e in line.example.evidence}
    ids = {line.example.id: line for line in reversed(test)}
    remedy = "remove it from the training set: what is tested must not be trained on"
    exact: set[int] = set()
    for number, line in enumerate(train):
        example = line.example
        shared = [(e.source, fold_space(e.quote)) for e in example.evidence]
        if example.record in records:
            other = records[example.record]
            message = f"belongs to record '{example.record}', which {other.place} tests"
        elif question_key(example.question) in questions:
            other = questions[question_key(example.question)]
            message = f"asks the question of {other.place}"
        elif example.id in ids:
            other = ids[example.id]
            message = f"has the id '{example.id}' of {other.place}"
        elif found := [quotes[quote] for quote in shared if quote in quotes]:
            other = found[0]
            exact.add(number)
            message = f"rests on the sentence that {other.place} asks about"
            yield line.finding(
                "warning", "leakage", message, "tag both with one record: and keep them in one file", other
            )
            continue
        else:
            continue
        exact.add(number)
        yield line.finding("error", "leakage", message, remedy, other)
    asked, tested = [line.example.question for line in train], [line.example.question for line in test]
    for left, right, likeness in near_across(asked, tested):
        if left not in exact:
            yield train[left].finding(
                "warning",
                "leakage",
                f"asks almost what the test {test[right].place} asks ({likeness:.0%} alike): '{_short(train[left])}'",
                "remove it if it asks for the same thing",
                test[right],
            )


def _repeats(line: Line, first: Line) -> Finding:
    if line.example.answerable == first.example.answerable and line.example.answer == first.example.answer:
        return line.finding(
            "warning", "duplicate", f"repeats question and answer of {first.place}", "remove one of them", first
        )
    return line.finding(
        "error",
        "contradiction",
        f"answers the question of {first.place} otherwise, in the same format",
        "keep the right one",
        first,
    )


def _key(line: Line) -> Key:
    example = line.example
    return question_key(example.question), example.format, example.schema_name


def _short(line: Line) -> str:
    question = fold_space(line.example.question)
    return question if len(question) <= 80 else f"{question[:77]}..."
