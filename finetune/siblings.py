"""Other training questions for the passages of one: what they answer as well, and what they do not answer.

Questions over the same passages teach to choose by the question, and to refuse by it; and the fast path computes
passages once for all of them. Knows no prompt and no index.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from core.types import Example, Passage


class Siblings:
    """Finds them among a pack's training examples; those that were taken least often come first.

    `most` examples are found for a leading one; `refused_share` of the leading examples that are answered get one among
    them that their passages do not answer.
    """

    def __init__(self, examples: Sequence[Example], most: int, refused_share: float) -> None:
        self.most, self.refused_share = most, refused_share
        self._by_source: dict[str, list[Example]] = defaultdict(list)
        self._unanswerable: dict[tuple[str, str | None], list[Example]] = defaultdict(list)
        self._quotes: dict[str, list[tuple[str, str]]] = {}
        self._taken: Counter[str] = Counter()
        for example in examples:
            self._quotes[example.id] = [(e.source, " ".join(e.quote.split())) for e in example.evidence]
            if not example.answerable:
                self._unanswerable[_prompted(example)].append(example)
            for source in dict.fromkeys(e.source for e in example.evidence):
                self._by_source[source].append(example)

    def of(
        self, lead: Example, passages: Sequence[Passage], draw: random.Random, *, any_schema: bool, refused: bool
    ) -> list[Example]:
        """Siblings of `lead` with its format, and its schema unless `any_schema`; the same for the same draw.

        `refused`: the leading example is a refusal itself.
        """
        if not self.most:
            return []
        texts: dict[str, str] = defaultdict(str)
        for passage in passages:
            texts[passage.source] += "\n" + " ".join(passage.text.split())
        near = [e for source in texts for e in self._by_source[source] if _fits(e, lead, any_schema)]
        near = list({e.id: e for e in near}.values())
        held = [e for e in near if e.answerable and self._held(e, texts)]
        draw.shuffle(held)
        # Another record first: the same one asked anew teaches less.
        held.sort(key=lambda e: (self._taken[e.id], e.record == lead.record))
        chosen = held[: self.most]
        if not refused and draw.random() < self.refused_share:
            missed = [e for e in near if e.answerable and not self._holds_any(e, texts)]
            strange = self._unanswerable[_prompted(lead)]
            pool = strange if strange and (not missed or draw.random() < 0.5) else missed
            if pool:
                least = min(self._taken[e.id] for e in pool)
                chosen = [*chosen[: self.most - 1], draw.choice([e for e in pool if self._taken[e.id] == least])]
        self._taken.update(e.id for e in chosen)
        return chosen

    def _held(self, example: Example, texts: dict[str, str]) -> bool:
        return all(quote in texts.get(source, "") for source, quote in self._quotes[example.id])

    def _holds_any(self, example: Example, texts: dict[str, str]) -> bool:
        return any(quote in texts.get(source, "") for source, quote in self._quotes[example.id])


def _prompted(example: Example) -> tuple[str, str | None]:
    return example.format, example.schema_name


def _fits(example: Example, lead: Example, any_schema: bool) -> bool:
    if example.id == lead.id or example.format != lead.format:
        return False
    return any_schema or example.schema_name == lead.schema_name
