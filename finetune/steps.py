"""How many rows make a batch, and how many steps a job takes. Arithmetic only."""

import math

from finetune.job import Job


def batch_sizes(job: Job, *, cuda: bool) -> tuple[int, int]:
    """Rows that a process holds at once, and batches to a step. A CPU takes a step of plain rows in one batch."""
    share = max(1, math.ceil(job.rows_per_step / job.processes))
    # KTO compares each row with the next one of its batch: one alone is no batch.
    least = 2 if job.facts.data == "judgements" else 1
    most = job.rows_per_batch if cuda or job.facts.data != "rows" else share
    # Batches of one size, so that a step has no more rows than asked for where that can be.
    batch = max(least, math.ceil(share / math.ceil(share / most)))
    return batch, max(1, math.ceil(share / batch))


def steps_of(job: Job, rows: int, *, cuda: bool = False) -> int:
    """Optimiser steps that the job takes if its minutes suffice."""
    batch, accumulated = batch_sizes(job, cuda=cuda)
    # The batches of every process, the last of an epoch included, as Trainer counts them.
    batches = math.ceil(math.ceil(rows / job.processes) / batch)
    per_epoch = max(1, math.ceil(batches / accumulated))
    return job.max_steps or max(1, math.ceil(job.epochs * per_epoch))
