"""HTML of published adapters: the list, one with its manifest and figures, the parity report. Knows no Gradio."""

import json
from collections.abc import Sequence

from core.training_desk import ParityFacts, PublishedAdapter
from ui.language import several, t
from ui.safe_html import code, escape
from ui.train_words import MEASURES, METHODS


def adapters_html(adapters: Sequence[PublishedAdapter], opened: str | None) -> str:
    """The list of adapters, newest first, the one in use marked."""
    if not adapters:
        return f'<p class="empty">{escape(t("No adapter yet: train one."))}</p>'
    names = (t("Adapter"), t("Made of"), t("Checked"), t("Measured"), t("Actions"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(_row(adapter, opened=adapter.name == opened) for adapter in adapters)
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<table class="documents adapters" data-desk="train">{body}</table>'


def adapter_html(adapter: PublishedAdapter, parity: ParityFacts | None) -> str:
    """One adapter: what can be done with it, what labs measured, the parity report, the manifest."""
    name = escape(adapter.name)
    close = f'<button type="button" class="desk-action" value="close">{escape(t("Close"))}</button>'
    manifest = code(json.dumps(adapter.manifest, indent=2, ensure_ascii=False, default=str), "json")
    parts = [
        f"<header><h3>{name}</h3>{close}</header>",
        _measured(adapter),
        parity_html(parity),
        f"<details><summary>{escape(t('Manifest'))}</summary>{manifest}</details>",
    ]
    label = escape(t("Adapter"))
    inside = "".join(parts)
    return f'<section class="opened" aria-label="{label}" tabindex="-1" data-desk="train">{inside}</section>'


def parity_html(report: ParityFacts | None) -> str:
    """What comparing the trained adapter with the served one found."""
    title = f"<h4>{escape(t('Does it answer as it was trained?'))}</h4>"
    if report is None:
        words = t("Not compared yet: this happens before it is used for the first time.")
        return f'{title}<p class="note">{escape(words)}</p>'
    verdict = t("Yes: training and server agree.") if report.passed else t("No: training and server disagree.")
    if report.overridden:
        verdict += " " + t("It was put to use all the same.")
    kind = "good" if report.passed else "bad"
    tokens = several(
        report.probes,
        "{tokens} tokens of {count} answer",
        "{tokens} tokens of {count} answers",
        tokens=f"{report.tokens:,}",
    )
    agreed = t("{agreed} of {compared}", agreed=f"{report.greedy_agreed:,}", compared=f"{report.greedy_compared:,}")
    facts = [
        (t("Compared"), t("{tokens}, in {server}", tokens=tokens, server=report.served_by)),
        (t("Apart on average"), _allowed(report.mean_difference, report.mean_tolerance)),
        (t("Apart at most"), _allowed(report.largest_difference, report.token_tolerance)),
        (t("Same choice where it is clear"), agreed),
        (t("What the training changes, for comparison"), f"{report.effect:.3f}"),
    ]
    if report.noise is not None:
        facts.append((t("How far the plain model is apart"), f"{report.noise:.3f}"))
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    reasons = "".join(f'<p class="trouble">{escape(reason)}</p>' for reason in report.reasons)
    badge = f'<p><span class="badge {kind}">{escape(verdict)}</span></p>'
    return f'{title}{badge}{reasons}<dl class="facts pairs">{rows}</dl>'


def _allowed(found: float, allowed: float) -> str:
    return t("{found} (allowed {allowed})", found=f"{found:.3f}", allowed=f"{allowed:g}")


def _measured(adapter: PublishedAdapter) -> str:
    title = f"<h4>{escape(t('What the lab measured'))}</h4>"
    if not adapter.figures:
        return f'{title}<p class="note">{escape(t("Nothing yet: run a lab with it."))}</p>'
    names = (t("Lab run"), t("Way of answering"), t("Measure"), t("Figure"), t("95% interval"), t("Questions"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{escape(one.lab[:16].replace("T", " "))}</th><td>{escape(one.arm)}</td>'
        f"<td>{escape(t(MEASURES.get(one.measure, one.measure)))}</td><td>{one.mean:.0%}</td>"
        f"<td>{one.low:.0%} – {one.high:.0%}</td><td>{one.n}</td></tr>"
        for one in adapter.figures
    )
    return f'{title}<table class="documents figures-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(adapter: PublishedAdapter, *, opened: bool) -> str:
    known = adapter.manifest
    method = str(known.get("method", ""))
    made = [
        t(METHODS[method][0]) if method in METHODS else method,
        str(known.get("created", ""))[:16].replace("T", " "),
    ]
    if known.get("examples"):
        made.append(several(int(known["examples"]), "{count} row", "{count} rows"))
    if known.get("origin"):
        made.append(t("from {origin}", origin=known["origin"]))
    name, source = escape(adapter.name), f'data-source="{escape(adapter.name)}"'
    in_use = f' <span class="badge good">{escape(t("in use"))}</span>' if adapter.active else ""
    whole = f'<span class="title">{escape(t("a whole model"))}</span>' if adapter.whole else ""
    checked = {None: t("not yet"), True: t("agrees"), False: t("disagrees")}[adapter.checked]
    first = adapter.figures[0] if adapter.figures else None
    measured = f"{first.mean:.0%} {t(MEASURES.get(first.measure, first.measure))}" if first else ""
    actions = f'<button type="button" class="desk-action" value="open" {source}>{escape(t("Details"))}</button>'
    if not adapter.active:
        words = escape(t("Use it"))
        actions += f'<button type="button" class="desk-action" value="activate" {source}>{words}</button>'
    return (
        f'<tr class="{"opened" if opened else ""}"><th scope="row"><span class="file">{name}</span>{in_use}{whole}</th>'
        f"<td>{escape(t(', ').join(part for part in made if part))}</td><td>{escape(checked)}</td>"
        f'<td>{escape(measured)}</td><td class="actions">{actions}</td></tr>'
    )
