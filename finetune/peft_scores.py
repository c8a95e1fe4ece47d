"""What PEFT makes of reference answers, or transformers where a whole model was trained.

`python -m finetune.peft_scores FOLDER` reads request.json, writes scores.json: its own process, niced, so that the one
that serves neither loads a second model nor waits for it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from core.errors import AdapterError
from core.files import read_json, write_json
from finetune.adapter_files import CONFIG
from finetune.parity import Probe, Reading

# Larger models are read in their own type: in float32 they would need more memory than serving them does.
_MOST_FLOAT32 = 3_000_000_000


class Request(BaseModel):
    """Folders of the base and of what was trained on it, an adapter or a whole model, and what is read."""

    base: str
    trained: str
    probes: list[Probe]


class Scores(BaseModel):
    """Readings of the probes, by what was trained and by the base."""

    trained: list[Reading]
    base: list[Reading]


def is_adapter(trained: Path) -> bool:
    """Whether a folder holds an adapter, which PEFT reads; else it is a whole model."""
    return (trained / CONFIG).is_file()


def peft_scores(base: Path, trained: Path, probes: Sequence[Probe], folder: Path) -> Scores:
    """Read the probes in a process of its own, which works in `folder`. Raises AdapterError with its reason."""
    request = Request(base=str(base), trained=str(trained), probes=list(probes))
    write_json(folder / "request.json", request.model_dump())
    done = subprocess.run(
        [sys.executable, "-m", "finetune.peft_scores", str(folder)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2] or f"it ended with code {done.returncode}"
        raise AdapterError(f"PEFT cannot read {trained.name}: {reason}")
    return Scores.model_validate(read_json(folder / "scores.json", AdapterError))


def score(request: Request) -> Scores:
    """Load base and adapter with plain PEFT, or one model after the other, and read every probe twice."""
    import torch
    from peft import PeftModel

    with torch.no_grad():
        model = _load(Path(request.base))
        base = [_read(model, probe) for probe in request.probes]
        if is_adapter(Path(request.trained)):
            model = PeftModel.from_pretrained(model, request.trained).eval()
        else:
            del model  # two at once would need twice the memory
            model = _load(Path(request.trained))
        return Scores(trained=[_read(model, probe) for probe in request.probes], base=base)


def _load(folder: Path) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from finetune.sizes import empty_model

    empty, _ = empty_model(folder)
    small = sum(p.numel() for p in empty.parameters()) <= _MOST_FLOAT32
    dtype = torch.float32 if small else AutoConfig.from_pretrained(folder).dtype
    # On the CPU also beside a GPU, whose memory the server has taken.
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def _read(model: Any, probe: Probe) -> Reading:
    import torch

    wanted = len(probe.tokens) - probe.first
    ids = torch.tensor([probe.tokens])
    # Token n is predicted at place n - 1; the last place predicts what comes after the answer.
    logits = model(input_ids=ids, logits_to_keep=wanted + 1).logits[0, :-1].float()
    logprobs = logits.log_softmax(-1)
    answer = ids[0, probe.first :]
    best = logprobs.topk(2, dim=-1)
    return Reading(
        logprobs=logprobs.gather(1, answer[:, None])[:, 0].tolist(),
        likeliest=best.indices[:, 0].tolist(),
        margins=(best.values[:, 0] - best.values[:, 1]).tolist(),
    )


def main() -> int:
    """Entry point of the process."""
    folder = Path(sys.argv[1])
    os.nice(5)
    request = Request.model_validate(read_json(folder / "request.json", AdapterError))
    write_json(folder / "scores.json", score(request).model_dump())
    return 0


if __name__ == "__main__":
    sys.exit(main())
