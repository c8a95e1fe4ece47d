"""The settings beside the chat: how to answer, format, shape, documents, adapter. Builds components and their hints.

Everything is per browser session: components hold the values, nothing is global.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from core.arms import ARMS, SCHEMA_SUFFIX, parse_arm
from core.chat import Question
from core.service import DomainService
from core.types import STRUCTURED
from ui import choices
from ui.language import t
from ui.selectors import corpora_selector, format_selector, schema_selector


@dataclass(frozen=True)
class SettingsPanel:
    """The components, in the order in which `read_question` takes their values."""

    arm: gr.Dropdown
    format: gr.Radio
    schema: gr.Dropdown
    constrained: gr.Checkbox
    corpora: gr.Dropdown
    adapter: gr.Dropdown

    @property
    def inputs(self) -> list[Component]:
        """All components."""
        return [self.arm, self.format, self.schema, self.constrained, self.corpora, self.adapter]


def build_settings(service: DomainService) -> SettingsPanel:
    """Create the components inside the current Gradio context, with what the service offers now."""
    pack = service.pack
    arms = choices.offered_arms(service, service.status())
    arm = choices.default_arm(pack, arms)
    format = choices.default_format(pack)
    corpora = choices.corpus_choices(service.corpora(), pack)
    adapters = service.adapters()
    panel = SettingsPanel(
        arm=gr.Dropdown(
            arms, value=arm, label=t("How to answer"), info=choices.arm_hint(arm), filterable=False, elem_id="arm"
        ),
        format=format_selector(pack, format, "format"),
        schema=schema_selector(pack, format, "schema"),
        constrained=gr.Checkbox(
            value=True,
            label=t("Guarantee the shape"),
            info=t("The model can then write nothing but a valid answer."),
            visible=format in STRUCTURED,
            elem_id="constrained",
        ),
        corpora=corpora_selector(corpora, "corpus", visible=bool(corpora)),
        adapter=gr.Dropdown(
            choices.adapter_choices(adapters),
            value=choices.ACTIVE_ADAPTER,
            label=t("Adapter version"),
            info=t("Which training run the style comes from."),
            filterable=False,
            visible=bool(adapters) and ARMS[arm].adapter,
            elem_id="adapter",
        ),
    )
    quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    panel.arm.change(
        lambda name: (gr.update(info=choices.arm_hint(name)), gr.update(visible=ARMS[name].adapter)),
        panel.arm,
        [panel.arm, panel.adapter],
        **quiet,
    )
    panel.format.change(
        lambda name: [gr.update(visible=name in STRUCTURED)] * 2,
        panel.format,
        [panel.schema, panel.constrained],
        **quiet,
    )
    return panel


def read_question(
    text: str,
    history: tuple[str, ...],
    arm: str,
    format: Any,
    schema: str | None,
    constrained: bool,
    adapter: str | None,
) -> Question:
    """The question that the settings describe. Raises RequestError for an arm that does not exist."""
    structured = format in STRUCTURED
    guaranteed = structured and constrained
    return Question(
        text=text,
        arm=parse_arm(f"{arm}{SCHEMA_SUFFIX}" if guaranteed else arm),
        format=format,
        schema_name=(schema or None) if structured else None,
        history=history,
        adapter=(adapter or None) if ARMS[arm].adapter else None,
        constrained=True if guaranteed else None,
        or_passages=True,
    )
