"""Finds the weights with which a corpus's evidence ranks highest, on training examples that name their evidence.

Weighing the candidates of a question again and again is cheap. The figures come from examples that chose nothing: one
half tunes, the other half is measured, and the other way round. Knows no pack and no file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.embeddings import Embeddings

from core.passages import CountTokens
from core.types import Example
from retriever.asked import Asked, Progress, ask, choose, gain, means
from retriever.corpus_index import CorpusIndex
from retriever.searching import weigh
from retriever.weights import Weights

MOST = 400
_GRID: dict[str, tuple[float, ...]] = {
    "dense": (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0),
    "rank_constant": (3.0, 10.0, 30.0, 60.0),
    "names": (0.0, 0.5, 1.0, 2.0),
    "line": (0.0, 0.5, 1.0, 1.25, 1.5, 2.0),
}
_ROUNDS = 2


@dataclass(frozen=True)
class Tuned:
    """Weights from all examples; means of `recall` and `mrr`, before and with weights tuned on the other half.

    `gain` is the difference in recall with its 95% interval (paired bootstrap).
    """

    weights: Weights
    examples: int
    before: dict[str, float]
    after: dict[str, float]
    gain: tuple[float, float, float]

    @property
    def helps(self) -> bool:
        """Whether held-out questions fare better, or as well with the evidence further up."""
        return (self.after["recall"], self.after["mrr"]) > (self.before["recall"], self.before["mrr"])


def tune(
    index: CorpusIndex,
    embeddings: Embeddings,
    examples: Sequence[Example],
    count_tokens: CountTokens,
    *,
    k: int,
    token_budget: int,
    seed: int = 7,
    on_progress: Progress = lambda done, total: None,
) -> Tuned:
    """Tune on up to `MOST` answerable examples with evidence. Raises RetrievalError when there are too few."""
    chosen = choose(examples, MOST, seed)
    start = index.current().weights
    asked = ask(index, embeddings, chosen, on_progress)
    halves = [[one for one in asked if one.half == half] for half in (0, 1)]
    before, after = [], []
    for own, other in (halves, halves[::-1]):
        tuned = _descend(other, start)
        for judged, weights in ((before, start), (after, tuned)):
            judged += [one.judge(weigh(one.candidates, [weights]), count_tokens, k, token_budget) for one in own]
    weights = _descend(asked, start)
    return Tuned(weights, len(asked), means(before), means(after), gain(before, after, "recall", seed))


def _descend(asked: Sequence[Asked], start: Weights) -> Weights:
    """Coordinate descent over the grid: one weight after the other, twice."""
    best, best_score = start, _objective(asked, start)
    for _ in range(_ROUNDS):
        for name, values in _GRID.items():
            for value in values:
                tried = best.model_copy(update={name: value})
                score = _objective(asked, tried)
                if score > best_score + 1e-9:
                    best, best_score = tried, score
    return best


def _objective(asked: Sequence[Asked], weights: Weights) -> float:
    return sum(one.reciprocal_rank(weigh(one.candidates, [weights])) for one in asked)
