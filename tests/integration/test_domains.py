"""Three domains in one `graft up` over one fake vLLM: everything real but the model; the third one cannot start."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.errors import AdapterError
from core.files import read_json
from core.workspace import Workspace
from finetune.adapter_files import AdapterManifest
from finetune.adapters import AdapterStore
from graft.build import prompt_fingerprint
from graft.models import PACKAGED_LLM_NAME
from graft.sockets import control_socket
from serve.vllm_api import ExternalVllm
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import GraftProcess, copy_pack, run_graft
from tests.support.random_adapter import write_adapter

pytestmark = pytest.mark.integration
QUESTION = [{"role": "user", "content": "When do I prune a quince?"}]


@dataclass
class Street:
    """The served domains, the vLLM under all of them, and each domain's adapter."""

    graft: GraftProcess
    vllm: ExternalVllm
    orchard: Path
    adapters: dict[str, str]

    def get(self, path: str, **options) -> httpx.Response:
        return httpx.get(f"{self.graft.base_url}{path}", timeout=60, **options)

    def ask(self, model: str) -> httpx.Response:
        body = {"model": model, "messages": QUESTION}
        return httpx.post(f"{self.graft.base_url}/v1/chat/completions", json=body, timeout=60)


def other_pack(folder: Path, name: str, *lines: str) -> Path:
    """A copy of the garden under another name."""
    pack = copy_pack("garden", folder / name)
    file = pack / "domain.yaml"
    text = file.read_text().replace("name: garden", f"name: {name}").replace("title: Garden", f"title: {name.title()}")
    file.write_text("\n".join([text.strip(), *lines, ""]))
    return pack


def active_adapter(workspace: Path, domain: str, llm: Path, folder: Path, seed: int) -> str:
    """Publish an adapter of random weights and make it the active one."""
    made = write_adapter(llm, folder, seed=seed, rank=4, modules=("q_proj",))
    store = AdapterStore(domain, workspace / "adapters" / domain)
    about = AdapterManifest(name="", domain="", base_name=PACKAGED_LLM_NAME, prompt_hash=prompt_fingerprint(llm))
    name = store.add(made, read_json(made / "adapter_config.json", AdapterError), about).name
    store.activate(name)
    return name


@pytest.fixture(scope="module")
def street(workspace, prepared, llm_dir, tmp_path_factory) -> Iterator[Street]:
    packs = tmp_path_factory.mktemp("packs")
    orchard = other_pack(packs, "orchard")
    broken = other_pack(packs, "broken", "prepare: true")  # code of its own, which nobody has allowed
    with fake_vllm() as (api, _):
        graft = GraftProcess(
            workspace.parent / "street", copy_pack("garden", packs), {}, "--no-train", "--vllm-url", api.root_url,
            "--domain", str(broken), "--domain", str(orchard),
        )  # fmt: skip
        graft.share_models(workspace)
        adapters = {
            name: active_adapter(graft.workspace, name, llm_dir, packs / f"adapter-{name}", seed)
            for seed, name in enumerate(("garden", "orchard"))
        }
        graft.start()
        street = Street(graft, api, orchard, adapters)

        def all_but_one_are_ready() -> bool:
            found = street.get("/ready").json()["domains"].values()
            return [state["ready"] for state in found] == [True, False, True] and all(
                state["adapter"] for state in found if state["ready"]
            )

        try:
            graft.wait_until(all_but_one_are_ready, "two of three domains")
            yield street
        finally:
            graft.stop()


def test_a_domain_that_cannot_start_leaves_the_others_working(street):
    answer = street.get("/ready")
    assert answer.status_code == 503
    states = answer.json()["domains"]
    assert list(states) == ["garden", "broken", "orchard"]
    assert "allow it with --trust" in states["broken"]["corpus"]["detail"]
    assert states["broken"]["model"]["state"] == "ready"
    for name in ("garden", "orchard"):
        assert states[name]["adapter"] == street.adapters[name]
        assert street.ask(name).json()["graft"]["model"] == street.adapters[name]


def test_one_vllm_holds_the_adapters_of_all(street):
    assert {*street.adapters.values(), PACKAGED_LLM_NAME} <= set(street.vllm.models())
    listed = {model["id"] for model in street.get("/v1/models").json()["data"]}
    assert {"garden", "orchard", "orchard:rag", *street.adapters.values(), "orchard+garden"} <= listed
    answer = street.ask("orchard+garden").json()
    assert {citation["corpus"] for citation in answer["citations"]} <= {"orchard", "garden"}
    assert answer["citations"]
    refused = street.ask("meadow")
    assert refused.status_code == 404
    assert "orchard:rag" in refused.json()["error"]["message"]


def test_each_domain_has_its_page(street):
    for path, title in (("/", "Garden centre"), ("/d/orchard/", "Orchard centre"), ("/d/broken/zh/", "Broken centre")):
        page = street.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert f"{title} · Graft" in page.text


def test_commands_find_the_process_by_their_domain(street):
    workspace = Workspace.open(street.graft.workspace)
    assert all(control_socket(workspace, name).is_socket() for name in ("garden", "broken", "orchard"))
    asked = run_graft(
        street.graft.workspace, "ask", "When do I prune a quince?", "--domain", str(street.orchard), "--json"
    )
    assert json.loads(asked.stdout)["model"] == street.adapters["orchard"]
    again = run_graft(street.graft.workspace, "serve", "--domain", str(street.orchard))
    assert again.returncode == 1
    assert "domain 'orchard' is already served" in again.stderr


def test_ctrl_c_ends_all_and_leaves_no_socket(street):
    assert street.graft.stop() == 0
    assert not control_socket(Workspace.open(street.graft.workspace), "orchard").exists()
    said = street.graft.log.read_text()
    assert "orchard: ready: base model and corpus answer questions" in said
    assert "broken: error:" in said
