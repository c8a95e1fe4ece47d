"""Text as the words that metrics compare: folded, and single characters where a script has no spaces.

Knows no metric and no answer format.
"""

import re

from core.answer_text import fold

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def words(text: str) -> list[str]:
    """Words of `text` in order; Chinese, Japanese and Thai yield their characters, since no spaces part words there."""
    return _UNSPACED.sub(lambda match: f" {match[0]} ", fold(text)).split()


def holds(text: str, part: str) -> bool:
    """Whether the words of `part` stand in `text` in one piece. Nothing holds a part without words."""
    wanted = words(part)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(words(text))} "
