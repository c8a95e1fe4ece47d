"""The advice as Markdown, for a terminal, a pull request or a README. Knows no HTML."""

from typing import Any

from advisor.advice import Advice
from advisor.facts import points
from advisor.methods import columns
from advisor.recommendation import Recommendation

LABELS = {
    "cost": "Cost",
    "accuracy": "Accuracy",
    "edge_cases": "Edge cases",
    "customisation": "Customisation",
    "new_tasks": "New tasks",
    "data": "Data needed",
    "update": "Update",
    "upkeep": "Upkeep",
    "suits": "Suits",
}
SHORT_ANSWER = {
    "yes": "Fine-tune.",
    "no": "Do not fine-tune.",
    "not yet": "Whether fine-tuning pays is open.",
}


def to_markdown(advice: Advice, title: str) -> str:
    """The whole advice."""
    found = advice.recommendation
    parts = [
        f"# {title}: which of ICL, RAG and fine-tuning?",
        f"**{headline(found)}** {SHORT_ANSWER[found.fine_tune]}",
        found.because,
        status_sentence(found),
        *(f"- Caution: {text}" for text in found.cautions),
        "## What it takes",
        "\n".join(f"- {label}: {text}" for label, text in cost_lines(found)),
        "## What would change the decision",
        "\n".join(f"- {text}" for text in found.would_change),
        "## What to try, in this order",
        "\n".join(
            f"{number}. {step['step']}{measured_words(step)}. {step['because']} `{step['command']}`"
            for number, step in enumerate(advice.order, start=1)
        ),
        "## What to collect next",
        "\n".join(f"- {e['what']}. {e['why']} `{e['command']}`" for e in advice.next_data)
        or "- Nothing in particular.",
        "## The questions",
        _table(
            ["Question", "Answer", "Evidence", "Speaks for"],
            [[q.question, q.answer, q.evidence, q.means] for q in (*advice.questions, *found.weighed)],
        ),
        "## The methods",
        "General guidance; what was measured for this domain stands beside it.",
        _table(
            ["", "Measured here", *(LABELS[name] for name in columns())],
            [[row["name"], measured_cell(row), *(row[name] for name in columns())] for row in found.methods],
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headline(found: Recommendation) -> str:
    """The recommendation in one sentence."""
    if found.status == "not measured":
        return f"Not measured yet; the questions speak for {found.arm}. Start with ICL."
    if found.status == "ineligible":
        if found.arm in {rung.arm for rung in found.ladder}:
            return "No arm of the lab fits."
        return f"No arm of the lab fits; the questions speak for {found.arm}: ask it."
    if found.gain is None or found.ci95 is None or found.ci95[0] <= 0:
        meanwhile = " for the time being: the lab is too small to tell more" if found.status == "undecided" else ""
        return f"Use {found.arm}{meanwhile}."
    low, high = found.ci95
    return f"Use {found.arm}: {points(found.gain)} points [{points(low)}, {points(high)}] against {found.against}."


def status_sentence(found: Recommendation) -> str:
    """How the lab stands to what the questions spoke for; empty before a lab, or when no arm of it fits."""
    if found.status in ("not measured", "ineligible"):
        return ""
    said = {"confirmed": "confirms", "overturned": "overturns", "undecided": "does not decide"}[found.status]
    lab = found.lab or {}
    of = f"{lab.get('questions')} questions, {lab.get('created', '')[:10]}"
    return f"The questions alone spoke for {found.predicted}; the lab ({of}) {said} that."


def cost_lines(found: Recommendation) -> list[tuple[str, str]]:
    """The price as label and text: money, time, upkeep."""
    cost = found.cost
    money, minutes = cost["money"], cost["training_minutes"]
    lines = [("Money", "not measured" if money is None else f"{money_words(money)} per 1,000 answers")]
    time = (
        "not measured"
        if cost["seconds_per_answer"] is None
        else f"{cost['seconds_per_answer']:.1f} s an answer (median)"
    )
    lines.append(("Time", time + (f"; training took {minutes:.0f} minutes" if minutes else "")))
    if cost["prompt_tokens"]:
        lines.append(("Prompt", f"{cost['prompt_tokens']:.0f} tokens an answer"))
    return [*lines, ("To update", cost["update"]), ("Upkeep", cost["upkeep"])]


def money_words(money: dict[str, Any]) -> str:
    """A cost with its interval and currency, three digits that matter."""
    low, high = money["ci95"]
    return f"{money['mean']:.3g} {money['currency']} [{low:.3g}, {high:.3g}]"


def measured_words(step: dict[str, Any]) -> str:
    """What a lab measured for a step of the order."""
    words = [f"{arm} {f['mean']:.0%} [{f['low']:.0%}, {f['high']:.0%}]" for arm, f in step["measured"].items()]
    return f" (measured: {'; '.join(words)})" if words else ""


def measured_cell(row: dict[str, Any]) -> str:
    """What a lab measured for a method, in one cell."""
    measured = row["measured"]
    if measured is None or measured["mean"] is None:
        return "–"
    low, high = measured["ci95"]
    parts = [f"{measured['arm']}: {measured['mean']:.0%} [{low:.0%}, {high:.0%}]"]
    if measured["weakest"]:
        parts.append(f"weakest {measured['weakest']['group']} {measured['weakest']['mean']:.0%}")
    if measured["prompt_tokens"]:
        parts.append(f"{measured['prompt_tokens']:.0f} tokens in")
    if measured["seconds"]:
        parts.append(f"{measured['seconds']:.1f} s")
    if measured["cost_per_1000"]:
        parts.append(f"{money_words(measured['cost_per_1000'])} per 1,000")
    return ", ".join(parts)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
