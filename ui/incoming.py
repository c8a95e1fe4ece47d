"""Names of uploaded files: their own, or where they stood in an uploaded folder. Knows no Gradio."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

Named = list[tuple[str, Path]]


def plain_names(files: Sequence[str]) -> Named:
    """Each file under its own name; of several of one name, the later ones get a number."""
    seen: Counter[str] = Counter()
    named = []
    for file in map(Path, files):
        seen[file.name] += 1
        count = seen[file.name]
        named.append((file.name if count == 1 else f"{file.stem} ({count}){file.suffix}", file))
    return named


def folder_names(files: Sequence[str], paths: str) -> Named:
    """Each file of a folder under its path in it.

    `paths` is what the browser says of them, as JSON, in the same order; where that does not fit the files, they go by
    their own names.
    """
    try:
        told = json.loads(paths or "[]")
    except ValueError:
        told = []
    if not isinstance(told, list) or len(told) != len(files) or not all(isinstance(path, str) for path in told):
        return plain_names(files)
    named = []
    for file, path in zip(map(Path, files), told, strict=True):
        # Gradio leaves letters, digits and few signs in names: only the ending is sure to be the same.
        if PurePosixPath(path).suffix.casefold() != file.suffix.casefold():
            return plain_names(files)
        named.append((path, file))
    return named
