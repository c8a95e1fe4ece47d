"""Held-out rows: training records only, split by record, the same for the same seed.

Knows no test set: its records never reach training rows (finetune.rows refuses them).
"""

import random
from collections.abc import Sequence
from typing import Any

# Validating must not cost what training costs.
MOST_ROWS = 48
FEWEST_ROWS = 4


def split_rows(
    rows: Sequence[dict[str, Any]], share: float, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows to train on and rows to validate on, in their order; all rows of a record are on one side.

    About `share` of the rows are held out, at most 48; none where that would be fewer than 4.
    """
    wanted = min(MOST_ROWS, round(share * len(rows)))
    if wanted < FEWEST_ROWS:
        return list(rows), []
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row["record"]] = sizes.get(row["record"], 0) + 1
    records = sorted(sizes)
    random.Random(f"{seed}:validation").shuffle(records)
    held_out: set[str] = set()
    count = 0
    for record in records:
        # A record with very many rows is no sample.
        if count + sizes[record] <= wanted:
            held_out.add(record)
            count += sizes[record]
    if count < FEWEST_ROWS:
        return list(rows), []
    return [r for r in rows if r["record"] not in held_out], [r for r in rows if r["record"] in held_out]
