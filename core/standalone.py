"""Makes a follow-up question standalone by rule: what it leans on comes from the question before it.

A rule, not a model: a 135M model rewrites questions worse than it answers them. English, German and Chinese.
"""

import re
from collections.abc import Sequence

from core.terms import is_identifier

_MOST_WORDS = 40  # of a question with what it leans on
_LONGEST_THING = 6
_LONG = 14  # words; a longer question says itself what it is about
_NAME = re.compile(r"`[^`]+`|[\w\-./]*\w")

# "And X?", "What about X?": the question before, asked of X.
_ASIDE = re.compile(
    r"(?:(?:and|or|but)\s+)?(?:what|how)\s+about\s+(?P<what>.+)|(?:and|or|but|und|oder|aber)\s+(?P<and>.+)"
    r"|(?:und\s+)?(?:was\s+ist|wie\s+ist\s+es|wie\s+sieht\s+es)\s+mit\s+(?P<mit>.+?)(?:\s+aus)?"
    r"|那(?P<zh>.+)呢|(?P<ne>.+)呢",
    re.IGNORECASE,
)
# An aside is a thing; with one of these in it, it is a question of its own.
_VERB = re.compile(
    r"\b(is|are|was|were|do|does|did|can|could|should|will|would|has|have|must|may|what|which|who|how|when|where|why"
    r"|ist|sind|war|kann|können|soll|muss|wird|hat|haben|wie|was|wer|wo|wann|warum|welche[rsnm]?|gibt)\b",
    re.IGNORECASE,
)
_PLACE_OF_SUBJECT = re.compile(
    r"(?P<subject>\b(?:an?|the|my|our|your|einen?|eine[rsm]?|der|die|das|den|dem|mein\w*)\s+[\w\-]+)(?=[?.!\s]*$)",
    re.IGNORECASE,
)
# Questions of one thought that is not said: they always lean.
_ELLIPSIS = re.compile(
    r"(?:and|or|but|so|then|also|why|why not|how so|how come|since when|until when|how (?:many|much|long|often|old)"
    r"|when|where|who|how|und|oder|aber|wieso|warum|weshalb|seit wann|wie (?:viele?|lange|oft)|wann|wo|wer|wie)"
    r"(?:\s+(?:then|exactly|not|now|else|genau|nicht|dann|denn))?",
    re.IGNORECASE,
)
_SHORT_LEAD = re.compile(
    r"(?:and|or|but|also|then|so|for|in|with|without|on|at|from|und|oder|aber|auch|für|mit|ohne|im|bei|auf)\b",
    re.IGNORECASE,
)
# "It" that stands for nothing. "That" counts where it does not open a clause.
_EMPTY_IT = re.compile(
    r"\b(?:is|was|would|will) it (?:be )?(?:possible|necessary|safe|allowed|ok|okay|required|true|recommended|better|"
    r"common|enough|worth|legal|normal)\b|\bdoes it (?:matter|make sense)\b|\bit is (?:possible|true)\b"
    r"|\b(?:gibt|ist|geht|reicht) es\b|\bes gibt\b",
    re.IGNORECASE,
)
_THAT = (
    r"(?:^|\b(?:is|does|do|did|was|why|about|like|with|for|from|after|before|than|if|when|of|use|change|to) )"
    r"that(?=[?.!,\s]*$| (?:is|was|does|mean|work|happen|help|apply|safe|possible|true|also|still|one)\b)"
)
# Before a noun, "das" is an article; "Sie" is who is asked.
_ES = (
    r"\b(?:ist|sind|macht|kostet|geht|hat|kann|muss|wie|wo|wann|warum|was|bedeutet|heißt|dauert) "
    r"(?:er|es|sie|das)\b(?! (?-i:[A-ZÄÖÜ]))"
)
_PRONOUNS = (
    r"\b(?:this|these|those|the same|the former|the latter|the others?)\b",
    r"\b(?:the|which|what|that|another|other|each|every|second|first|last|next|new|old) ones?\b",
    r"\bthe (?:first|second|third|last|other|next|previous)(?=[?.!\s]*$)",
    _THAT,
    r"\b(?:er|jene[rsnm]?|deren|dessen|der(?:selbe)?|die(?:selbe)?|das(?:selbe)?)(?=[?.!,\s]*$)",
    r"\b(?:ihn|ihm|dies(?:e[rsnm]?)?|dafür|damit|davon|dazu|darin|darauf|dabei|danach)\b",
    _ES,
    r"\b(?:der|die|das|den|dem) (?:erste|zweite|dritte|letzte|andere|nächste)n?(?=[?.!\s]*$)",
)
_PRONOUN = re.compile("|".join(_PRONOUNS), re.IGNORECASE)
# These may stand for a thing that the same question names.
_IT = re.compile(r"\b(?:its?|they|them|theirs?)\b", re.IGNORECASE)
_CHINESE = re.compile("它|它们|他们|这个|那个|这些|那些|这样|前者|后者|第二个|第一个|另一个")
_THING = re.compile(
    r"\b(?:the|an?|my|our|your|der|die|das|den|dem|einen?|eine[rm]?|mein\w*)\s+(?!same|other|first|second|last|one)\w{3,}",
    re.IGNORECASE,
)


def standalone_question(question: str, history: Sequence[str]) -> str:
    """The question as it is searched and asked; `history` holds the earlier ones, oldest first."""
    question = _one_line(question)
    if not history or not question:
        return question
    bare = question.rstrip("?？!.。 ")
    before = standalone_question(history[-1], history[-4:-1])
    aside = _ASIDE.fullmatch(bare)
    if aside and _is_thing(thing := next(filter(None, aside.groups())).strip(" ,，").removeprefix("of ")):
        return _asked_of(thing, before, question)
    return _joined(before, question) if _leans(bare) else question


def _is_thing(text: str) -> bool:
    says_more = (_VERB.search(text), _SHORT_LEAD.match(text), _PRONOUN.search(text), _IT.search(text))
    return len(text.split()) <= _LONGEST_THING and not any(says_more) and not _ELLIPSIS.fullmatch(text)


def _leans(bare: str) -> bool:
    if _ELLIPSIS.fullmatch(bare) or _CHINESE.search(bare):
        return True
    words = bare.split()
    if len(words) > _LONG:
        return False
    if _SHORT_LEAD.match(bare) and len(words) <= 4 and not _VERB.search(bare):
        return True
    if _names(bare):
        return False
    text = _EMPTY_IT.sub(" ", bare)
    if _PRONOUN.search(text):
        return True
    # "It" after a thing of the same question means that thing: "open the valve and clean it".
    thing, it = _THING.search(text), _IT.search(text)
    return it is not None and (thing is None or it.start() <= thing.start())


def _asked_of(thing: str, before: str, question: str) -> str:
    """The question before with `thing` in place of what it was about; joined where that cannot be told."""
    new, old = _names(thing), _names(before)
    if len(old) == 1 and new:
        return before.replace(old[0], thing if len(new) == 1 and new[0] == thing else new[0])
    subject = _PLACE_OF_SUBJECT.search(before)
    if not old and not new and subject:
        return before[: subject.start()] + thing + before[subject.end() :]
    return _joined(before, question)


def _names(text: str) -> list[str]:
    """What looks like the name of something, as written."""
    found = (match[0] for match in _NAME.finditer(text))
    return list(dict.fromkeys(name for name in found if name.startswith("`") or is_identifier(name)))


def _joined(before: str, question: str) -> str:
    words = before.split()
    room = max(_MOST_WORDS - len(question.split()), 8)
    return f"{' '.join(words[:room])} {question}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
