"""A seeded stratified sample of examples: the same for every arm and every run. Knows no arm."""

import random
from collections.abc import Sequence

from core.types import Example


def stratified(examples: Sequence[Example], limit: int | None, seed: int) -> list[Example]:
    """At most `limit` examples in which formats, schemas, answerability and tags keep their shares, in file order.

    Systematic sampling: examples ordered by stratum (by chance within one) are taken at equal steps from a random
    start, so that every example has the same chance and no stratum is off by more than one.
    """
    if limit is None or limit >= len(examples):
        return list(examples)
    chance = random.Random(seed)
    order = list(range(len(examples)))
    chance.shuffle(order)
    order.sort(key=lambda index: stratum(examples[index]))
    step = len(examples) / limit
    start = chance.random()
    chosen = sorted(order[int((start + number) * step)] for number in range(limit))
    return [examples[index] for index in chosen]


def stratum(example: Example) -> tuple[str, ...]:
    """What a sample keeps the shares of: answerability first, then format, schema, and tags that name no record."""
    tags = sorted(tag for tag in example.tags if not tag.startswith("record:"))
    return (str(example.answerable), example.format, example.schema_name or "", *tags)
