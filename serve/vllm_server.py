"""vLLM's API server on CPU, started in less time. Run as `python -m serve.vllm_server ARGUMENTS` (those of vLLM).

vLLM runs its engine in a second process and, on CPU, imports everything there once more after the server has done so.
Here a fork server imports it at the same time as the server, and the engine starts as a fork of that: of a process
that has neither threads nor an OpenMP pool yet.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver

ENGINE_MODULES = ["vllm.v1.engine.core", "vllm.v1.executor.uniproc_executor", "vllm.v1.worker.cpu_worker"]


def main() -> None:
    """Start the fork server, then vLLM's own main function."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(ENGINE_MODULES)
    multiprocessing.forkserver.ensure_running()

    from vllm.entrypoints.launchers.api_server import entry
    from vllm.v1.engine import utils

    # vLLM spawns on CPU to give each worker OpenMP settings of its own; our one engine has them from the environment.
    utils.get_mp_context = lambda: context  # pyright: ignore[reportPrivateImportUsage]
    entry.main()


if __name__ == "__main__":
    main()
