"""Sentences and words by rule, in place of the spaCy model that unstructured would download.

unstructured asks for them only to tell titles from running text. spaCy takes a second and brings torch into a process
that needs neither, and with or without its model installed the same file would be cut differently. Knows no format.
"""

import re
import sys
from types import ModuleType

_END = re.compile(r"[.!?…。！？｡؟।]+[\"'”’»)\]]*(?=\s|$)|[。！？｡]+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:[A-Za-z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Inc|Ltd|Co|No|Nr|vs|cf|ca|bzw|etc|approx|Fig|Abb)\.$"
)
_WORD = re.compile(r"\w+|[^\w\s]")


def sent_tokenize(text: str) -> list[str]:
    """The sentences of `text`, without the white space between them."""
    sentences = []
    start = 0
    for match in _END.finditer(text):
        if _ABBREVIATION.search(text, max(start, match.start() - 12), match.end()):
            continue
        sentences.append(text[start : match.end()].strip())
        start = match.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def word_tokenize(text: str) -> list[str]:
    """Words and punctuation marks."""
    return _WORD.findall(text)


def pos_tag(_text: str) -> list[tuple[str, str]]:
    """No parts of speech: without a tagger there are no verbs to find."""
    return []


def replace_spacy() -> None:
    """Stand in for `unstructured.nlp.tokenize` in this process. To be called before unstructured is imported."""
    module = ModuleType("unstructured.nlp.tokenize")
    for function in (sent_tokenize, word_tokenize, pos_tag):
        setattr(module, function.__name__, function)
    sys.modules[module.__name__] = module
