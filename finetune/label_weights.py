"""How much each token of an answer counts in the loss: those that decide it more than those that are written out.

Whether to refuse, and which passage to cite, is decided in one to three tokens of an answer; the dozens around them are
copied, and would have nearly all of the gradient. Weighted cross-entropy; knows no model and no trainer.
"""

from typing import Any

import torch
from torch import Tensor

from core.answer_text import deciding_spans


class LabelWeights:
    """Weights of labels: `weight` for tokens that hold a deciding character, 1 for all others.

    `tokenizer` needs `decode` of a list of ids, as Transformers' have it.
    """

    def __init__(self, tokenizer: Any, weight: float) -> None:
        self._tokenizer, self._weight = tokenizer, weight
        self._pieces: dict[int, str] = {}

    def of(self, labels: Tensor) -> Tensor:
        """Weights [B, L] of labels [B, L], which are -100 outside the answers."""
        return torch.tensor([self._row(row) for row in labels.tolist()], device=labels.device)

    def _row(self, labels: list[int]) -> list[float]:
        starts, text = [], ""
        for label in labels:
            starts.append(len(text))
            text += "" if label == -100 else self._piece(label)
        weights = [1.0] * len(labels)
        for first, last in deciding_spans(text):
            for i, (start, stop) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
                if start < last and stop > first:
                    weights[i] = self._weight
        return weights

    def _piece(self, token: int) -> str:
        if token not in self._pieces:
            self._pieces[token] = self._tokenizer.decode([token])
        return self._pieces[token]
