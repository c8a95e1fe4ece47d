"""Trains a small cross-encoder on a domain's own questions, where no ready-made one can be had. Knows no pack.

It starts from the embedder's weights. Right passages are chunks that hold the evidence, wrong ones what the retriever
itself ranked high. Whether it helps is measured on questions about records that it was not trained on.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.passages import CountTokens
from retriever.asked import Asked, gain, means
from retriever.reranker import CrossEncoderReranker
from retriever.searching import reranked, text_with_headings, weigh
from retriever.weights import Weights

# Passages that the retriever ranked: so many leading wrong ones, and so many from further down.
_HARD, _FURTHER, _DEPTH = 4, 2, 20
_MAX_TOKENS = 256
_BATCH = 16
_LEARNING_RATE = 6e-5
_EPOCHS = 3
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trained:
    """Means of `recall` and `mrr` on held-out questions, without and with the reranker; `gain` is that of the MRR."""

    pairs: int
    questions: int
    before: dict[str, float]
    after: dict[str, float]
    gain: tuple[float, float, float]
    seconds: float

    @property
    def helps(self) -> bool:
        """Whether evidence stands further up, by more than chance, and not less of it is found."""
        return self.gain[1] > 0 and self.after["recall"] >= self.before["recall"]


def split(asked: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Questions to train on and questions to measure on, apart by record."""
    return [one for one in asked if one.half == 0], [one for one in asked if one.half == 1]


def train_reranker(
    base: Path,
    asked: Sequence[Asked],
    weights: Weights,
    target: Path,
    *,
    max_minutes: float = 5.0,
    seed: int = 7,
    on_progress: Progress = lambda done, total: None,
) -> int:
    """Train on `asked`, from the transformer in folder `base`, into folder `target`. Returns the number of pairs.

    Raises ModelError when `base` is no transformer that can be trained.
    """
    pairs = [pair for one in asked for pair in _pairs(one, weights, random.Random(f"{seed}:{one.example.id}"))]
    with tempfile.TemporaryDirectory() as scratch:
        model = _fresh(base, Path(scratch) / "base")
        _train(model, pairs, Path(scratch), max_minutes=max_minutes, seed=seed, on_progress=on_progress)
        model.save_pretrained(str(target), create_model_card=False)
    return len(pairs)


def measure(
    reranker: CrossEncoderReranker,
    asked: Sequence[Asked],
    weights: Weights,
    count_tokens: CountTokens,
    *,
    k: int,
    token_budget: int,
    candidates: int,
    seed: int = 7,
) -> tuple[dict[str, float], dict[str, float], tuple[float, float, float]]:
    """Means without and with the reranker on questions that it was not trained on, and the gain in MRR."""
    before, after = [], []
    for one in asked:
        ranking = weigh(one.candidates, [weights], least=candidates)
        before.append(one.judge(ranking, count_tokens, k, token_budget))
        better = reranked(one.example.question, one.candidates, ranking, reranker, candidates)
        after.append(one.judge(better, count_tokens, k, token_budget))
    return means(before), means(after), gain(before, after, "mrr", seed)


def _pairs(asked: Asked, weights: Weights, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Question, text and whether it is right: every chunk with evidence, and chunks that only look so."""
    ranking = [key for key, _ in weigh(asked.candidates, [weights])][:_DEPTH]
    right = [key for holders in asked.holders for key in sorted(holders)][:2]
    wrong = [key for key in ranking if not any(key in holders for holders in asked.holders)]
    if not right:
        return
    further = draw.sample(wrong[_HARD:], min(_FURTHER, len(wrong[_HARD:])))
    for label, keys in ((1.0, right), (0.0, wrong[:_HARD] + further)):
        for key in keys:
            text = text_with_headings(asked.candidates.rows[key])
            yield {"question": asked.example.question, "text": text, "label": label}


def _fresh(base: Path, scratch: Path) -> Any:
    """A cross-encoder of the weights in `base`, with a head that knows nothing yet."""
    from sentence_transformers import CrossEncoder
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        folder = next(path for path in (base, base / "0_Transformer") if (path / "config.json").is_file())
        AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1).save_pretrained(scratch)
        AutoTokenizer.from_pretrained(folder).save_pretrained(scratch)
        return CrossEncoder(str(scratch), num_labels=1, max_length=_MAX_TOKENS)
    except (StopIteration, OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"no cross-encoder can be made of '{base}' ({error}): choose an embedder that is a transformer's folder"
        ) from error


def _train(
    model: Any, pairs: Sequence[dict[str, Any]], scratch: Path, *, max_minutes: float, seed: int, on_progress: Progress
) -> None:
    import torch
    from datasets import Dataset
    from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
    from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
    from transformers import PrinterCallback, TrainerCallback

    deadline = time.monotonic() + 60 * max_minutes

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - its signature
            on_progress(state.global_step, state.max_steps)
            control.should_training_stop |= time.monotonic() > deadline

    on_gpu = torch.cuda.is_available()
    arguments = CrossEncoderTrainingArguments(
        output_dir=str(scratch / "run"),
        num_train_epochs=_EPOCHS,
        per_device_train_batch_size=_BATCH,
        learning_rate=_LEARNING_RATE,
        warmup_steps=0.1,
        use_cpu=not on_gpu,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        seed=seed,
    )
    wrong = sum(1 for pair in pairs if not pair["label"])
    balance = torch.tensor(wrong / max(1, len(pairs) - wrong))
    trainer = CrossEncoderTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(list(pairs)),
        loss=BinaryCrossEntropyLoss(model, pos_weight=balance),
        callbacks=[Watch()],
    )
    trainer.remove_callback(PrinterCallback)  # would print its summary on standard output
    trainer.train()
