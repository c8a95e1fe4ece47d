"""Titles and labels of all pages, so that a bare cross reference can be written as the words it points at.

Reads reStructuredText sources; knows nothing of their conversion.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ADORNMENT = re.compile(r"^([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_LABEL = re.compile(r"^\s*\.\. _([^:`]+|`[^`]+`):\s*$")
_TARGET = re.compile(r"^\s*\.\. _(`[^`]+`|(?:[^:`\\]|\\:)+): +(\S.*)$")
_TARGET_OPEN = re.compile(r"^\s*\.\. _(`[^`]+`|[^:`]+):\s*$")
_ANONYMOUS = re.compile(r"^\s*(?:\.\. __:|__) +(\S.*)$")


def fold(name: str) -> str:
    """A reference name as docutils compares it: no quotes, one space, lower case."""
    return " ".join(name.replace("\\:", ":").strip("`").split()).lower()


def title_at(lines: list[str], index: int) -> tuple[str, str, int] | None:
    """The section title that starts at `index`: its text, its style (`=` or `==` when overlined), its height."""
    line = lines[index]
    if index + 2 < len(lines) and ADORNMENT.match(line):
        below = lines[index + 2]
        if ADORNMENT.match(below) and below[0] == line[0] and lines[index + 1].strip():
            return lines[index + 1].strip(), line[0] * 2, 3
    if index + 1 < len(lines) and line.strip() and not line[0].isspace() and not ADORNMENT.match(line):
        below = lines[index + 1]
        if ADORNMENT.match(below) and len(below.rstrip()) >= len(line.rstrip()) - 1:
            return line.strip(), below[0], 2
    return None


@dataclass
class Links:
    """What inline markup on one page may point at. `titles` and `labels` hold raw titles, `targets` addresses."""

    page: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    anonymous: Iterator[str] = field(default_factory=lambda: iter(()))

    def page_title(self, reference: str) -> str:
        """The title of the page that `reference` (absolute, or relative to this page) names."""
        path = (
            reference[1:]
            if reference.startswith("/")
            else posixpath.normpath(posixpath.join(posixpath.dirname(self.page), reference))
        )
        return self.titles.get(path, path.rsplit("/", 1)[-1].replace("-", " "))

    def label_title(self, label: str) -> str:
        """The section title under `label`, or the label as words when it names no section of these pages."""
        label = fold(label)
        return self.labels.get(label, re.sub(r"[-_]+", " ", label.rsplit(":", 1)[-1]).strip())

    def target(self, name: str) -> str | None:
        """The address behind a named hyperlink; follows one alias."""
        address = self.targets.get(fold(name))
        if address and address.endswith("_"):
            return self.targets.get(fold(address[:-1]))
        return address


def scan_titles(pages: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read all `pages` (name without suffix -> source) once; return page titles and label titles, both raw."""
    titles: dict[str, str] = {}
    labels: dict[str, str] = {}
    for page, source in pages.items():
        lines = source.splitlines()
        open_labels: list[str] = []
        for index, line in enumerate(lines):
            if match := _LABEL.match(line):
                open_labels.append(fold(match[1]))
            elif title := title_at(lines, index):
                titles.setdefault(page, title[0])
                labels.update(dict.fromkeys(open_labels, title[0]))
                open_labels = []
            elif line.strip() and not line.startswith(("..", " ")) and not ADORNMENT.match(line):
                open_labels = []
    return titles, labels


def page_links(page: str, source: str, titles: Mapping[str, str], labels: Mapping[str, str]) -> Links:
    """The links of one page: the shared titles plus the addresses that its own source defines."""
    targets: dict[str, str] = {}
    anonymous: list[str] = []
    lines = source.splitlines()
    for index, line in enumerate(lines):
        if match := _ANONYMOUS.match(line):
            address = match[1].strip()
            anonymous.append(address if address.startswith("http") else "")  # else a place on this page
        elif match := _TARGET.match(line):
            targets[fold(match[1])] = match[2].strip()
        elif (match := _TARGET_OPEN.match(line)) and index + 1 < len(lines):
            below = lines[index + 1].strip()
            if below.startswith(("http://", "https://")):
                targets[fold(match[1])] = below
        elif title := title_at(lines, index):
            targets.setdefault(fold(title[0]), "")  # a title is a target too, without an address
    return Links(page, titles, labels, targets, iter(anonymous))
