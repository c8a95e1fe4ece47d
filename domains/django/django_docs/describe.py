"""Descriptions of a record that leave its name out, in the grammatical forms that question wordings need.

Forms: `that` (a clause: "field names may not end with an underscore"), `finite` ("converts a string to lower case"),
`base` ("convert ..."), `act` (the same, of a command), `ing` ("converting ..."), `np` (without article: "age of session
cookies"), `set` ("set to True to wrap each view"). A form that cannot be made well is left out. Knows no wordings.
"""

import re
from collections.abc import Iterable

from .grammar import (
    IMPERATIVES,
    VERBS,
    gerund,
    infinitive,
    lower_first,
    name_placeholders,
    paraphrase,
)
from .markdown import first_sentence, plain
from .names import names
from .records import Record

# What an option does for its user, not what its command does: "make it specify a file" is no English.
_ABOUT_ITSELF = frozenset(["allow", "control", "enable", "disable", "provide", "specify", "use"])
_LONG = 22  # words; a longer statement loses its subordinate clause
_CUTS = re.compile(r"(?:;| -- |, (?:e\.g|i\.e|for example|as below|ready|while|like)\b).*$|\.$")
_CLAUSE = re.compile(r"(?:, which|, because|, so| so that| just like|, but)\b.*$")
_ASIDE = re.compile(
    r" ?\((?:e\.g\.|i\.e\.|see |for |except |usually |optionally|possibly|default|a |or |as |spec)[^)]*\)"
)
_STOP = frozenset(
    names(
        """
    a an the of to in on for is are be it that this with by as at or and not its your you i which when if
    """
    )
)
_SETTING_RULES = (
    (r"(?:Controls )?[Ww]hether to (.+)", {"finite": r"decides whether to \1", "base": r"\1"}),
    (r"A boolean that specifies whether to (.+)", {"finite": r"decides whether to \1", "base": r"\1"}),
    (r"(?:A boolean that specifies |Controls )?(?:[Ww]hether|if) (.+)", {"finite": r"decides whether \1"}),
    (
        r"(?:If|When)(?: set to)? (?:True|False|a non-zero integer value), (?!if )(.+)",
        {"finite": r"controls whether \1"},
    ),
    (r"(?:If configured|Unless set to None), (.+)", {"finite": r"controls whether \1"}),
    (r"If you're using (.+?), this (\w+s) (.+)", {"finite": r"\2 \3 when I use \1"}),
    (r"Set this (?:\w+ setting )?to (\w+) (?:if you want )?to (.+)", {"set": r"set to \1 to \2", "base": r"\2"}),
    (r"This setting (\w+s) (.+)", {"finite": r"\1 \2"}),
    (r"Which (\w+) to use (.+)", {"finite": r"holds the \1 used \2", "np": r"\1 used \2"}),
    (r"A string representing (?:the )?(.+)", {"finite": r"holds the \1", "np": r"\1"}),
    (r"A dictionary containing (?:the )?(.+)", {"finite": r"holds the \1", "np": r"\1"}),
    (r"(?:An?|The) (.+)", {"finite": r"holds the \1", "np": r"\1"}),
    (
        r"((?:Default|List|Directories|Password|Username|Port|URL|Number|Full|Extra|Absolute|Subject)\b.+)",
        {"finite": r"holds the \1", "np": r"\1"},
    ),
)


def words_of(text: str) -> set[str]:
    """Content words, for comparing a description with other records."""
    found = re.findall(r"[a-z0-9_']+", plain(text).lower())
    return {word.rstrip("s") for word in found if word not in _STOP}


def forms(record: Record) -> dict[str, str]:
    """The descriptions that `record` allows; none repeats its last field word for word."""
    sentence = first_sentence(re.sub(r"\*This .*", "", record.gist))
    sentence = paraphrase(_cut(plain(name_placeholders(sentence))))
    if len(words_of(sentence)) < 3 or "./" in sentence:
        return {}
    match record.kind:
        case "check":
            made = {"that": lower_first(sentence)}
        case "setting":
            made = _setting_forms(sentence)
        case _:
            made = _verb_forms(sentence)
    if command := record.fields.get("command"):
        # "make migrate make migrate exit": the command is in the wording already.
        made = {name: text.replace(f"make {command} ", "") for name, text in made.items()}
        made = {name: text.replace(f"making {command} exit", "exiting") for name, text in made.items()}
        if made.get("base", "specify").split()[0] not in _ABOUT_ITSELF:
            made["act"] = made["base"]
    answer = plain(record.gist).rstrip(".").lower()
    return {name: text for name, text in made.items() if answer not in text.lower()}


def unambiguous_forms(records: list[Record]) -> dict[str, dict[str, str]]:
    """The forms of each record (by id) that fit no other record of its kind: none holds nearly all their words."""
    held = [(record, _words_held(record)) for record in records]
    found: dict[str, dict[str, str]] = {}
    for record in records:
        rivals = [words for other, words in held if other.kind == record.kind and other != record]
        scope = words_of(" ".join(_scope(record)))
        found[record.id] = {
            name: text for name, text in forms(record).items() if not _fits_any(words_of(text) | scope, rivals)
        }
    return found


def _words_held(record: Record) -> set[str]:
    said = paraphrase(plain(name_placeholders(record.gist)))
    return words_of(" ".join([record.gist, said, *_scope(record)]))


def _fits_any(words: set[str], rivals: Iterable[set[str]]) -> bool:
    return any(len(words & held) >= 0.9 * len(words) for held in rivals)


def _scope(record: Record) -> list[str]:
    """What a question names beside the description: an option's command, a nested setting's parents."""
    return record.id.split(":")[1:-1]


def _cut(text: str) -> str:
    """Without asides, and without a subordinate ending where enough is left."""
    text = _ASIDE.sub("", text).rstrip(" .")
    text = re.sub(r"(?<=\w):$", "", text)
    short = _CUTS.sub("", text)
    if len(short.split()) > _LONG:
        short = _CLAUSE.sub("", short)
    return short.rstrip(" .:,") if len(short.split()) >= 5 else text


def _setting_forms(text: str) -> dict[str, str]:
    for pattern, made in _SETTING_RULES:
        if match := re.fullmatch(pattern, text):
            forms = {name: match.expand(words) for name, words in made.items()}
            if "np" in forms:
                forms["np"] = lower_first(forms["np"])
                forms["finite"] = f"holds the {forms['np']}"
            return forms
    return {"finite": lower_first(text)} if text.split()[0].lower() in VERBS else {}


def _verb_forms(text: str) -> dict[str, str]:
    text = re.sub(r"^(?:For|Given) (.+?), returns? (.+)", r"Returns \2, for \1", text)
    text = re.sub(r"^If (?:\(and only if\) )?(.+?), (uses) (.+)", r"Uses \3 if \1", text)
    text = re.sub(r"^(?:The )?\{%.*?%\} (?:tag )?(returns|evaluates) ", lambda m: m[1].title() + " ", text)
    text = re.sub(r"^Use the \S+ option to (\w)", lambda m: m[1].upper(), text)
    text = re.sub(r"^(?:Automatically|Recursively|Safely) (\w)", lambda m: m[1].upper(), text)
    text = re.sub(r"^Do NOT ", "Don't ", text)
    first, _, rest = text.partition(" ")
    verb = first.lower()
    if verb == "don't":
        verb, _, rest = rest.partition(" ")
        return {"ing": f"not {gerund(verb)} {rest}", "finite": f"stops Django from {gerund(verb)} {rest}"}
    if verb in IMPERATIVES or verb + "s" in VERBS:
        return {"base": f"{verb} {rest}", "ing": f"{gerund(verb)} {rest}"}
    if verb not in VERBS:
        return {}
    base = infinitive(verb)
    return {
        "finite": f"{verb} {rest}",
        "base": f"{base} {_agree(rest, infinitive)}",
        "ing": f"{gerund(base)} {_agree(rest, lambda word: gerund(infinitive(word)))}",
    }


def _agree(rest: str, inflect) -> str:
    """Inflect a second verb like the first: "(enables) or disables", "(loads ...) and renders"."""

    def second(match: re.Match[str]) -> str:
        return f"{match[1]} {inflect(match[2])}" if match[2] in VERBS else match[0]

    return re.sub(r"\b(and|or) ([\w-]+s)(?= )", second, rest)
