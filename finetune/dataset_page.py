"""The statistics of a domain's examples as one HTML page with inline SVG: no script, no font, no other file."""

from collections.abc import Sequence
from html import escape

from finetune.dataset_stats import DatasetStats, quantile

_STYLE = """
:root { color-scheme: light dark; --train: #2f6f9f; --test: #c2703d; --line: #8884; }
@media (prefers-color-scheme: dark) { :root { --train: #6db3e2; --test: #e8a274; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 0 0 .4rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 2rem; }
svg { width: 100%; height: auto; } text { font-size: 12px; fill: currentColor; }
.train { fill: var(--train); } .test { fill: var(--test); } line { stroke: var(--line); }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
"""
_WIDTH, _LABELS, _ROW, _VALUES = 420, 150, 34, 56
_BINS = 24


def stats_page(stats: DatasetStats) -> str:
    """The whole page. Everything that came from examples is escaped."""
    train, test = stats.train, stats.test
    plots = [
        _figure(group, _bars([(value, *_shares(stats, group, value)) for value in stats.values(group)[:20]]))
        for group in stats.groups
    ]
    plots.append(_figure("tokens of the prompt, without passages", _histogram(train.prompt_tokens, test.prompt_tokens)))
    plots.append(_figure("tokens of the answer", _histogram(train.answer_tokens, test.answer_tokens)))
    title = escape(f"{stats.title}: examples")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>"
        f'<span class="key" style="background:var(--train)"></span>'
        f"{train.examples} training examples of {train.records} records"
        f'<span class="key" style="background:var(--test)"></span>'
        f"{test.examples} test examples of {test.records} records</p>"
        f"<main>{''.join(plots)}</main></html>\n"
    )


def _shares(stats: DatasetStats, group: str, value: str) -> tuple[tuple[int, float], tuple[int, float]]:
    """Count and share of one value in training and test set."""
    found = []
    for side in (stats.train, stats.test):
        counts = side.groups.get(group, {})
        count = counts.get(value, 0)
        found.append((count, count / (sum(counts.values()) or 1)))
    return found[0], found[1]


def _figure(title: str, svg: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{svg}</section>"


def _bars(rows: Sequence[tuple[str, tuple[int, float], tuple[int, float]]]) -> str:
    """Two bars a row, training above test, on one scale of shares."""
    room = _WIDTH - _LABELS - _VALUES
    most = max((share for _, *pair in rows for _, share in pair), default=0.0) or 1.0
    parts = []
    for number, (label, *pair) in enumerate(rows):
        y = number * _ROW
        shown = label if len(label) <= 22 else f"{label[:21]}…"
        parts.append(f'<text x="{_LABELS - 8}" y="{y + 20}" text-anchor="end">{escape(shown)}</text>')
        for (count, share), css, top in zip(pair, ("train", "test"), (y + 4, y + 16), strict=True):
            wide = room * share / most
            said = escape(f"{label}: {count} in {css} ({share:.1%})")
            parts.append(
                f'<g><title>{said}</title><rect class="{css}" x="{_LABELS}" y="{top}" width="{wide:.1f}" height="11"/>'
                f'<text x="{_LABELS + wide + 5:.1f}" y="{top + 10}">{share:.0%}</text></g>'
            )
    return _svg(parts, len(rows) * _ROW + 4)


def _histogram(train: Sequence[int], test: Sequence[int]) -> str:
    """Shares of both files by length, on one axis that ends at the longest."""
    longest = max([*train, *test], default=1)
    step = max(1, -(-longest // _BINS))
    bins = longest // step + 1
    height, left = 140, 8
    wide = (_WIDTH - 2 * left) / bins
    shares = [
        [sum(size // step == b for size in sizes) / (len(sizes) or 1) for b in range(bins)] for sizes in (train, test)
    ]
    most = max(max(side) for side in shares) or 1.0
    parts = []
    for side, css, shift in zip(shares, ("train", "test"), (0.0, wide / 2), strict=True):
        for b, share in enumerate(side):
            tall = height * share / most
            said = f"{b * step} to {(b + 1) * step - 1} tokens: {share:.1%} of {css}"
            parts.append(
                f'<g><title>{said}</title><rect class="{css}" x="{left + b * wide + shift:.1f}" '
                f'y="{height - tall:.1f}" width="{max(wide / 2 - 0.5, 0.5):.1f}" height="{tall:.1f}"/></g>'
            )
    parts.append(f'<line x1="{left}" x2="{_WIDTH - left}" y1="{height}" y2="{height}"/>')
    for share in (0.0, 0.5, 1.0):
        x = left + share * (_WIDTH - 2 * left)
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(f'<text x="{x:.0f}" y="{height + 16}" text-anchor="{anchor}">{share * bins * step:.0f}</text>')
    said = "; ".join(
        f"{name}: median {quantile(sizes, 0.5)}, 95% {quantile(sizes, 0.95)}, most {max(sizes, default=0)}"
        for name, sizes in (("train", train), ("test", test))
    )
    parts.append(f'<text x="{left}" y="{height + 36}">{said}</text>')
    return _svg(parts, height + 42)


def _svg(parts: Sequence[str], height: int) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}</svg>'
