"""The arms: one strategy each, as data. The pipeline reads these flags; no arm has code of its own."""

from pydantic import BaseModel, ConfigDict

from core.errors import RequestError


class Arm(BaseModel):
    """A strategy under comparison. `constrained` decodes under the answer's schema (the suffix `+schema`)."""

    model_config = ConfigDict(frozen=True)

    name: str
    retrieval: bool = False
    icl: bool = False
    adapter: bool = False
    constrained: bool = False
    description: str = ""


_PLAIN = (
    Arm(name="base", description="The base model alone, no documents."),
    Arm(name="icl", icl=True, description="The base model with worked examples in the prompt."),
    Arm(name="rag", retrieval=True, description="The base model with passages from the documents."),
    Arm(name="rag+icl", retrieval=True, icl=True, description="Passages and worked examples, base model."),
    Arm(name="lora", adapter=True, description="The tuned adapter alone, no documents."),
    Arm(name="hybrid", retrieval=True, adapter=True, description="Passages and the tuned adapter."),
    Arm(name="hybrid+icl", retrieval=True, icl=True, adapter=True, description="Passages, examples and adapter."),
)
ARMS: dict[str, Arm] = {arm.name: arm for arm in _PLAIN}
SCHEMA_SUFFIX = "+schema"


def parse_arm(text: str) -> Arm:
    """Return the arm called `text`, such as `hybrid` or `rag+icl+schema`. Raises RequestError with the list."""
    plain = text.removesuffix(SCHEMA_SUFFIX)
    if plain not in ARMS:
        names = ", ".join(ARMS)
        raise RequestError(f"unknown arm '{text}': choose one of {names}, each with or without '{SCHEMA_SUFFIX}'")
    arm = ARMS[plain]
    return arm if plain == text else arm.model_copy(update={"name": text, "constrained": True})
