"""The report as one HTML file: it loads nothing from any address and runs no script; a policy in its head says so."""

from pathlib import Path
from typing import Any

from core.files import write_atomically
from core.html import Html, el, join
from evaluation.measures import MEASURES
from evaluation.misses import REMEDIES, is_hit
from evaluation.report.examples import choose, side_by_side
from evaluation.report.plots import Point, Segment, curve, intervals, scatter, stacked
from evaluation.report.tables import breakdown_table, class_label, figures_table, remedies_table
from evaluation.result import LabResult
from evaluation.summary import best
from evaluation.table import (
    control_sentences,
    curve_sentence,
    detectable_sentence,
    interaction_sentence,
    margin_sentence,
    seeds_sentence,
)

PLOTTED = ("right", "field_em", "prose_f1", "style", "refusal_f1", "validity", "citation_correct", "evidence_recall")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def write_report(result: LabResult, path: Path) -> None:
    """Write the report, atomically."""
    write_atomically(path, render_report(result))


def render_report(result: LabResult) -> str:
    """The whole page. Every text from questions, answers, documents and settings is escaped."""
    document = result.document
    title = f"{result.title}: the arms compared"
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", Html(style)),
    )
    sections = [
        _verdict(result, document, title),
        _quality(document),
        _costs(document),
        _curve(document),
        _breakdowns(document),
        _misses(result, document),
        _controls(document),
        _examples(result, document),
        _section("All figures", _intro("Percent with 95% intervals; a dash where a figure does not apply."),
                 figures_table(document)),
        _method(document),
    ]  # fmt: skip
    return f"<!doctype html>\n{el('html', head, el('body', el('main', sections)), lang='en')}\n"


def _verdict(result: LabResult, document: dict[str, Any], title: str) -> Html:
    count = f"{document['questions']} of {document['test_set']}" if document["limit"] else str(document["questions"])
    facts = {
        "Questions": count,
        "Arms": str(len(document["arms"])),
        "Adapter": document["adapter"] or "none",
        "Test set": document["test_hash"][:12],
        "Measured": document["created"].replace("T", " ").removesuffix("Z") + " UTC",
    }
    sentences = [margin_sentence(document), interaction_sentence(document), seeds_sentence(document)]
    sentences.append(detectable_sentence(document))
    failed = [f"{name} {arm['failed']}" for name, arm in document["arms"].items() if arm["failed"]]
    if failed:
        sentences.append(f"Failed questions, scored 0: {', '.join(failed)}.")
    lead, *rest = [s for s in sentences if s] or [f"{len(result.runs)} arms on the same questions."]
    return el(
        "header",
        el("p", "Graft lab", class_="eyebrow"),
        el("h1", title),
        el("p", lead, class_="lead"),
        [el("p", sentence) for sentence in rest],
        [el("p", note, class_="note") for note in document["notes"]],
        el("dl", [el("div", el("dt", key), el("dd", value)) for key, value in facts.items()]),
        class_="top",
    )


def _quality(document: dict[str, Any]) -> Html:
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
    return _section("How well", legend, el("div", figures, class_="plots"))


def _costs(document: dict[str, Any]) -> Html:
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
    intro = f"Tokens of prompt and answer together. Seconds with {document['concurrency']} questions at once."
    if basis is not None:
        prices = document["prices"]
        by = (
            f"{prices['machine_hour']:g} {currency} an hour of the machine (prices.machine_hour)"
            if basis == "machine time"
            else "the prices of tokens that are set"
        )
        intro += f" Money by {by}; training spread over {prices['answers_per_training']:,} answers."
    return _section(
        "At what cost", _intro(f"Up and to the left is better. {intro}"), el("div", plots, class_="plots wide")
    )


def _curve(document: dict[str, Any]) -> Html | None:
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
    figure = el("figure", el("figcaption", el("h3", title)), curve(points, title, "% of the training records"))
    return _section("Would more data help", _intro(curve_sentence(document)), el("div", figure, class_="plots wide"))


def _breakdowns(document: dict[str, Any]) -> Html | None:
    families = next(iter(document["arms"].values()))["by"]
    if not families:
        return None
    intro = (
        "Percent: field exact match where a group has structured answers, else prose F1. Small groups, wide intervals."
    )
    # Kinds and schemas are often the same thing by two names: one table of them will do.
    distinct = {tuple(values): family for family, values in reversed(families.items())}
    shown = [family for family in families if family in distinct.values()]
    return _section("Where", _intro(intro), [breakdown_table(document, family) for family in shown])


def _misses(result: LabResult, document: dict[str, Any]) -> Html:
    rows = []
    for name, run in result.runs.items():
        errors = document["arms"][name]["errors"]
        hits = sum(is_hit(e, s) for e, s in zip(result.questions, run.scores, strict=True))
        failed = document["arms"][name]["failed"]
        parts = [Segment(label="right", css="right", count=hits)]
        parts += [Segment(label=class_label(key), css=key, count=errors.get(key, 0)) for key in REMEDIES]
        rows.append((name, [*parts, Segment(label="failed", css="failed", count=failed)]))
    intro = (
        "Every question once. Right: all fields right and valid, prose with a token F1 of 0.5 or more, a due refusal. "
        "Misses are classed by rules over what was retrieved and what was written."
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
    return _section("What went wrong", _intro(intro), legend, plot, remedies_table(document))


def _controls(document: dict[str, Any]) -> Html | None:
    sentences = control_sentences(document)
    if not sentences:
        return None
    intro = (
        "The same questions with tampered passages, those alone whose evidence was in the prompt. An arm that reads "
        "them loses without the right one, does not mind their order, and says a falsified fact as it stands there."
    )
    return _section("Is the context used", _intro(intro), el("ul", [el("li", text) for text in sentences]))


def _examples(result: LabResult, document: dict[str, Any]) -> Html:
    margin = document["margin"]
    against = margin["against"] if margin else None
    focus = margin["arm"] if margin else best(result, document["primary"], lambda run: True)
    focus = focus or next(iter(result.runs))
    chosen = choose(result, focus, against if against != focus else None)
    shown = [side_by_side(result, why, index, opened=place == 0) for place, (why, index) in enumerate(chosen)]
    return _section(
        "Side by side", _intro("A few questions, picked by rule: the first of each sort in the test set."), shown
    )


def _method(document: dict[str, Any]) -> Html:
    terms = [(m.label, m.explanation) for name, m in MEASURES.items() if name in PLOTTED or m.name == "field_f1"]
    arms = [(name, data["description"] + _served(data)) for name, data in document["arms"].items()]
    shown = document["icl_examples"]
    run = (
        f"Test set {document['test_hash']}. Seed {document['seed']}. {document['concurrency']} questions at once, "
        f"arms one after another. {f'{shown} worked examples where an arm shows any. ' if shown else ''}"
        "Intervals are percentile bootstrap intervals over records, the same resamples for every arm."
    )
    for name, learned in document["style"].items():
        run += (
            f" The usual form of {name} answers was learned from {learned['examples']} training answers, which keep to "
            f"{100 * learned['own']:.0f}% of it themselves."
        )
    return _section("How it was measured", _intro(run), _terms(arms), _terms(terms))


def _terms(pairs: list[tuple[str, str]]) -> Html:
    return el("dl", [el("div", el("dt", key), el("dd", text)) for key, text in pairs], class_="terms")


def _served(data: dict[str, Any]) -> str:
    return f" Answered by {data['model']}." if data["model"] else ""


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


def _section(title: str, *children: object) -> Html:
    return el("section", el("h2", title), join(*children))


def _intro(text: str) -> Html:
    return el("p", text, class_="intro")
