"""How a domain's examples divide: formats, schemas, tags, records, refusals, lengths. Counts, no judgement."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel

from core.pack import DomainPack
from core.prompt import CountMessages
from core.types import Example
from finetune.dataset_check.lengths import measure

# A tag without a colon stands in this group.
PLAIN_TAGS = "tag"
PER_RECORD = "examples per record"
_RECORD = "record"
_SHOWN = 12


class Split(BaseModel):
    """One examples file in counts. `groups`: what is counted -> value -> examples; lengths in tokens, one per line."""

    examples: int = 0
    records: int = 0
    groups: dict[str, dict[str, int]] = {}
    prompt_tokens: list[int] = []
    answer_tokens: list[int] = []


class DatasetStats(BaseModel):
    """Both examples files of a domain. `prompt_tokens` are without passages."""

    domain: str
    title: str
    train: Split
    test: Split

    @property
    def groups(self) -> list[str]:
        """Names of what was counted in either file, in order."""
        return list(dict.fromkeys([*self.train.groups, *self.test.groups]))

    def values(self, group: str) -> list[str]:
        """Values of a group, most frequent in training first."""
        train, test = self.train.groups.get(group, {}), self.test.groups.get(group, {})
        if group == PER_RECORD:
            return sorted({*train, *test})
        return sorted({*train, *test}, key=lambda value: (-train.get(value, 0), -test.get(value, 0), value))


def count_examples(pack: DomainPack, count: CountMessages) -> DatasetStats:
    """Count the valid examples of `pack`. Raises ExampleError naming the first line that is not valid."""
    return DatasetStats(
        domain=pack.name,
        title=pack.title,
        train=_split(pack.train_examples, pack, count),
        test=_split(pack.test_examples, pack, count),
    )


def _split(examples: Sequence[Example], pack: DomainPack, count: CountMessages) -> Split:
    groups: dict[str, Counter[str]] = {name: Counter() for name in ("format", "schema", "answer")}
    sizes = [measure(example, pack, count) for example in examples]
    records = Counter(example.record for example in examples)
    for example in examples:
        groups["format"][example.format] += 1
        if example.schema_name is not None:
            groups["schema"][example.schema_name] += 1
        groups["answer"]["answerable" if example.answerable else "refusal"] += 1
        for tag in example.tags:
            name, colon, value = tag.partition(":")
            if colon and name != _RECORD:
                groups.setdefault(name, Counter())[value] += 1
            elif not colon:
                groups.setdefault(PLAIN_TAGS, Counter())[tag] += 1
    groups[PER_RECORD] = Counter(str(size) if size < 5 else "5 or more" for size in records.values())
    return Split(
        examples=len(examples),
        records=len(records),
        groups={name: dict(counts.most_common()) for name, counts in groups.items() if counts},
        prompt_tokens=[prompt for prompt, _ in sizes],
        answer_tokens=[answer for _, answer in sizes],
    )


def quantile(values: Sequence[int], share: float) -> int:
    """The value below which `share` of `values` lie; 0 without values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0


def stats_table(stats: DatasetStats) -> str:
    """The counts as text for a terminal."""
    sides = (stats.train, stats.test)
    rows = [("", "train", "test"), ("examples", *(str(side.examples) for side in sides))]
    rows.append(("records", *(str(side.records) for side in sides)))
    for group in stats.groups:
        rows.append((group, "", ""))
        per = [side.records if group == PER_RECORD else side.examples for side in sides]
        values = stats.values(group)
        for value in values[:_SHOWN]:
            counts = [side.groups.get(group, {}).get(value, 0) for side in sides]
            rows.append((f"  {value}", *(_share(n, total) for n, total in zip(counts, per, strict=True))))
        if len(values) > _SHOWN:
            rows.append((f"  and {len(values) - _SHOWN} more", "", ""))
    rows.append(("tokens, median / 95% / most", "", ""))
    for name in ("prompt_tokens", "answer_tokens"):
        cells = []
        for side in sides:
            sizes = getattr(side, name)
            cells.append(f"{quantile(sizes, 0.5)} / {quantile(sizes, 0.95)} / {max(sizes, default=0)}")
        rows.append((f"  {name.removesuffix('_tokens')}", *cells))
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{a:<{wide[0]}}  {b:>{wide[1]}}  {c:>{wide[2]}}".rstrip() for a, b, c in rows)


def _share(count: int, total: int) -> str:
    return f"{count} {count / total:4.0%}" if total else "0"
