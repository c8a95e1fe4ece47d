"""Reading the converted pages again: sections with their heading path, blocks, sentences, folded white space.

Knows Markdown as blocks.py writes it (one paragraph per line); knows nothing of Django.
"""

import re
from dataclasses import dataclass

_HEADING = re.compile(r"^(#{1,6}) (.*)$")
_SPAN = re.compile(r"(`+).+?\1")
# A full stop after these ends no sentence.
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|approx|Inc|St|Jr)|\.\.)\.$")


@dataclass(frozen=True)
class Section:
    """A heading (as written, without `#`), the headings above it, and the blocks below it."""

    path: tuple[str, ...]
    heading: str
    blocks: tuple[str, ...]


def fold(text: str) -> str:
    """White space folded: runs become one space, none at the ends."""
    return " ".join(text.split())


def split_blocks(text: str) -> list[str]:
    """Split at blank lines that are in no code fence."""
    blocks: list[str] = []
    current: list[str] = []
    fence = ""
    for line in [*text.splitlines(), ""]:
        mark = re.match(r"^[>\s]*(```+)", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and line.lstrip("> ").rstrip() == fence:
            fence = ""
        if line.strip() or fence:
            current.append(line)
        elif current:
            blocks.append("\n".join(current))
            current = []
    return [*blocks, "\n".join(current)] if current else blocks


def sections(text: str) -> list[Section]:
    """All sections of a page in order. Text before the first heading is left out."""
    path: list[tuple[int, str]] = []
    found: list[Section] = []
    blocks: list[str] = []

    def close() -> None:
        if path:
            above = tuple(heading for _, heading in path[:-1])
            found.append(Section(above, path[-1][1], tuple(blocks)))
        blocks.clear()

    for block in split_blocks(text):
        if match := _HEADING.match(block):
            close()
            level = len(match[1])
            path = [item for item in path if item[0] < level] + [(level, match[2])]
        else:
            blocks.append(block)
    close()
    return found


def is_paragraph(block: str) -> bool:
    """Whether the block is running text: no list, table, quote, fence, or version note."""
    return not re.match(r"^(?:[-*>|]\s|\*[A-Z]|```|#|\d+\. |\(Picture|\*\*`)", block)


def first_sentence(paragraph: str) -> str:
    """The first sentence, with its full stop; a closing colon, which points at something below, is cut off."""
    text = fold(paragraph)
    # Code is blanked out first: its dots end nothing.
    masked = _SPAN.sub(lambda match: "x" * len(match[0]), text)
    for match in re.finditer(r"[.!?](?=\s|$)", masked):
        end = match.end()
        if not _ABBREVIATION.search(masked[:end]) and not text[end:].lstrip()[:1].islower():
            return text[:end]
    return text.rstrip(":").rstrip()


def plain(text: str) -> str:
    """Without code ticks, emphasis and link addresses: the words alone."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return fold(re.sub(r"`|\*\*|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)", "", text))
