"""The sections of the report, each made of the document that lab.json holds. Knows no page around them."""

from typing import Any

from core.html import Html, el, join
from evaluation.measures import MEASURES
from evaluation.misses import REMEDIES, is_hit
from evaluation.report.examples import choose, side_by_side
from evaluation.report.plots import Point, Segment, intervals, scatter, stacked
from evaluation.report.plots import curve as curve_plot
from evaluation.report.tables import breakdown_table, class_label, figures_table, remedies_table
from evaluation.result import LabData
from evaluation.summary import best
from evaluation.table import control_sentences, curve_sentence

PLOTTED = ("right", "field_em", "prose_f1", "style", "refusal_f1", "validity", "citation_correct", "evidence_recall")


def quality(document: dict[str, Any]) -> Html:
    """Every main figure as a plot."""
    figures = []
    for name in PLOTTED:
        points = [point for arm, data in document["arms"].items() if (point := _point(arm, data, name))]
        if points:
            measure = MEASURES[name]
            caption = el("figcaption", el("h3", measure.label), el("p", measure.explanation))
            figures.append(el("figure", caption, intervals(points, f"{measure.label} by arm")))
    legend = el(
        "p",
        el("span", el("i", class_="key trained"), "with the adapter"),
        el("span", el("i", class_="key plain"), "without training"),
        el("span", "Percent; bars are 95% intervals."),
        class_="legend",
    )
    return section("How well", legend, el("div", figures, class_="plots"))


def costs(document: dict[str, Any]) -> Html:
    """Quality against tokens, time and money."""
    primary = document["primary"]
    label = MEASURES[primary].label
    tokens = [_point(arm, data, primary, x=_tokens(data)) for arm, data in document["arms"].items()]
    seconds = [
        _point(arm, data, primary, x=data["seconds"]["median"]["mean"] if data["seconds"] else None)
        for arm, data in document["arms"].items()
    ]
    costs = {arm: data["cost_per_1000"] for arm, data in document["arms"].items()}
    money = [
        _point(arm, data, primary, x=cost["mean"] if (cost := costs[arm]) else None)
        for arm, data in document["arms"].items()
    ]
    currency = document["prices"]["currency"]
    plots = [
        el(
            "figure",
            el("figcaption", el("h3", f"{label} against {text}")),
            scatter(shown, f"{label} by {unit}", unit),
        )
        for points, text, unit in (
            (tokens, "tokens", "tokens per answer"),
            (seconds, "time", "seconds (median)"),
            (money, "money", f"{currency} per 1,000 answers"),
        )
        if (shown := [point for point in points if point])
    ]
    basis = next((cost["basis"] for cost in costs.values() if cost), None)
    intro = f"Tokens of prompt and answer together. {at_once(document)}"
    if basis is not None:
        prices = document["prices"]
        by = (
            f"{prices['machine_hour']:g} {currency} an hour of the machine (prices.machine_hour)"
            if basis == "machine time"
            else "the prices of tokens that are set"
        )
        intro += f" Money by {by}; training spread over {prices['answers_per_training']:,} answers."
    return section(
        "At what cost", intro_line(f"Up and to the left is better. {intro}"), el("div", plots, class_="plots wide")
    )


def curve(document: dict[str, Any]) -> Html | None:
    """The learning curve, where there is one."""
    found = document["learning_curve"]
    if found is None:
        return None
    label = MEASURES[found["measure"]].label
    points = [
        Point(label=f"{100 * p['share']:g}% of the records", trained=True, x=p["share"], y=p["mean"],
              low=p["ci95"][0], high=p["ci95"][1])
        for p in found["points"]
    ]  # fmt: skip
    title = f"{label} by share of the training records"
    figure = el("figure", el("figcaption", el("h3", title)), curve_plot(points, title, "% of the training records"))
    return section("Would more data help", intro_line(curve_sentence(document)), el("div", figure, class_="plots wide"))


def breakdowns(document: dict[str, Any]) -> Html | None:
    """Figures by format, schema and tag."""
    families = next(iter(document["arms"].values()))["by"]
    if not families:
        return None
    intro = (
        "Percent: field exact match where a group has structured answers, else prose F1. Small groups, wide intervals."
    )
    # Kinds and schemas are often the same thing by two names: one table of them will do.
    distinct = {tuple(values): family for family, values in reversed(families.items())}
    shown = [family for family in families if family in distinct.values()]
    return section("Where", intro_line(intro), [breakdown_table(document, family) for family in shown])


def misses(result: LabData, document: dict[str, Any]) -> Html:
    """What became of every question, and what helps."""
    rows = []
    for name, run in result.runs.items():
        errors = document["arms"][name]["errors"]
        hits = sum(is_hit(e, s) for e, s in zip(result.questions, run.scores, strict=True))
        failed = document["arms"][name]["failed"]
        parts = [Segment(label="right", css="right", count=hits)]
        parts += [Segment(label=class_label(key), css=key, count=errors.get(key, 0)) for key in REMEDIES]
        rows.append((name, [*parts, Segment(label="failed", css="failed", count=failed)]))
    intro = (
        "Every question once. Right: all fields right and valid, prose with a token F1 of 0.5 or more and all numbers, "
        "identifiers and labelled values, a due refusal. Misses are classed by rules over what was retrieved and what "
        "was written."
    )
    present = {segment.css: segment.label for _, segments in rows for segment in segments if segment.count}
    legend = el(
        "p", [el("span", el("i", class_=f"swatch {css}"), text) for css, text in present.items()], class_="legend"
    )
    plot = el(
        "div",
        stacked(rows, "What became of every question, by arm"),
        class_="scroll plot",
        tabindex="0",
        role="region",
        aria_label="Misses by arm",
    )
    return section("What went wrong", intro_line(intro), legend, plot, remedies_table(document))


def controls(document: dict[str, Any]) -> Html | None:
    """What tampered passages show, where controls were run."""
    sentences = control_sentences(document)
    if not sentences:
        return None
    intro = (
        "The same questions with tampered passages, those alone whose evidence was in the prompt. An arm that reads "
        "them loses without the right one, does not mind their order, and says a falsified fact as it stands there."
    )
    return section("Is the context used", intro_line(intro), el("ul", [el("li", text) for text in sentences]))


def examples(result: LabData, document: dict[str, Any]) -> Html:
    """A few questions with every arm's answer."""
    margin = document["margin"]
    against = margin["against"] if margin else None
    focus = margin["arm"] if margin else best(result, document["primary"], lambda run: True)
    focus = focus or next(iter(result.runs))
    chosen = choose(result, focus, against if against != focus else None)
    shown = [side_by_side(result, why, index, opened=place == 0) for place, (why, index) in enumerate(chosen)]
    return section(
        "Side by side", intro_line("A few questions, picked by rule: the first of each sort in the test set."), shown
    )


def at_once(document: dict[str, Any]) -> str:
    """How many questions were asked at once where there are seconds; kept answers may be of other labs than this."""
    arms: dict[int | None, list[str]] = {}
    for name, data in document["arms"].items():
        if data["failed"] < data["n"]:
            arms.setdefault(data["concurrency"], []).append(name)
    mixed = arms.pop(None, [])
    if len(arms) == 1 and not mixed:
        return f"Seconds with {next(iter(arms))} questions at once."
    said = [f"{count} questions at once for {', '.join(names)}" for count, names in arms.items()]
    said += [f"none for {', '.join(mixed)}, whose answers were made with different numbers at once"] if mixed else []
    return f"Seconds: {'; '.join(said)}." if said else ""


def _tokens(data: dict[str, Any]) -> float | None:
    tokens = data["tokens"]
    return (
        tokens["prompt"]["mean"] + tokens["completion"]["mean"] if tokens["prompt"] and tokens["completion"] else None
    )


def _point(arm: str, data: dict[str, Any], measure: str, x: float | None = 0.0) -> Point | None:
    figure = data[measure]
    if figure is None or x is None:
        return None
    low, high = figure["ci95"]
    return Point(label=arm, trained=data["trained"], y=figure["mean"], low=low, high=high, x=x)


def all_figures(document: dict[str, Any]) -> Html:
    """Every figure of every arm as a table."""
    intro = intro_line("Percent with 95% intervals; a dash where a figure does not apply.")
    return section("All figures", intro, figures_table(document))


def section(title: str, *children: object) -> Html:
    """A part of the page under its heading."""
    return el("section", el("h2", title), join(*children))


def intro_line(text: str) -> Html:
    """The line under a heading."""
    return el("p", text, class_="intro")
