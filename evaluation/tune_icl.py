"""How many worked examples the ICL arms show: tried on training examples, never on the test set.

Whole records are held out: the answerer must not show examples of the records that are asked.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from core.arms import parse_arm
from core.errors import LabError
from core.pack import DomainPack
from core.settings import LabSettings
from evaluation.answer_cache import AnswerCache
from evaluation.asking import RETRY_WAITS, Answerer, QuestionsRefusedError, ask_all, to_question
from evaluation.lab import OnProgress, cache_identity
from evaluation.sample import stratified
from evaluation.scores import Score, score_answer

COUNTS = (1, 3, 5)
SAMPLE = 24
# The strongest arm without training is the one the margin is taken against, so the number is chosen in its favour.
ARM = "rag+icl+schema"


async def tune_icl(
    answerer_for: Callable[[int, frozenset[str]], Answerer],
    pack: DomainPack,
    settings: LabSettings,
    *,
    fingerprint: str,
    cache_dir: Path,
    counts: Sequence[int] = COUNTS,
    sample: int = SAMPLE,
    arm: str = ARM,
    on_progress: OnProgress = lambda arm, done, total: None,
    retry_waits: Sequence[float] = RETRY_WAITS,
) -> int:
    """Return the count whose answers to `sample` held-out training questions are best; the smaller one wins a tie.

    A count with which questions fail (examples take room in the context) comes after every one with which fewer do.
    `answerer_for(count, held_out)` answers with `count` examples in the prompt, none of them of the records in
    `held_out`. Raises LabError without answerable training examples, or when not even the smallest count can be asked.
    """
    answerable = [example for example in pack.train_examples if example.answerable]
    if not answerable:
        raise LabError(
            f"domain '{pack.name}' has no answerable training examples to show: write {pack.train_file}, "
            "or leave the icl arms out"
        )
    asked = stratified(answerable, sample, settings.seed)
    held_out = frozenset(example.record for example in asked)
    chosen = parse_arm(arm)
    quality: dict[int, tuple[int, float, int]] = {}
    for count in sorted(set(counts)):
        identity = cache_identity(pack, chosen, "tuning", fingerprint, adapter=None, icl_count=count)
        try:
            answers = await ask_all(
                answerer_for(count, held_out),
                [to_question(example, chosen, None, settings.max_tokens) for example in asked],
                AnswerCache(cache_dir / "answers", f"tune-{count}", [identity, sorted(held_out)]),
                concurrency=settings.concurrency,
                on_answer=lambda done, total, count=count: on_progress(f"examples: {count}", done, total),
                retry_waits=retry_waits,
            )
        except QuestionsRefusedError:
            if not quality:
                raise
            break  # fewer examples fitted; more of them take no less room
        scores = [score_answer(e, o.answer, chosen) for e, o in zip(asked, answers.outcomes, strict=True)]
        failed = sum(score.failed for score in scores)
        quality[count] = -failed, round(sum(map(_worth, scores)) / len(scores), 6), -count
    return max(quality, key=lambda count: quality[count])


def _worth(score: Score) -> float:
    """Field exact match where there are fields to count, else token F1; 0 where neither applies."""
    return score.field_em if score.field_em is not None else score.prose_f1 or 0.0
