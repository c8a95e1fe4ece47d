"""The arms: one strategy each, as data. The pipeline reads these flags; no arm has code of its own."""

from pydantic import BaseModel, ConfigDict

from core.errors import RequestError


class Arm(BaseModel):
    """A strategy under comparison. `constrained` decodes under the answer's schema (the suffix `+schema`).

    `weights` names an adapter by its hash, or how it was trained (a method, or "distilled"); empty: the active one.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    retrieval: bool = False
    icl: bool = False
    adapter: bool = False
    constrained: bool = False
    weights: str = ""
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
# For the lab alone: the chat offers adapters by name, not by how they were trained.
BY_METHOD: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm(name="qlora", adapter=True, weights="qlora", description="The newest adapter trained over a 4-bit base."),
        Arm(name="dora", adapter=True, weights="dora", description="The newest model with DoRA merged into it."),
        Arm(name="full", adapter=True, weights="full", description="The newest model trained as a whole."),
        Arm(name="distilled", adapter=True, weights="distilled", description="The newest adapter taught by a teacher."),
    )
}
SCHEMA_SUFFIX = "+schema"


def parse_arm(text: str) -> Arm:
    """Return the arm called `text`, such as `hybrid` or `rag+icl+schema`. Raises RequestError with the list."""
    plain = text.removesuffix(SCHEMA_SUFFIX)
    if plain not in ARMS:
        names = ", ".join(ARMS)
        raise RequestError(f"unknown arm '{text}': choose one of {names}, each with or without '{SCHEMA_SUFFIX}'")
    arm = ARMS[plain]
    return arm if plain == text else arm.model_copy(update={"name": text, "constrained": True})


def parse_lab_arm(text: str) -> Arm:
    """Return an arm of the lab: one of the chat's, one named after a training method, or `ARM@HASH` with an adapter.

    `hybrid@3f9c2a1b+schema` is the hybrid with that adapter, decoded under the schema. Raises RequestError.
    """
    plain = text.removesuffix(SCHEMA_SUFFIX)
    name, at, weights = plain.partition("@")
    arm = {**ARMS, **({} if at else BY_METHOD)}.get(name)
    if arm is None:
        names = ", ".join([*ARMS, *BY_METHOD])
        raise RequestError(f"unknown arm '{text}': choose one of {names}, each with or without '{SCHEMA_SUFFIX}'")
    if at and (not arm.adapter or not weights):
        raise RequestError(f"arm '{text}': '@' names an adapter by its hash, for arms that use one (hybrid@3f9c2a1b)")
    change = {"name": text, "weights": weights or arm.weights, "constrained": text != plain}
    return arm.model_copy(update=change)
