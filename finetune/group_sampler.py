"""The order of rows in an epoch: rows of a group one after the other, the groups in random order.

A batch then holds rows that begin alike, whose beginning the fast path computes once. Knows no row's content.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

# Rows of one group that follow each other; a larger group comes in several places.
TOGETHER = 4


class GroupSampler(Sampler[int]):
    """Indices of all rows, in an order that seed and epoch alone decide. `groups` names each row's group."""

    def __init__(self, groups: Sequence[str], seed: int, together: int = TOGETHER) -> None:
        self.seed, self.together, self.epoch = seed, together, 0
        self._members: dict[str, list[int]] = defaultdict(list)
        for index, group in enumerate(groups):
            self._members[group].append(index)
        self._count = len(groups)

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration is of; Trainer says it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(f"{self.seed}:{self.epoch}")
        parts: list[list[int]] = []
        for members in self._members.values():
            order = draw.sample(members, len(members))
            parts += [order[i : i + self.together] for i in range(0, len(order), self.together)]
        draw.shuffle(parts)
        for part in parts:
            yield from part
