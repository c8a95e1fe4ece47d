"""A line plot as SVG, drawn on the server: no script, nothing loaded. Knows numbers and colours' names only."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.html import Html, el

_WIDTH, _HEIGHT = 640.0, 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 12.0, 26.0
_TICKS = 4


@dataclass(frozen=True)
class Series:
    """A named line; `kind` is its class in the style sheet."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]


def line_plot(title: str, series: Sequence[Series], *, across: float, digits: int = 2) -> Html | None:
    """The lines over steps 0 to `across`; None where there is nothing to draw. `title` is read out."""
    drawn = [one for one in series if one.points]
    values = [value for one in drawn for _, value in one.points]
    if not values:
        return None
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    low, high = max(0.0, low - room) if low >= 0 else low - room, high + room
    across = max(across, *(step for one in drawn for step, _ in one.points), 1.0)

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / across

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts: list[Html] = []
    for number in range(_TICKS + 1):
        value = low + (high - low) * number / _TICKS
        parts.append(el("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(value), y2=y(value)))
        parts.append(el("text", f"{value:,.{digits}f}", class_="tick", x=_LEFT - 6, y=y(value) + 4, text_anchor="end"))
    # Steps are whole: of a few, each is named once.
    named = sorted({round(across * number / _TICKS) for number in range(_TICKS + 1)})
    parts += [el("text", f"{step:,}", class_="tick", x=x(step), y=_HEIGHT - 8, text_anchor="middle") for step in named]
    for one in drawn:
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in one.points)
        parts.append(el("polyline", class_=f"line {one.kind}", points=path))
        step, value = one.points[-1]
        parts.append(el("circle", class_=f"dot {one.kind}", cx=x(step), cy=y(value), r=3.0))
    names = [el("span", el("i", class_=f"key {one.kind}"), one.name) for one in drawn]
    box = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    plot = el("svg", el("title", title), *parts, viewBox=box, role="img", class_="plot", aria_label=title)
    return el("figure", el("figcaption", title, el("span", *names, class_="keys")), plot, class_="plot-box")
