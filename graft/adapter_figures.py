"""What labs measured of adapters, read from their lab.json files alone. Asks nothing."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.files import read_json
from core.training_desk import LabFigure

# Those that say most about an adapter, in the order in which they are shown.
_MEASURES = ("right", "field_em", "prose_f1", "citation_correct", "refusal_f1")


def figures_by_adapter(lab_folder: Path) -> dict[str, list[LabFigure]]:
    """Figures of every lab of a domain, by the adapter that answered, newest first; other files are passed over."""
    found: dict[str, list[LabFigure]] = {}
    files = sorted(lab_folder.glob("*/lab.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in files:
        with suppress(LabError, KeyError, TypeError, ValueError, AttributeError):
            document = read_json(path, LabError)
            for arm, entry in document["arms"].items():
                if entry.get("trained") and entry.get("model"):
                    found.setdefault(entry["model"], []).extend(_figures(str(document["created"]), arm, entry))
    return found


def _figures(lab: str, arm: str, entry: dict[str, Any]) -> list[LabFigure]:
    figures = []
    for measure in _MEASURES:
        figure = entry.get(measure)
        if figure is not None:
            low, high = figure["ci95"]
            figures.append(
                LabFigure(lab=lab, arm=arm, measure=measure, mean=figure["mean"], low=low, high=high, n=figure["n"])
            )
    return figures
