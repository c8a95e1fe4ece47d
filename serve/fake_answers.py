"""What the fake vLLM says: a quote of the first passage, or a value that a schema or pattern accepts. No model."""

import json
import re
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import Any

WITHOUT_PASSAGES = "This is a fake model: it says the same to everyone."
_FIRST_PASSAGE = re.compile(r"^\[1\] .*\n(?:#+ .*\n+)*((?:.+\n?)+?)(?=\n|\Z)", re.MULTILINE)


def write_reply(messages: list[dict[str, Any]], structured: dict[str, Any] | None, reply: str) -> str:
    """The answer to a chat; `structured` is vLLM's `structured_outputs`, `reply` what to say where it allows that."""
    if structured and structured.get("json"):
        schema = structured["json"]
        return json.dumps(example_of(json.loads(schema) if isinstance(schema, str) else schema))
    if structured and structured.get("regex"):
        return matching(structured["regex"])
    if reply:
        return reply
    passage = _FIRST_PASSAGE.search(str(messages[-1]["content"]))
    return f"{passage[1].strip()} [1]" if passage else WITHOUT_PASSAGES


def example_of(schema: Any, root: Any = None) -> Any:
    """A small value that a JSON Schema accepts: of the kinds of schema that packs and clients use, not of every one."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return "text"
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return example_of(target, root)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: example_of(value, root) for name, value in schema.get("properties", {}).items()}
        case "array":
            few = min(max(1, schema.get("minItems", 1)), schema.get("maxItems", 1))
            return [example_of(schema.get("items", {}), root) for _ in range(few)]
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "text".ljust(schema.get("minLength", 0), "t")[: schema.get("maxLength", None)]


def matching(pattern: str) -> str:
    """A short text that a regular expression matches; of alternatives, the last."""
    return "".join(_match_of(kind, value) for kind, value in patterns.parse(pattern))


def _match_of(kind: Any, value: Any) -> str:
    if kind == kinds.LITERAL:
        return chr(value)
    if kind == kinds.BRANCH:
        return "".join(_match_of(*item) for item in value[1][-1])
    if kind == kinds.SUBPATTERN:
        return "".join(_match_of(*item) for item in value[-1])
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        return "".join(_match_of(*item) for item in value[2]) * max(1, value[0])
    if kind == kinds.IN and value[0][0] == kinds.LITERAL:
        return chr(value[0][1])
    return "x"
