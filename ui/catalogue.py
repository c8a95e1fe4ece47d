"""The translations of one language: the page's own texts, and patterns of sentences that are made elsewhere.

`ui/languages/CODE/*.yaml` map English to the language, one file for each part of the page. `said/*.yaml` beside them do
so for errors and states of the rest of Graft, where `{name}` stands for whatever a sentence holds there.
"""

import re
from functools import lru_cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "languages"
_PLACE = re.compile(r"\{(\w+)\}")


class Catalogue:
    """`texts` by their English; `said` likewise, as they stand in the files."""

    def __init__(self, texts: dict[str, str], said: dict[str, str]) -> None:
        self.texts, self.said = texts, said
        self._exact = {english: own for english, own in said.items() if not _PLACE.search(english)}
        # Longest first: what is said most exactly fits best.
        open_ended = sorted((english for english in said if english not in self._exact), key=len, reverse=True)
        self._patterns = [(re.compile(pattern(english), re.DOTALL), said[english]) for english in open_ended]
        self.sentence = lru_cache(maxsize=512)(self._sentence)

    def _sentence(self, text: str) -> str:
        """`text` in this language, and what it quotes likewise; as it is where no pattern fits."""
        own = self._exact.get(text) or self.texts.get(text)
        if own is not None:
            return own
        for expression, translation in self._patterns:
            found = expression.fullmatch(text)
            if found is not None:
                return translation.format(**{name: self.sentence(part) for name, part in found.groupdict().items()})
        return text


def pattern(english: str) -> str:
    """The regular expression of a sentence with `{name}`s in it; a name that comes twice has to mean the same twice."""
    parts: list[str] = []
    seen: set[str] = set()
    for number, part in enumerate(_PLACE.split(english)):
        if number % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+?)")
            seen.add(part)
    return "".join(parts)


@lru_cache
def catalogue(code: str) -> Catalogue:
    """The translations into the language `code`."""
    return Catalogue(_read(FOLDER / code), _read(FOLDER / code / "said"))


def _read(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        texts |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return texts
