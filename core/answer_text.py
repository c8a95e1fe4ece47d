"""How answers are written and read back, format by format: the one place that knows the envelope and `[n]` marks.

json and yaml are an envelope of citations and answer (`null` for a refusal); text and markdown carry `[n]` marks.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from core.sections import missing_sections, sections_of
from core.types import STRUCTURED, Format

_MARK = re.compile(r"\s?\[(\d+(?:\s*,\s*\d+)*)\]")
# Models' vocabularies differ in where they keep spaces.
_ENVELOPE = re.compile(r"\s*(?:\{\s*\"citations\"|citations):\s*(\[[^\]]*\])")
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\n(.*?)(?:\n```.*)?$", re.DOTALL)


class ParsedAnswer(BaseModel):
    """What was read from a model's text. `valid`: it parses and matches. Refused json and yaml have no `answer`."""

    text: str
    answer: Any = None
    valid: bool = True
    refused: bool = False
    cited: list[int] = []


def write_answer(answer: Any, format: Format, cited: Sequence[int], refusal: str) -> str:
    """Write the text a model should produce. `answer` None is a refusal; `cited` are passage numbers."""
    if format == "json":
        return json.dumps({"citations": list(cited), "answer": answer}, ensure_ascii=False)
    if format == "yaml":
        head = f"citations: {json.dumps(list(cited))}\nanswer:"
        if answer is None:
            return f"{head} null"
        return head + "\n" + "\n".join(f"  {line}" for line in _quoted_yaml(answer).splitlines())
    if answer is None:
        return refusal
    marks = "".join(f"[{number}]" for number in cited)
    return f"{answer} {marks}".strip()


def deciding_spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, stop) of a written answer that decide what it is: refusal or answer, and over which passage.

    Those are its citations, and in text and markdown the first character, with which a refusal begins or does not.
    """
    envelope = _ENVELOPE.match(text)
    if envelope:
        return [envelope.span(1)]
    return [(0, 1), *(mark.span() for mark in _MARK.finditer(text))]


def envelope_schema(schema: dict[str, Any], passages: int) -> dict[str, Any]:
    """The JSON Schema of the envelope: citations of 1 to `passages`, then the answer or null."""
    numbers: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": passages}
    citations: dict[str, Any] = {"type": "array", "items": numbers, "maxItems": min(passages, 3)}
    if passages == 0:
        citations = {"type": "array", "items": {"type": "integer"}, "maxItems": 0}
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    body = {key: value for key, value in schema.items() if key not in (*definitions, "$schema", "$id")}
    return {
        "type": "object",
        "properties": {"citations": citations, "answer": {"anyOf": [body, {"type": "null"}]}},
        "required": ["citations", "answer"],
        "additionalProperties": False,
        **definitions,
    }


def json_grammar(schema: dict[str, Any], passages: int) -> dict[str, Any]:
    """What vLLM decodes json and yaml under: the envelope, spaced as `write_answer` does and without line breaks.

    Where any white space may stand, small models write nothing else until there is no room. vLLM's request option
    against it is ignored; `x-guidance` in the schema is heeded by the backend that Graft starts vLLM with.
    """
    spacing = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return {"json": {**envelope_schema(schema, passages), "x-guidance": spacing}}


def read_answer(raw: str, format: Format, schema: dict[str, Any] | None, refusal: str) -> ParsedAnswer:
    """Read what a model wrote. Never raises: what does not parse is `valid=False` with the text as it came."""
    if format in STRUCTURED:
        return _read_structured(raw, format, schema)
    cited = [int(number) for group in _MARK.findall(raw) for number in group.split(",")]
    refused = fold(_MARK.sub("", raw)).startswith(fold(refusal)) or not raw.strip()
    text = raw.strip()
    # Only Markdown is asked for with a schema here: its headings are what has to match.
    whole = refused or schema is None or not missing_sections(text, sections_of(schema))
    return ParsedAnswer(text=text, answer=text, refused=refused, cited=_unique(cited), valid=bool(text) and whole)


def serialise(answer: Any, format: Format) -> str:
    """The answer as a user reads it: indented JSON, or block YAML."""
    if format == "json":
        return json.dumps(answer, indent=2, ensure_ascii=False)
    return yaml.safe_dump(answer, sort_keys=False, allow_unicode=True, width=10_000).removesuffix("...\n").strip()


def mark_spans(text: str) -> list[tuple[int, int, int]]:
    """Every passage number that `text` marks, with the start and end of its mark (end exclusive), in order."""
    return [
        (int(number), mark.end() - len(mark[0].lstrip()), mark.end())
        for mark in _MARK.finditer(text)
        for number in mark[1].split(",")
    ]


def without_marks(text: str) -> str:
    """The text without its `[n]` marks."""
    return _MARK.sub("", text).strip()


def fold(text: str) -> str:
    """Case, punctuation and white space folded, for comparisons."""
    return " ".join(re.sub(r"[^\w]+", " ", text.casefold()).split())


def _read_structured(raw: str, format: Format, schema: dict[str, Any] | None) -> ParsedAnswer:
    fenced = _FENCE.match(raw)
    body = (fenced.group(1) if fenced else raw).strip()
    try:
        # Through JSON once more: YAML can hold bytes, dates and infinities, which no schema of ours knows.
        value = json.loads(body) if format == "json" else yaml.load(body, Loader=_JsonTypesLoader)  # noqa: S506 - a SafeLoader that reads less
        value = json.loads(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError, yaml.YAMLError, RecursionError):
        return ParsedAnswer(text=raw.strip(), valid=False)
    if not isinstance(value, dict):
        return ParsedAnswer(text=raw.strip(), valid=False)
    # A model that was never tuned tends to leave the envelope out: its bare answer is read all the same.
    answer, citations = (value.get("answer"), value.get("citations")) if "answer" in value else (value, [])
    cited = [n for n in citations if type(n) is int] if isinstance(citations, list) else []
    if answer is None:
        return ParsedAnswer(text=serialise(None, format), refused=True, cited=_unique(cited))
    valid = schema is None or Draft202012Validator(schema).is_valid(answer)
    return ParsedAnswer(text=serialise(answer, format), answer=answer, valid=valid, cited=_unique(cited))


def _unique(numbers: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


class _JsonTypesLoader(yaml.SafeLoader):
    """YAML as far as it is JSON in another spelling: unquoted dates are text, aliases (and so cycles) are errors."""

    yaml_implicit_resolvers: ClassVar = {  # type: ignore[reportIncompatibleVariableOverride]
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


class _Quoted(yaml.SafeDumper):
    """Double quotes around every string value: one rule that a small model can learn, and always valid YAML."""


def _represent_mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
    pairs = []
    for key, item in value.items():
        pairs.append((yaml.ScalarNode("tag:yaml.org,2002:str", str(key)), dumper.represent_data(item)))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


_Quoted.add_representer(str, lambda d, v: d.represent_scalar("tag:yaml.org,2002:str", v, style='"'))
_Quoted.add_representer(dict, _represent_mapping)


def _quoted_yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Quoted, sort_keys=False, allow_unicode=True, width=100_000)
