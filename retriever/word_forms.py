"""Other forms of a question's words in corpora of languages that join words: compounds, their parts, inflections.

"Speicher" also finds "Batteriespeicher" and "Speicherkapazität", "Batteriespeicher" also "Speicher der Batterie", "ä"
also "ae". Whether a corpus is in such a language is seen from its function words; in others nothing is changed
("password" is not "pass" and "word"). Looks words up in the lexical index; needs no dictionary.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from retriever.lexical import LexicalIndex
from retriever.query import Query, quoted

# Function words of German, Dutch, Swedish, Danish and Norwegian; of each language some have to be there.
_FUNCTION_WORDS = (
    ("der", "und", "nicht", "ist", "mit", "eine", "wird", "auf", "das", "bei"),
    ("het", "een", "niet", "van", "voor", "zijn", "wordt", "deze"),
    ("och", "inte", "för", "som", "ett", "att", "är", "på"),
    ("og", "ikke", "det", "som", "på", "til", "er", "av"),
)
_ENOUGH = 4
_SHARE = 0.005
# Asked in English, a word is taken as an English one.
_ENGLISH = frozenset({"the", "what", "how", "which", "does", "is", "of", "are", "where", "why", "when", "can"})
_ENDINGS = ("erna", "arna", "orna", "ern", "em", "en", "er", "es", "et", "ar", "or", "e", "n", "s", "a")
_LINKS = ("", "s", "es", "n", "en", "er", "e", "-")
_SHORTEST = 4  # letters of a word that is looked for inside others
_SHORTEST_PART = 3
_LONG = 6
_MOST = 16
_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue"}


@dataclass
class WordForms:
    """Forms in one index. The caller serialises access."""

    lexical: LexicalIndex
    _found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of_query(self, query: Query) -> tuple[str, ...]:
        """Terms to search besides the question's own words; empty for corpora or questions without compounds."""
        if not self.joins_words or _ENGLISH & set(query.text.casefold().split()):
            return ()
        own = set(query.words)
        forms = (form for word in query.others for form in self.of_word(word))
        return tuple(dict.fromkeys(form for form in forms if form not in own))

    @cached_property
    def joins_words(self) -> bool:
        """Whether the corpus is, at least in part, in a language that joins words."""
        needed = max(1, int(_SHARE * self.lexical.total))
        return any(
            sum(self.lexical.count(quoted(word)) >= needed for word in words) >= _ENOUGH for words in _FUNCTION_WORDS
        )

    def of_word(self, word: str) -> tuple[str, ...]:
        """Forms of one word, as terms of the index."""
        if word not in self._found:
            if len(self._found) > 10_000:
                self._found.clear()
            usable = word.isalpha() and len(word) >= _SHORTEST
            self._found[word] = tuple(dict.fromkeys(self._forms(word))) if usable else ()
        return self._found[word]

    def _forms(self, word: str) -> Iterator[str]:
        for variant in _spellings(word):
            if variant != word and self._is_word(variant):
                yield variant
        folded = _folded(word)
        related = set(self._related(_base(folded)))
        # The index cuts "er" and the like off longer words: "lager" stands in it as such, "batterilager" does not.
        related.update(term for cut in ("er", "e", "s") if folded.endswith(cut) for term in self._ending(folded, cut))
        yield from sorted(related, key=lambda term: (len(term), term))[:_MOST]
        yield from self._parts(word)

    def _related(self, base: str) -> Iterator[str]:
        """Vocabulary with `base` at its beginning or end, where the rest is an ending or words itself."""
        if len(base) < _SHORTEST:
            return
        for before, after in self._around(base):
            is_end = (not after or after in _ENDINGS) and (not before or self._is_rest(base, before, first=True))
            if is_end or (not before and self._is_rest(base, after, first=False)):
                yield before + base + after

    def _ending(self, word: str, cut: str) -> Iterator[str]:
        """Vocabulary that ends with `word` without its ending `cut`, after a word."""
        base = word.removesuffix(cut)
        if len(base) >= _SHORTEST_PART:
            for before, after in self._around(base):
                if before and not after and self._is_joint(before, first=True):
                    yield before + base

    def _around(self, base: str) -> Iterator[tuple[str, str]]:
        """What stands before and after `base` in every term that holds it."""
        at = self._vocabulary.find(base)
        while at >= 0:
            start, end = self._vocabulary.rfind("\n", 0, at) + 1, self._vocabulary.find("\n", at)
            yield self._vocabulary[start:at], self._vocabulary[at + len(base) : end]
            at = self._vocabulary.find(base, end)

    def _is_rest(self, base: str, rest: str, *, first: bool) -> bool:
        # Beside a long word, whatever is as long as a word is taken for one.
        return (len(base) >= _LONG and len(rest) >= _SHORTEST) or self._is_joint(rest, first=first)

    def _is_joint(self, rest: str, *, first: bool) -> bool:
        """Whether what is left of a compound is a word too, with or without the letters that link."""
        for link in _LINKS:
            if first and rest.endswith(link):
                part = rest[: len(rest) - len(link)]
            elif not first and rest.startswith(link):
                part = rest[len(link) :]
            else:
                continue
            if len(part) >= _SHORTEST_PART and self._is_word(part):
                return True
        return False

    def _parts(self, word: str) -> Iterator[str]:
        """The two words that `word` is joined from, if it is: of all cuts, that with the longest shorter part."""
        best: tuple[int, str, str] | None = None
        for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            right = word[cut:]
            if not self._is_word(right):
                continue
            for link in _LINKS:
                left = word[:cut].removesuffix(link) if link else word[:cut]
                if len(left) >= _SHORTEST_PART and word[:cut] == left + link and self._is_word(left):
                    shorter = min(len(left), len(right))
                    if best is None or shorter > best[0]:
                        best = (shorter, left, right)
        if best is not None and best[0] >= _SHORTEST_PART:
            yield from best[1:]

    def _is_word(self, text: str) -> bool:
        return self.lexical.count(quoted(text)) > 0

    @cached_property
    def _vocabulary(self) -> str:
        """Every long term of the index, one a line."""
        terms = self.lexical.connection.execute("SELECT term FROM lexical_terms WHERE length(term) > ?", (_SHORTEST,))
        return "".join(f"{term}\n" for (term,) in terms if term.isalpha())


def _spellings(word: str) -> Iterator[str]:
    """`gehäuse` and `gehaeuse` are one word."""
    written = word
    for letter, two in _TWO_LETTERS.items():
        written = written.replace(letter, two)
    yield written
    folded = word
    for letter, two in _TWO_LETTERS.items():
        folded = folded.replace(two, letter)
    yield folded


def _base(word: str) -> str:
    """A word without its ending, as far as that is safe to say."""
    for ending in _ENDINGS:
        # "Speicher" ends in no ending: what is left has to be a word's length.
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST + 1:
            return word[: -len(ending)]
    return word


def _folded(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
