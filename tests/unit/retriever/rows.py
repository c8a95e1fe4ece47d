"""Rows of the index as the snapshot gives them, for tests that need no database."""

import json
from typing import Any


def make_row(text: str, ordinal: int = 0, source: str = "a.md", **fields: Any) -> dict[str, Any]:
    start = fields.pop("start", 1000 * ordinal)
    row = {
        "number": ordinal + 1, "id": f"{source}-{ordinal}", "source": source, "locator": "A > B",
        "headings": json.dumps(["A", "B"]), "start": start, "end": start + len(text), "page": None, "place": "",
        "first_line": None, "last_line": None, "ordinal": ordinal, "text": text,
    }  # fmt: skip
    return row | fields
