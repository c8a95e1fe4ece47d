"""Selectors that stand on more than one page: format, shape of the answer, collection. Builds components."""

import gradio as gr

from core.pack import DomainPack
from core.types import STRUCTURED, Format
from ui import choices
from ui.language import marked, t

_CORPORA_HELP = marked(
    "The documents that are searched, one collection or several. Persona and trained style stay the domain's."
)


def format_selector(pack: DomainPack, format: Format, elem_id: str) -> gr.Radio:
    """The formats of a pack, as tiles."""
    return gr.Radio(
        choices.format_choices(pack),
        value=format,
        label=t("Format"),
        info=t("How the answer is written."),
        elem_id=elem_id,
        elem_classes="tiles",
    )


def schema_selector(pack: DomainPack, format: Format, elem_id: str) -> gr.Dropdown:
    """The schemas of a pack; seen where `format` has one."""
    return gr.Dropdown(
        choices.schema_choices(pack),
        value=choices.ANY_SCHEMA,
        label=t("Shape of the answer"),
        info=t("The fields a JSON or YAML answer has."),
        filterable=False,
        visible=format in STRUCTURED,
        elem_id=elem_id,
    )


def corpora_selector(corpora: choices.Choices, elem_id: str, *, visible: bool) -> gr.Dropdown:
    """The collections that can be searched together, the domain's own chosen."""
    return gr.Dropdown(
        corpora,
        value=[corpora[0][1]] if corpora else [],
        multiselect=True,
        label=t("Collections"),
        info=t(_CORPORA_HELP),
        filterable=False,
        visible=visible,
        elem_id=elem_id,
    )


def corpus_selector(corpora: choices.Choices, elem_id: str, *, visible: bool) -> gr.Dropdown:
    """The collections that can be searched, the first of them chosen."""
    return gr.Dropdown(
        corpora,
        value=corpora[0][1] if corpora else None,
        label=t("Collection"),
        info=t("The documents that are searched."),
        filterable=False,
        visible=visible,
        elem_id=elem_id,
    )
