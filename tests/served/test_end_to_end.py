"""The main job on the real parts: trained, published, served, and asked through every door."""

import json

import httpx
import pytest

from tests.support.graft_process import GraftProcess, graft_leftovers, run_graft

pytestmark = [pytest.mark.integration, pytest.mark.served]
QUINCE = "When do I prune quince, and how much sun does it want?"


def chat(served: GraftProcess, model: str, **fields: object) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": QUINCE}], **fields}
    return httpx.post(f"{served.base_url}/v1/chat/completions", json=body, timeout=120)


def test_the_domain_is_the_first_model_and_the_adapter_has_a_name(served):
    names = [m["id"] for m in httpx.get(f"{served.base_url}/v1/models").json()["data"]]
    assert names[0] == "garden"
    assert any(name.startswith("garden@") for name in names)


@pytest.mark.parametrize("model", ["garden", "garden:rag", "garden:base", "garden:lora"])
def test_every_kind_of_model_answers(served, model):
    answer = chat(served, model).json()
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["usage"]["completion_tokens"] > 0


def test_json_answer_is_valid_under_its_schema(served):
    answer = chat(served, "garden", format="json", schema="care").json()
    value = json.loads(answer["choices"][0]["message"]["content"])
    assert value is None or set(value) == {"plant", "prune", "sun"}


def test_streaming_sends_the_same_text_as_one_piece(served):
    whole = chat(served, "garden:rag").json()["choices"][0]["message"]["content"]
    pieces = []
    body = {"model": "garden:rag", "messages": [{"role": "user", "content": QUINCE}], "stream": True}
    with httpx.stream("POST", f"{served.base_url}/v1/chat/completions", json=body, timeout=120) as response:
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                choices = json.loads(line.removeprefix("data: "))["choices"]
                pieces += [c["delta"].get("content") or "" for c in choices]
    assert "".join(pieces) == whole
    assert len(pieces) > 3


def test_the_adapter_answers_otherwise_than_the_base(served):
    base = chat(served, "garden:rag").json()["choices"][0]["message"]["content"]
    tuned = chat(served, "garden").json()["choices"][0]["message"]["content"]
    assert base != tuned


def test_the_adapter_came_through_the_parity_gate(served):
    done = run_graft(served.workspace, "adapters", "show", served.adapter(), "--domain", str(served.pack))
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    report = shown["parity"]
    assert report["passed"], done.stderr
    assert report["tokens"] > 20
    assert report["same_tokens"]
    assert report["mean_difference"] < report["mean_tolerance"]
    assert "parity passed" in done.stderr
    run = served.workspace / "runs" / "garden" / shown["run"]
    assert json.loads((run / "parity.json").read_text()) == report
    assert "about" in served.log.read_text(errors="replace").split("memory", 1)[1]  # the plan, before it started


def test_ask_goes_through_the_running_process(served):
    done = run_graft(served.workspace, "ask", QUINCE, "--domain", str(served.pack), "--arm", "hybrid", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"] == served.adapter()
    assert answer["usage"]["prompt_tokens"] > 50
    assert answer["seconds"] > 0
    assert set(answer) == {
        "text", "answer", "format", "schema", "valid", "refused", "citations", "arm", "model", "usage", "seconds",
    }  # fmt: skip


def test_search_finds_the_leaflet_code(served):
    done = run_graft(served.workspace, "search", "leaflet HY-311", "--domain", str(served.pack), "--json")
    hits = json.loads(done.stdout)["hits"]
    assert hits[0]["source"] == "shrubs/hydrangea.md"
    assert "HY-311" in hits[0]["text"]


def test_new_document_is_found_after_ingest_without_a_restart(served):
    leaflet = served.pack / "corpus" / "shrubs" / "gorse.md"
    leaflet.write_text("# Gorse\n\nLeaflet GO-777. Prune gorse in November with thick gloves.\n")
    done = run_graft(served.workspace, "ingest", "--domain", str(served.pack), "--json")
    report = json.loads(done.stdout)
    assert (report["indexed"], report["updated"], report["deleted"]) == (1, 0, 0)
    found = run_graft(served.workspace, "search", "leaflet GO-777", "--domain", str(served.pack), "--json")
    assert json.loads(found.stdout)["hits"][0]["source"] == "shrubs/gorse.md"


def test_lab_compares_arms_through_the_running_process(served, tmp_path):
    done = run_graft(
        served.workspace, "lab", "--domain", str(served.pack), "--arms", "rag,hybrid", "--limit", "4",
        "--out", str(tmp_path), "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["arms"]) == {"rag", "hybrid"}
    low, high = result["arms"]["hybrid"]["validity"]["ci95"]
    assert 0 <= low <= result["arms"]["hybrid"]["validity"]["mean"] <= high <= 1
    assert json.loads((tmp_path / "lab.json").read_text())["adapter"] == served.adapter()
    assert "<html" in (tmp_path / "report.html").read_text()


def test_foreign_host_and_origin_are_refused_everywhere(served):
    for path in ("/", "/v1/models", "/health"):
        assert httpx.get(f"{served.base_url}{path}", headers={"Host": "evil.example"}).status_code == 403
        assert httpx.get(f"{served.base_url}{path}", headers={"Origin": "http://evil.example"}).status_code == 403


def test_second_up_on_the_same_workspace_says_so(served):
    done = run_graft(served.workspace, "up", "--domain", str(served.pack), "--port", "1")
    assert done.returncode == 1
    assert "already served" in done.stderr


def test_port_in_use_is_one_line(served, tmp_path):
    done = run_graft(tmp_path / "other", "up", "--domain", str(served.pack), "--port", str(served.port))
    assert done.returncode == 1
    assert str(served.port) in done.stderr
    assert "Traceback" not in done.stderr


def test_vllm_answers_on_no_port(served):
    """Torch opens rendezvous ports of its own inside the engine: on loopback, and none of them is an API."""
    listening = [c.laddr for p in served.children() for c in p.net_connections(kind="tcp") if c.status == "LISTEN"]
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}
    for address in listening:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{address.port}/v1/models", timeout=2)
    assert graft_leftovers(served.workspace), "the probe for leftovers finds the living ones"
