"""The translations of one language: the page's own texts, and patterns of sentences that are made elsewhere.

`ui/languages/CODE/*.yaml` map English to the language, one file for each part of the page. `said/*.yaml` beside them do
so for errors and states of the rest of Graft, where `{name}` stands for whatever a sentence holds there.

What several sentences say is known where each of them is, whether they follow each other (`A. B.`, `a; b`, `a, b`), or
one stands behind what it is about (`train.jsonl:3: a`).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "languages"
_PLACE = re.compile(r"\{(\w+)\}")
_QUOTED = re.compile(r"'\{(\w+)\}'")
_SENTENCE_END = r"(?<=[.!?]) "
_COLON = re.compile(r": ")
_MOST_COLONS = 4
_REMEMBERED = 4096


class Catalogue:
    """`texts` by their English; `said` likewise, as they stand in the files."""

    def __init__(self, texts: dict[str, str], said: dict[str, str]) -> None:
        self.texts, self.said = texts, said
        self._exact = {english: own for english, own in said.items() if not _PLACE.search(english)}
        # Longest first: what is said most exactly fits best.
        open_ended = sorted((english for english in said if english not in self._exact), key=len, reverse=True)
        self._patterns = [Pattern(english, said[english]) for english in open_ended]
        self.sentence = lru_cache(maxsize=_REMEMBERED)(self._sentence)

    def _sentence(self, text: str) -> str:
        """`text` in this language, and what it holds likewise, save names in quotation marks; as it is if not known."""
        return self._known(text) or self._behind_colon(text) or self._each(text, ", ", "、", self._known) or text

    def _known(self, text: str) -> str:
        return (
            self._exact.get(text)
            or self.texts.get(text)
            or self._each(text, _SENTENCE_END, "", self._known)
            or self._each(text, "; ", "；", self.sentence)
            or self._by_pattern(text)
        )

    def _by_pattern(self, text: str) -> str:
        for pattern in self._patterns:
            found = pattern.match(text)
            if found is not None:
                return pattern.own.format(
                    **{name: part if name in pattern.quoted else self.sentence(part) for name, part in found.items()}
                )
        return ""

    def _each(self, text: str, end: str, between: str, translate: Callable[[str], str]) -> str:
        """Several sentences, if each is known; else nothing, because half a translation reads worse than none."""
        parts = [part for part in re.split(end, text) if part]
        own: list[str] = []
        for part in parts if len(parts) > 1 else ():
            own.append(translate(part))
            if own[-1] in ("", part):
                return ""
        return between.join(own)

    def _behind_colon(self, text: str) -> str:
        """A sentence that is known, behind the name of what it is about."""
        for colon in islice(_COLON.finditer(text), _MOST_COLONS):
            own = self._known(text[colon.end() :])
            if own:
                return f"{self._known(text[: colon.start()]) or text[: colon.start()]}：{own}"
        return ""


class Pattern:
    """A sentence with `{name}`s in it, and what it is in the language.

    Looked for from left to right without trying again, as regular expressions would: an error may quote long texts.
    """

    def __init__(self, english: str, own: str) -> None:
        self.own, self.quoted = own, set(_QUOTED.findall(english))
        self._start, *rest = _PLACE.split(english)
        self._places = list(zip(rest[::2], rest[1::2], strict=True))

    def match(self, text: str) -> dict[str, str] | None:
        """What stands for each name; None where `text` is no such sentence. A name means the same wherever it comes."""
        if not text.startswith(self._start):
            return None
        at, found = len(self._start), dict[str, str]()
        for number, (name, behind) in enumerate(self._places):
            if name in found:
                end = at + len(found[name])
                if not text.startswith(found[name] + behind, at):
                    return None
            elif number == len(self._places) - 1:
                end = len(text) - len(behind)
                if not text.endswith(behind):
                    return None
            else:
                # Known names that follow tell more exactly where this one ends.
                follows = self._places[number + 1][0]
                end = text.find(behind + found.get(follows, ""), at + 1)
            if end <= at:
                return None
            found[name] = text[at:end]
            at = end + len(behind)
        return found if at == len(text) else None


@lru_cache
def catalogue(code: str) -> Catalogue:
    """The translations into the language `code`."""
    return Catalogue(_read(FOLDER / code), _read(FOLDER / code / "said"))


def _read(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        texts |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return texts
