"""Why vLLM did not start or has ended, in one line, read from its log and exit code. Knows no process."""

from __future__ import annotations

import re

_CAUSES: tuple[tuple[str, str], ...] = (
    (
        (
            r"Available memory on node .* is less than|No available memory for the cache blocks|"
            r"larger than the available KV cache memory|less than desired (?:CPU|GPU) memory utilization"
        ),
        (
            "there is not enough memory for the key-value cache: lower serve.kv_cache_gib or serve.max_model_len "
            "(on a GPU, set serve.gpu_memory_utilization), or stop other programs"
        ),
    ),
    (
        (
            r"OutOfMemoryError|CUDA out of memory|std::bad_alloc|MemoryError|DefaultCPUAllocator: can't allocate|"
            r"Cannot allocate memory"
        ),
        "it ran out of memory: use a smaller model, lower serve.kv_cache_gib, or stop other programs",
    ),
    (r"No space left on device", "the disk or /dev/shm is full: free some space"),
    (
        r"Model architectures? (\[[^\]]*\]).*not supported",
        "the architecture {0} is not supported by this vLLM: choose another --llm",
    ),
    (
        r"max_model_len \((\d+)\) is greater than the derived max_model_len \([^=]*=(\d+)",
        "serve.max_model_len {0} is more than the model's context of {1} tokens: lower it",
    ),
    (r"unrecognized arguments: (.+)", "vLLM does not know the argument {0}: correct serve.extra_args"),
    (r"error: (argument .+)", "vLLM refused an argument ({0}): correct serve.extra_args"),
    (
        (
            r"(?:Can't load the configuration of|Invalid repository ID or local directory specified:?|"
            r"does not appear to have a file named|Repo id must be) ?'?([^'\n]*)"
        ),
        "the model folder is incomplete or wrong ({0}): run `graft models prepare`, or correct --llm",
    ),
    (
        r"SafetensorError: (.+)|Error while deserializing header: (.+)",
        "the model's weights are damaged ({0}): run `graft models prepare` again, or download the model again",
    ),
    (
        r"(?:ModuleNotFoundError: No module named|ImportError:) ?(.+)",
        "a library is missing ({0}): run `make setup`",
    ),
    (r"Address already in use", "the socket is in use: another Graft serves this workspace, stop it first"),
    (
        r"(?:InvalidCxxCompiler|No working C\+\+ compiler found)",
        "no C++ compiler for torch.compile: install g++, or set serve.extra_args to [--enforce-eager]",
    ),
)

_SIGNALS = {
    4: "this processor lacks instructions that this build of vLLM needs (AVX2 at least)",
    9: "the system killed it, most likely because memory ran out: stop other programs or lower serve.kv_cache_gib",
    11: "it crashed (segmentation fault)",
}

_ERROR_LINE = re.compile(r"(?:^|\s)((?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception): .+)$")
_SHUTDOWN_NOISE = re.compile(r"Engine core initialization failed|EngineDeadError|EngineCore encountered an issue")


def find_cause(log: str, exit_code: int | None = None) -> str:
    """The cause of a failure, one line without a full stop.

    Args:
        log: what vLLM wrote since it was started.
        exit_code: of the process; negative for a signal, None when it still runs.
    """
    for pattern, cause in _CAUSES:
        if match := re.search(pattern, log):
            details = [" ".join(group.split())[:160] for group in match.groups() if group]
            return cause.format(*(details or [""]))
    # The last of a chain of exceptions says most; what other processes noticed is left out.
    errors = [m[1] for line in log.splitlines() if (m := _ERROR_LINE.search(line)) and not _SHUTDOWN_NOISE.search(line)]
    if errors:
        return " ".join(errors[-1].split())[:300]
    if exit_code is not None and exit_code < 0 and -exit_code in _SIGNALS:
        return _SIGNALS[-exit_code]
    return f"it ended with exit code {exit_code}" if exit_code is not None else "it gave no reason"
