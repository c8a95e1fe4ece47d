"""The figures of all arms as one Markdown table. Knows no HTML."""

from typing import Any

from evaluation.measures import MEASURES

COLUMNS = (
    "field_em",
    "right",
    "prose_f1",
    "style",
    "validity",
    "evidence_recall",
    "citation_correct",
    "refusal_f1",
)
NONE = "–"


def table_markdown(document: dict[str, Any]) -> str:
    """One row per arm; the comparing figure with its interval; the margin below."""
    shown = [name for name in COLUMNS if any(arm[name] for arm in document["arms"].values())]
    head = ["Arm", *(MEASURES[name].label for name in shown), "Tokens in / out", "Seconds (median)", "Cost of 1,000"]
    rows = []
    for name, arm in document["arms"].items():
        costs = [_tokens(arm), _seconds(arm), price(arm["cost_per_1000"])]
        rows.append([name, *(_cell(arm, column, document["primary"]) for column in shown), *costs])
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [_line(head, widths), "|".join(["", "-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:]), ""])]
    lines += [_line(row, widths) for row in rows]
    failed = {name: arm["failed"] for name, arm in document["arms"].items() if arm["failed"]}
    notes = [margin_sentence(document), interaction_sentence(document), seeds_sentence(document)]
    notes += [detectable_sentence(document), curve_sentence(document), *control_sentences(document)]
    if failed:
        notes.append("Failed, scored 0: " + ", ".join(f"{name} {count}" for name, count in failed.items()) + ".")
    of = f" of {document['test_set']}" if document["questions"] < document["test_set"] else ""
    notes.append(f"Test questions: {document['questions']}{of}; 95% intervals by paired bootstrap over records.")
    return "\n".join(lines) + "\n\n" + "\n".join(note for note in notes if note)


def margin_sentence(document: dict[str, Any]) -> str:
    """The margin over the best arm without training as a sentence; empty without one."""
    margin = document["margin"]
    if margin is None:
        return ""
    low, high = margin["ci95"]
    verdict = "ahead of" if low > 0 else "behind" if high < 0 else "not told apart from"
    return (
        f"{margin['arm']} is {verdict} the best arm without training ({margin['against']}): "
        f"{MEASURES[margin['measure']].label.lower()} {points(margin['mean'])} points [{points(low)}, {points(high)}]."
    )


def interaction_sentence(document: dict[str, Any]) -> str:
    """Whether retrieval and training add up, as a sentence; empty when an arm is missing."""
    interaction = document["interaction"]
    if interaction is None:
        return ""
    low, high = interaction["ci95"]
    verdict = "more than" if low > 0 else "less than" if high < 0 else "about"
    return (
        f"Together, retrieval and training give {verdict} the sum of each (interaction {points(interaction['mean'])} "
        f"points [{points(low)}, {points(high)}])."
    )


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def percent(value: float) -> str:
    """A share as percent, one digit."""
    return f"{100 * value:.1f}"


def price(cost: dict[str, Any] | None) -> str:
    """What 1,000 answers cost, three digits."""
    return NONE if cost is None else f"{cost['mean']:.3g} {cost['currency']}"


def seeds_sentence(document: dict[str, Any]) -> str:
    """How far other training runs move an arm, as a sentence; empty without several."""
    return " ".join(
        f"Over {len(entry['runs'])} training runs {entry['arm']} is at {percent(entry['mean'])}, between "
        f"{percent(entry['lowest'])} and {percent(entry['highest'])}."
        for entry in document["seeds"]
    )


def detectable_sentence(document: dict[str, Any]) -> str:
    """What so many questions can tell apart; empty without a margin."""
    margin = document["margin"]
    if not margin or not margin["detectable"]:
        return ""
    return f"A true difference of {100 * margin['detectable']:.0f} points would show in 4 of 5 labs of this size."


def curve_sentence(document: dict[str, Any]) -> str:
    """What more training data has brought, as a sentence; empty without a learning curve."""
    curve = document["learning_curve"]
    if curve is None:
        return ""
    steps = ", ".join(f"{100 * point['share']:g}%: {percent(point['mean'])}" for point in curve["points"])
    doubling = curve["last_doubling"]
    if doubling is None:
        return f"By share of the training data: {steps}."
    low, high = doubling["ci95"]
    verdict = "still helped" if low > 0 else "did harm" if high < 0 else "did not clearly help"
    return (
        f"By share of the training data: {steps}. The last doubling {verdict}: {points(doubling['mean'])} points "
        f"[{points(low)}, {points(high)}]."
    )


def control_sentences(document: dict[str, Any]) -> list[str]:
    """What the controls of each arm show, a sentence each."""
    found = []
    for arm, controls in document["controls"].items():
        for kind, words in (("distractor", "Without the right passage"), ("shuffled", "With its passages shuffled")):
            difference = controls.get(kind, {}).get("difference")
            if difference is not None:
                low, high = difference["ci95"]
                verdict = "loses" if high < 0 else "gains" if low > 0 else "neither clearly loses nor gains"
                found.append(
                    f"{words} {arm} {verdict}: {points(difference['mean'])} points "
                    f"[{points(low)}, {points(high)}] on {controls[kind]['n']} questions."
                )
        told = controls.get("invented")
        if told:
            new, old = percent(told["invented"]["mean"]), percent(told["right"]["mean"])
            found.append(
                f"Of {told['n']} facts falsified in its passages {arm} says {new}% as they stand there, and {old}% as "
                "they were."
            )
    return found


def _cell(arm: dict[str, Any], column: str, primary: str) -> str:
    figure = arm[column]
    if figure is None:
        return NONE
    low, high = figure["ci95"]
    spread = f" [{percent(low)}, {percent(high)}]" if column == primary else ""
    return percent(figure["mean"]) + spread


def _tokens(arm: dict[str, Any]) -> str:
    prompt, completion = arm["tokens"]["prompt"], arm["tokens"]["completion"]
    return f"{prompt['mean']:.0f} / {completion['mean']:.0f}" if prompt and completion else NONE


def _seconds(arm: dict[str, Any]) -> str:
    return f"{arm['seconds']['median']['mean']:.2f}" if arm["seconds"] else NONE


def _line(cells: list[str], widths: list[int]) -> str:
    first, *rest = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"
