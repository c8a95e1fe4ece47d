"""The report as one HTML file: it loads nothing from any address and runs no script; a policy in its head says so."""

from pathlib import Path
from typing import Any

from core.files import write_atomically
from core.html import Html, el, page
from evaluation.lab_result import LabResult
from evaluation.measures import MEASURES
from evaluation.report import sections
from evaluation.table import detectable_sentence, interaction_sentence, margin_sentence, seeds_sentence


def write_report(result: LabResult, path: Path, *, texts: bool = True) -> None:
    """Write the report, atomically; see `render_report`."""
    write_atomically(path, render_report(result, texts=texts))


def render_report(result: LabResult, *, texts: bool = True) -> str:
    """The whole page. Every text from questions, answers, documents and settings is escaped.

    Without `texts` it holds no question and no answer, so that it can be passed on where documents may not.
    """
    document = result.document
    title = f"{result.title}: the arms compared"
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    parts = [
        _verdict(result, document, title),
        sections.quality(document),
        sections.costs(document),
        sections.curve(document),
        sections.breakdowns(document),
        sections.misses(result, document),
        sections.controls(document),
        sections.examples(result, document) if texts else None,
        sections.all_figures(document),
        _method(document),
    ]
    return page(title, style, parts)


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


def _method(document: dict[str, Any]) -> Html:
    terms = [
        (m.label, m.explanation) for name, m in MEASURES.items() if name in sections.PLOTTED or m.name == "field_f1"
    ]
    arms = [(name, data["description"] + _served(data)) for name, data in document["arms"].items()]
    shown = document["icl_examples"]
    run = (
        f"Test set {document['test_hash']}. Seed {document['seed']}. {sections.at_once(document)} "
        f"Arms one after another. {f'{shown} worked examples where an arm shows any. ' if shown else ''}"
        "Intervals are percentile bootstrap intervals over records, the same resamples for every arm."
    )
    for name, learned in document["style"].items():
        run += (
            f" The usual form of {name} answers was learned from {learned['examples']} training answers, which keep to "
            f"{100 * learned['own']:.0f}% of it themselves."
        )
    return sections.section("How it was measured", sections.intro_line(run), _terms(arms), _terms(terms))


def _terms(pairs: list[tuple[str, str]]) -> Html:
    return el("dl", [el("div", el("dt", key), el("dd", text)) for key, text in pairs], class_="terms")


def _served(data: dict[str, Any]) -> str:
    return f" Answered by {data['model']}." if data["model"] else ""
