"""Plots as inline SVG: arms with their intervals, quality against cost, classes of misses. No script, no font, no file.

Colours come from the page's style sheet, so that light and dark are its matter. Sizes are in SVG units, about pixels.
"""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from core.html import Html, el


class Point(BaseModel):
    """One arm in a plot. `trained` picks the colour; `low` and `high` are the interval of `y`; `x` is a cost."""

    model_config = ConfigDict(frozen=True)

    label: str
    trained: bool
    y: float
    low: float
    high: float
    x: float = 0.0


class Segment(BaseModel):
    """A part of a bar: `css` is the class that colours it."""

    model_config = ConfigDict(frozen=True)

    label: str
    css: str
    count: int


_ROW = 26
_LABELS = 112
_WIDTH = 352
_RIGHT = 48


def intervals(points: Sequence[Point], title: str) -> Html:
    """One row per arm: a dot with its 95% interval on a scale from 0 to 100%."""
    plot = _WIDTH - _LABELS - _RIGHT
    height = _ROW * len(points) + 26

    def x(share: float) -> float:
        return _LABELS + plot * min(max(share, 0.0), 1.0)

    marks = []
    for tick in (0, 25, 50, 75, 100):
        at = x(tick / 100)
        marks.append(el("line", x1=at, x2=at, y1=4, y2=height - 22, class_="grid"))
        marks.append(el("text", str(tick), x=at, y=height - 8, class_="tick", text_anchor="middle"))
    for row, point in enumerate(points):
        y = _ROW * row + 17
        kind = "trained" if point.trained else "plain"
        said = f"{point.label}: {_pc(point.y)}% [{_pc(point.low)}, {_pc(point.high)}]"
        marks += [
            el(
                "g",
                el("title", said),
                el("rect", x=0, y=y - _ROW / 2, width=_WIDTH, height=_ROW, class_="hover"),
                el("text", point.label, x=_LABELS - 10, y=y + 4, class_="name", text_anchor="end"),
                el("line", x1=x(point.low), x2=x(point.high), y1=y, y2=y, class_=f"whisker {kind}"),
                el("circle", cx=x(point.y), cy=y, r=4.5, class_=f"dot {kind}"),
                el("text", _pc(point.y), x=_WIDTH - 4, y=y + 4, class_="value", text_anchor="end"),
            )
        ]
    return _svg(marks, _WIDTH, height, title)


def scatter(points: Sequence[Point], title: str, x_label: str) -> Html:
    """Quality (0 to 100%, with interval) against a cost that starts at 0."""
    width, height = 440, 300
    left, right, top, bottom = 40, 16, 14, 44
    x_ticks = _ticks(max((point.x for point in points), default=1.0))
    top_share = max((point.high for point in points), default=1.0) or 0.01
    y_ticks = [tick for tick in (0.0, 0.25, 0.5, 0.75, 1.0) if tick < top_share + 0.25]

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (width - left - right) * x / x_ticks[-1],
            height - bottom - (height - top - bottom) * y / y_ticks[-1],
        )

    marks = []
    for tick in y_ticks:
        _, y = at(0, tick)
        marks.append(el("line", x1=left, x2=width - right, y1=y, y2=y, class_="grid"))
        marks.append(
            el(
                "text",
                f"{100 * tick:.0f}{'%' if tick == y_ticks[-1] else ''}",
                x=left - 8,
                y=y + 4,
                class_="tick",
                text_anchor="end",
            )
        )
    for tick in x_ticks:
        x, _ = at(tick, 0)
        marks.append(el("text", f"{tick:g}", x=x, y=height - bottom + 18, class_="tick", text_anchor="middle"))
    marks.append(el("text", x_label, x=width - right, y=height - 8, class_="axis", text_anchor="end"))
    spots = [at(point.x, point.y) for point in points]
    for point, (x, y), label in zip(points, spots, _place(points, spots, width, height - bottom), strict=True):
        kind = "trained" if point.trained else "plain"
        low, high = at(point.x, point.low)[1], at(point.x, point.high)[1]
        said = f"{point.label}: {_pc(point.y)}% [{_pc(point.low)}, {_pc(point.high)}] at {point.x:.4g} {x_label}"
        marks.append(
            el(
                "g",
                el("title", said),
                el("line", x1=x, x2=x, y1=low, y2=high, class_=f"whisker thin {kind}"),
                el("circle", cx=x, cy=y, r=5.0, class_=f"dot {kind}"),
                el("text", point.label, x=label[0], y=label[1], class_="name halo"),
            )
        )
    return _svg(marks, width, height, title)


def curve(points: Sequence[Point], title: str, x_label: str) -> Html:
    """Quality (0 to 100%, with interval) against a share from 0 to 100%, joined by lines; `points` ordered by x."""
    width, height = 440, 280
    left, right, top, bottom = 40, 20, 14, 44

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (width - left - right) * x, height - bottom - (height - top - bottom) * y

    marks = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(tick, tick)
        label = f"{100 * tick:.0f}"
        marks.append(el("line", x1=left, x2=width - right, y1=y, y2=y, class_="grid"))
        marks.append(el("text", label, x=left - 8, y=y + 4, class_="tick", text_anchor="end"))
        marks.append(el("text", label, x=x, y=height - bottom + 18, class_="tick", text_anchor="middle"))
    marks.append(el("text", x_label, x=width - right, y=height - 8, class_="axis", text_anchor="end"))
    spots = [at(point.x, point.y) for point in points]
    marks.append(el("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in spots), class_="curve"))
    for point, (x, y) in zip(points, spots, strict=True):
        low, high = at(point.x, point.low)[1], at(point.x, point.high)[1]
        said = f"{point.label}: {_pc(point.y)}% [{_pc(point.low)}, {_pc(point.high)}]"
        marks.append(
            el(
                "g",
                el("title", said),
                el("line", x1=x, x2=x, y1=low, y2=high, class_="whisker thin trained"),
                el("circle", cx=x, cy=y, r=5.0, class_="dot trained"),
                el("text", _pc(point.y), x=x + 8, y=y - 8, class_="value halo"),
            )
        )
    return _svg(marks, width, height, title)


def stacked(rows: Sequence[tuple[str, Sequence[Segment]]], title: str) -> Html:
    """One bar per arm, all of the same length: what became of every question."""
    width, row_height, labels = 720, 34, 124
    plot = width - labels - 8
    marks = []
    for number, (label, segments) in enumerate(rows):
        y = row_height * number + 4
        total = sum(segment.count for segment in segments) or 1
        marks.append(el("text", label, x=labels - 12, y=y + 18, class_="name", text_anchor="end"))
        x = float(labels)
        for segment in segments:
            if not segment.count:
                continue
            wide = plot * segment.count / total
            fits = wide > 9 * len(str(segment.count)) + 4
            marks.append(
                el(
                    "g",
                    el("title", f"{label}: {segment.label} {segment.count} of {total}"),
                    el("rect", x=x, y=y, width=max(wide - 1.5, 1.0), height=26, class_=f"bar {segment.css}"),
                    el("text", str(segment.count), x=x + wide / 2 - 0.75, y=y + 17.5, class_=f"count {segment.css}")
                    if fits
                    else None,
                )
            )
            x += wide
    return _svg(marks, width, row_height * len(rows) + 6, title)


def _place(
    points: Sequence[Point], spots: Sequence[tuple[float, float]], width: int, floor: int
) -> list[tuple[float, float]]:
    """Where each label goes: the first place around its dot that meets no other dot or label."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in spots]
    places = []
    for point, (x, y) in zip(points, spots, strict=True):
        long = 6.7 * len(point.label)
        options = [
            (x + dx, y + dy)
            for dy in (4, -8, 18, -20, 30, -32, 42)
            for dx in (9, -9 - long, -long / 2)
            if not (dy == 4 and dx == -long / 2)
        ]
        boxes = [(a - 1, b - 10, a + long, b + 3) for a, b in options]
        free = next(
            (
                index
                for index, box in enumerate(boxes)
                if box[0] > 30 and box[2] < width and box[1] > 0 and box[3] < floor and not _meets(box, taken)
            ),
            0,
        )
        taken.append(boxes[free])
        places.append(options[free])
    return places


def _meets(box: tuple[float, ...], others: Sequence[tuple[float, ...]]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)


def _ticks(largest: float) -> list[float]:
    """Round steps from 0 to just above `largest`."""
    if largest <= 0:
        return [0.0, 1.0]
    raw = largest / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return [step * number for number in range(math.ceil(largest / step) + 1)]


def _pc(share: float) -> str:
    return f"{100 * share:.0f}"


def _svg(children: list[Html], width: int, height: int, title: str) -> Html:
    return el("svg", el("title", title), children, viewBox=f"0 0 {width} {height}", role="img")
