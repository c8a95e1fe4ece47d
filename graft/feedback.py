"""What is learnt from users' ratings: candidates for `graft dataset review`, and preferences for dpo and kto.

A preference is a line as `finetune.preferences` reads it. What asks a test question is left out of both: what is tested
must not be trained on. So is what rests on files of one conversation: they are their user's alone.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.answer_text import fold, mark_spans, without_marks
from core.chat_files import OWN_FILES
from core.example_desk import TakenIn
from core.feedback import Correction, Rating, Vote
from core.feedback_store import FeedbackStore
from core.files import write_lines
from core.pack import DomainPack
from core.passages import to_citations
from core.standalone import standalone_question
from core.turns import Turn
from core.types import STRUCTURED, USER_TAG, Citation, Evidence, Example
from finetune.synthesis.candidate import Candidate, ReviewFile

_TEACHER = "user"


def review_entry(rating: Rating, domain: str) -> Candidate | None:
    """The candidate for training that a correction is; None for a rating without one."""
    if rating.correction is None:
        return None
    turn, right = rating.turn, rating.correction
    evidence = _evidence(rating, right, domain)
    example = Example(
        id=f"feedback-{turn.id[:12]}",
        question=_asked(turn),
        answer=without_marks(right.answer) if isinstance(right.answer, str) else right.answer,
        format=turn.question.format,
        schema=turn.question.schema_name,
        evidence=tuple(Evidence(source=one.source, quote=one.quote) for one in evidence),
        answerable=right.answerable,
        tags=("feedback", f"{USER_TAG}{rating.user}"),
    )
    shown = {one.number for one in evidence}
    passage = "\n\n".join(one.text for one in turn.passages or () if one.number in shown)
    digest = hashlib.sha256(right.text.encode()).hexdigest()[:8]
    return Candidate(task=f"{_task(turn)}{digest}", example=example, passage=passage, teacher=_TEACHER)


def add_to_review(file: ReviewFile, ratings: Sequence[Rating], pack: DomainPack) -> dict[str, int]:
    """Add what is new to the review file; counts of added, replaced, known, tested and private.

    A correction that was changed before anybody reviewed it takes the place of the earlier one.
    """
    counts = {"added": 0, "replaced": 0, "known": 0, "tested": 0, "private": 0}
    known = {candidate.task: candidate for candidate in file.read()}
    for rating in ratings:
        entry = review_entry(rating, pack.name)
        if entry is None:
            continue
        if _is_tested(rating.turn, pack):
            counts["tested"] += 1
        elif _is_private(rating.turn):
            counts["private"] += 1
        elif entry.task in known:
            counts["known"] += 1
        else:
            for task, earlier in known.items():
                if task.startswith(_task(rating.turn)) and earlier.status == "pending":
                    file.settle(task, "rejected", earlier.example, before="pending")
                    counts["replaced"] += 1
            file.add(entry)
            counts["added"] += 1
    return counts


def take_in(store: FeedbackStore, pack: DomainPack, target: Path) -> TakenIn:
    """All that users said: corrections to the pack's review file, each once, and preferences to `target`, anew."""
    ratings, votes = store.ratings(), store.votes()
    counts = add_to_review(ReviewFile(pack.data / "examples"), ratings, pack)
    lines = list(preferences(ratings, votes, pack))
    write_lines(target, lines)
    return TakenIn(**counts, preferences=len(lines))


def preferences(ratings: Sequence[Rating], votes: Sequence[Vote], pack: DomainPack) -> Iterator[dict[str, Any]]:
    """Lines of preferences.jsonl: corrections and votes as pairs, other ratings as answers that are good or not."""
    for rating in ratings:
        if not _is_tested(rating.turn, pack) and not _is_private(rating.turn):
            yield from _of_rating(rating, pack.name)
    for vote in votes:
        if not _is_tested(vote.turns[0], pack) and not any(_is_private(turn) for turn in vote.turns):
            yield from _of_vote(vote)


def _of_rating(rating: Rating, domain: str) -> Iterator[dict[str, Any]]:
    turn, right = rating.turn, rating.correction
    if not _has_answer(turn):
        return
    given = _side(turn)
    if right is not None and right.answer != given:
        evidence = [{"source": one.source, "quote": one.quote} for one in _evidence(rating, right, domain)]
        pair = {"chosen": right.answer, "rejected": given, "evidence": evidence}
        yield _line(f"feedback-{turn.id}", turn, "correction", rating.user, pair)
    elif rating.verdict is not None:
        judged = {"answer": given, "good": rating.verdict == "up"}
        yield _line(f"feedback-{turn.id}", turn, "rating", rating.user, judged)


def _of_vote(vote: Vote) -> Iterator[dict[str, Any]]:
    answered = [(number, turn) for number, turn in enumerate(vote.turns) if _has_answer(turn)]
    if vote.outcome == "none":
        for number, turn in answered:
            judged = {"answer": _side(turn), "good": False}
            yield _line(f"vote-{vote.id}-{number}", turn, "vote", vote.user, judged)
    best = next((turn for number, turn in answered if number == vote.winner), None)
    if vote.outcome != "winner" or best is None:
        return
    for number, turn in answered:
        worse = _side(turn)
        if isinstance(worse, str) and turn.passages != best.passages:
            worse = without_marks(worse)  # its marks count passages that this prompt does not have
        if number != vote.winner and worse != _side(best):
            pair = {"chosen": _side(best), "rejected": worse}
            yield _line(f"vote-{vote.id}-{number}", best, "vote", vote.user, pair, f"against:{turn.question.arm.name}")


def _line(identity: str, turn: Turn, origin: str, user: str, sides: dict[str, Any], *tags: str) -> dict[str, Any]:
    model = turn.answer.model if turn.answer else ""
    return {
        "id": identity,
        "question": _asked(turn),
        "format": turn.question.format,
        "schema": turn.question.schema_name,
        **sides,
        "passages": [
            {"source": passage.source, "locator": passage.locator, "text": passage.text}
            for passage in turn.passages or ()
        ],
        "tags": [
            f"origin:{origin}",
            f"arm:{turn.question.arm.name}",
            f"model:{model}",
            f"{USER_TAG}{user}",
            *tags,
        ],
    }


def _side(turn: Turn) -> str | dict[str, Any] | None:
    """The answer as examples hold one; one that is not valid as the model wrote it."""
    answer = turn.answer
    if answer is None or answer.refused:
        return None
    if turn.question.format in STRUCTURED:
        return answer.answer if answer.valid and isinstance(answer.answer, dict) else answer.raw or answer.text
    return answer.text


def _has_answer(turn: Turn) -> bool:
    return turn.answer is not None and not turn.answer.degraded


def _evidence(rating: Rating, right: Correction, domain: str) -> list[Citation]:
    """What the right answer rests on: the passages it marks, else those that the answer cited and nobody doubted."""
    if not right.answerable:
        return []
    turn = rating.turn
    marked = [number for number, _, _ in mark_spans(right.text)] if turn.question.format not in STRUCTURED else []
    if not marked and turn.answer is not None and "source" not in rating.reasons:
        marked = [citation.number for citation in turn.answer.citations]
    own = [passage for passage in turn.passages or () if passage.corpus in ("", domain)]
    return to_citations(list(dict.fromkeys(marked)), own, right.text)


def _asked(turn: Turn) -> str:
    return standalone_question(turn.question.text, turn.question.history)


def _is_tested(turn: Turn, pack: DomainPack) -> bool:
    asked = fold(_asked(turn))
    return any(fold(example.question) == asked for example in pack.test_examples)


def _is_private(turn: Turn) -> bool:
    return any(passage.corpus == OWN_FILES for passage in turn.passages or ())


def _task(turn: Turn) -> str:
    return f"feedback:{turn.id}:"


def described(rating: Rating) -> dict[str, Any]:
    """A rating as `graft feedback list` shows it."""
    turn = rating.turn
    right = rating.correction
    return {
        "time": rating.time,
        "user": rating.user[:8],
        "verdict": rating.verdict,
        "reasons": list(rating.reasons),
        "comment": rating.comment,
        "question": turn.question.text,
        "format": turn.question.format,
        "schema": turn.question.schema_name,
        "arm": turn.question.arm.name,
        "model": turn.answer.model if turn.answer else "",
        "answer": turn.text,
        "correction": None if right is None else right.text,
        "answerable": None if right is None else right.answerable,
        "passages": [passage.source for passage in turn.passages or ()],
    }
