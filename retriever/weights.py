"""How much each way of finding counts: the defaults, what `graft retriever tune` found for a corpus, what settings say.

Knows no index; reads and writes one small file beside it.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import RetrievalError
from core.files import write_json
from core.settings import RetrieveSettings


class Weights(BaseModel):
    """What each way of finding adds to a score.

    `dense`: share of dense search in the fusion, lexical search has the rest. `rank_constant`: small values let only
    the first places count. `names`, `line`: what a defined name and the best line add. `candidates`: hits per search.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dense: float = Field(default=0.4, ge=0, le=1)
    rank_constant: float = Field(default=10.0, gt=0)
    names: float = Field(default=1.0, ge=0)
    line: float = Field(default=1.0, ge=0)
    candidates: int = Field(default=40, ge=1)


class Tuning(BaseModel):
    """What tuning found for one corpus, and on what: kept as `retriever.json` in the corpus folder.

    `before` and `after` are means on examples that chose nothing (cross-validation); `gain` is the difference in
    recall with its 95% interval. `index` and `examples_hash` name what it was made with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Weights
    examples: int
    k: int
    token_budget: int
    before: dict[str, float]
    after: dict[str, float]
    gain: tuple[float, float, float]
    index: str
    examples_hash: str
    created: str


def read_tuning(path: Path) -> Tuning | None:
    """The tuning kept at `path`, or None without one. Raises RetrievalError when it cannot be read."""
    try:
        return Tuning.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise RetrievalError(
            f"{path} cannot be read: delete it, or run graft retriever tune --domain {path.parent.name} again"
        ) from error


def write_tuning(path: Path, tuning: Tuning) -> None:
    """Keep `tuning`; a running retriever takes it up with its next question."""
    write_json(path, tuning.model_dump())


def weights_for(settings: RetrieveSettings, tuning: Tuning | None) -> Weights:
    """What settings say explicitly, else what was tuned, else the defaults."""
    weights = tuning.weights if tuning else Weights()
    said: dict[str, Any] = {"dense": settings.dense_weight, "candidates": settings.candidates}
    return weights.model_copy(update={key: value for key, value in said.items() if value is not None})
