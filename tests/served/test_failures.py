"""Last, because they break things: a killed vLLM comes back with its adapter, and Ctrl-C leaves nothing behind."""

import os
import signal

import httpx
import pytest

from tests.served.test_end_to_end import chat
from tests.support.graft_process import graft_leftovers

pytestmark = [pytest.mark.integration, pytest.mark.served, pytest.mark.destructive]


def test_killed_vllm_is_noticed_and_comes_back_with_its_adapter(served):
    engine = [p for p in served.children() if "vllm" in " ".join(p.cmdline()).lower()]
    assert engine, "no vLLM process found"
    for process in engine:
        os.kill(process.pid, signal.SIGKILL)
    served.wait_until(lambda: not served.is_ready(), "red /ready")
    passages = chat(served, "garden").json()
    assert passages["graft"]["degraded"] is True
    assert passages["citations"]
    refused = chat(served, "garden", format="json")
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "model_down"
    served.wait_until(served.is_ready, "vLLM's return")
    assert chat(served, "garden").status_code == 200
    assert httpx.get(f"{served.base_url}/health").status_code == 200


def test_ctrl_c_stops_every_process(served):
    assert served.stop() == 0
    assert graft_leftovers(served.workspace) == []
