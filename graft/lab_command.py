"""The command line of a lab, written once: what the page starts, and what a lab that was cut short goes on with."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

DEFAULT_ARMS = "base,icl,rag,rag+icl,rag+icl+schema,lora,hybrid"


def lab_arguments(
    domain: str,
    arms: Sequence[str],
    out: Path,
    *,
    limit: int | None = None,
    seed: int | None = None,
    controls: Sequence[str] = (),
    learning_curve: bool = False,
    vllm_url: str | None = None,
    trust: bool = False,
) -> list[str]:
    """The arguments after `graft`."""
    arguments = ["lab", "--domain", domain, "--arms", ",".join(arms), "--out", str(out)]
    arguments += ["--limit", str(limit)] if limit is not None else []
    arguments += ["--seed", str(seed)] if seed is not None else []
    arguments += ["--controls", ",".join(controls)] if controls else []
    arguments += ["--learning-curve"] if learning_curve else []
    arguments += ["--vllm-url", vllm_url] if vllm_url else []
    return [*arguments, *(["--trust"] if trust else [])]


def argument_after(arguments: Sequence[str], name: str) -> str:
    """What follows an option on a command line; empty where it is not there."""
    return next((value for key, value in pairwise(arguments) if key == name), "")
