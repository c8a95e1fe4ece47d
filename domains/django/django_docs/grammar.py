"""Small English for questions: other words for the same thing, verbs as infinitive and gerund, placeholders as nouns.

Covers the sentences that Django's reference is written in; knows nothing of records.
"""

import re

from .names import names

# Verbs that open a sentence of the reference, third person.
VERBS = frozenset(
    names(
        """
    activates adds adjusts allows applies caches capitalizes centers controls converts creates defines deletes
    disables discards displays diverts does enables ensures escapes evaluates excludes filters follows forces
    formats generates ignores includes inserts joins left-aligns lists loads loops mails makes maps marks merges
    omits outputs preserves prevents prints produces provides randomizes regroups removes renders replaces
    resets returns right-aligns runs selects sends sets shows signals skips sorts spawns specifies stops strips
    suppresses takes truncates unsets updates uses wraps
    """
    )
)
IMPERATIVES = frozenset(["check", "clear", "create", "don't", "generate", "ignore", "use"])
_DOUBLED = frozenset(names("control format get omit output reset run set skip stop strip unset wrap"))

_PARAPHRASES = (
    (r"\bmust not\b", "may not"),
    (r"\bmust\b", "should"),
    (r"\bshould not\b", "had better not"),
    (r"\b(is|are|does|do|has|could) not\b", r"\1n't"),
    (r"\b(?:cannot|can not)\b", "can't"),
    (r"\bcan only\b", "may only"),
    (r"\bhas been deprecated\b", "is deprecated"),
    (r"\b(?:has been|is) removed\b", "is gone"),
    (r"\brefer(s?) to\b", r"point\1 to"),
    (r"\bnonexistent\b", "missing"),
    (r"\bclashes with\b", "collides with"),
    (r"\bhas no effect\b", "does nothing"),
    (r"\bhave no effect\b", "do nothing"),
    (r"\bdoesn't exist\b", "can't be found"),
    (r"\bcontains duplicate\b", "repeats a"),
    (r"\bThere are duplicate\b", "there is a repeated"),
    (r"\bare specified\b", "are given"),
    (r"\ban invalid\b", "a wrong"),
    (r"\bto an? wrong value\b", "to a value that isn't allowed"),
    (r"\bhas the same effect as\b", "does the same as"),
    (r"\bbut has no\b", "without a"),
    (r"\bto be used\b", "used"),
    (r"(?<!which )\b(\w+) to use (when|for|to)\b", r"\1 used \2"),
    (r", in seconds\b", " in seconds"),
    (r"\bthe given (?=[\w-]*[^s\W]\b)", "a given "),
)
_PLACEHOLDER = re.compile(r"(?:(`[^`<]+`|\w+) )?`[^`]*<([^`<>]*)>[^`<]*`(?:/`[^`]*<[^`]*`)?")
# After these a placeholder stands for a noun of its own; after any other word it repeats that noun.
_LINKING = frozenset(
    names(
        """
    is are for of on to and by with from in has as than not or found contains got at into exceeds used use
    references support supports whether that against when
    """
    )
)
_ARTICLES = frozenset({"a", "an", "the", "unmatched"})


def paraphrase(text: str) -> str:
    """The same statement with other modal verbs and contractions."""
    for pattern, words in _PARAPHRASES:
        text = re.sub(pattern, words, text)
    return text


def name_placeholders(text: str) -> str:
    """Write code with a `<placeholder>` as the noun it stands for: "field `<model>.<name>`" is "field"."""

    def words(match: re.Match[str]) -> str:
        before, noun = match[1] or "", match[2].replace("_", " ")
        noun = noun if re.search("[a-z][A-Z]", noun) else noun.lower()
        if before in ("named", "codenamed"):
            return ""
        if before.lower() in _ARTICLES:
            return f"{before} {noun}"
        if before and before.lower() not in _LINKING:
            return before
        if text[match.end() :].startswith(("s ", "s.", " columns")):
            return f"{before} {noun}".strip()
        article = "an" if noun[:1] in "aeioAEIO" else "a"
        return f"{before} {article} {noun}".strip()

    named = _PLACEHOLDER.sub(words, text)
    return " ".join(re.sub(r"\b(\w+) \1\b", r"\1", named).split())


def lower_first(text: str) -> str:
    """Lower-case the first letter, unless the first word is a name or an acronym."""
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first == "A" or first[1:].islower() else text


def infinitive(verb: str) -> str:
    """`applies` -> `apply`, `caches` -> `cache`, `suppresses` -> `suppress`."""
    if verb.endswith("ies"):
        return verb[:-3] + "y"
    if verb.endswith(("sses", "shes", "oes")):
        return verb[:-2]
    return verb[:-1]


def gerund(verb: str) -> str:
    """`apply` -> `applying`, `use` -> `using`, `run` -> `running`; takes an infinitive."""
    if verb in _DOUBLED:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + "ing"
