"""`graft train` as a user types it, on a tiny model: the plan, refusals, whole models, resuming, preferences."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.support.graft_process import REPOSITORY, copy_pack
from tests.support.tiny_model import save_tiny_model

pytestmark = pytest.mark.integration


class Graft:
    """Commands on one workspace, pack and tiny model, with the hash embedder."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.pack = folder / "ws", copy_pack("garden", folder)
        self.base = save_tiny_model(folder / "tiny")

    def __call__(self, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        chosen = ["--domain", str(self.pack), "--llm", str(self.base)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.graft_command", *arguments, *chosen],
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "GRAFT_WORKSPACE": str(self.workspace)},
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def graft(tmp_path_factory: pytest.TempPathFactory) -> Graft:
    return Graft(tmp_path_factory.mktemp("train"))


def test_the_plan_is_printed_and_nothing_is_trained(graft):
    plan = json.loads(graft("train", "--plan", "--json", "--validation-share", "0.3").stdout)
    assert plan["trainable"] > 1000
    assert plan["tokens"] > 500
    assert plan["held_out"] >= 4
    assert plan["needs"] < plan["available"]
    assert "trained" in graft("train", "--plan").stdout
    assert not (graft.workspace / "runs").exists()


def test_a_whole_model_is_published_complete_and_can_be_the_active_one(graft):
    done = graft("train", "--method", "dora", "--max-steps", "2", "--unchecked", "--json")
    manifest = json.loads(done.stdout)
    assert (manifest["method"], manifest["merged"], manifest["metrics"]["steps"]) == ("dora", True, 2)
    assert "memory" in done.stderr  # the plan
    folder = graft.workspace / "adapters" / "garden" / manifest["name"].partition("@")[2]
    assert AutoModelForCausalLM.from_pretrained(folder).config.model_type == "llama"
    assert AutoTokenizer.from_pretrained(folder).chat_template
    listed = json.loads(graft("adapters", "list", "--json").stdout)["adapters"]
    assert [(item["name"], item["active"]) for item in listed] == [(manifest["name"], True)]
    assert "whole model" in graft("adapters", "export", manifest["name"], fails=True).stderr
    assert "whole model" in graft("adapters", "merge", manifest["name"], fails=True).stderr
    assert "whole model" in graft("train", "--method", "dpo", fails=True).stderr
    # Weights that cannot be opened are noticed before a server starts.
    (folder / "model.safetensors").write_bytes(b"no tensors")
    assert "cannot be read as safetensors" in graft("adapters", "activate", manifest["name"], fails=True).stderr
    graft("adapters", "remove", manifest["name"], "--force")


def test_preferences_need_an_adapter_and_lines_and_then_go_on_from_it(graft):
    assert "graft train" in graft("train", "--method", "dpo", fails=True).stderr
    first = json.loads(graft("train", "--max-steps", "2", "--unchecked", "--json").stdout)
    assert first["metrics"]["peak_memory_gib"] > 0.2
    assert "preferences.jsonl" in graft("train", "--method", "kto", fails=True).stderr
    # Of different lengths: to the tiny tokenizer, which knows few words, two answers of two words are the same.
    lines = [
        {"id": f"p{i}", "question": f"How do I prune plant {i}?", "chosen": "With great care.", "rejected": "No idea."}
        for i in range(5)
    ]
    feedback = graft.workspace / "feedback" / "garden"
    feedback.mkdir(parents=True)
    (feedback / "preferences.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for method, rows in (("dpo", 5), ("kto", 10)):
        manifest = json.loads(graft("train", "--method", method, "--max-steps", "2", "--no-activate", "--json").stdout)
        assert (manifest["parent"], manifest["examples"], manifest["merged"]) == (first["name"], rows, False)
        assert manifest["options"]["beta"] == 0.1
        # Unchecked adapters are active without a report.
        assert json.loads(graft("adapters", "show", first["name"]).stdout)["parity"] is None


def test_resume_goes_on_with_the_options_of_the_run_that_stopped(graft):
    assert "no unfinished training" in graft("train", "--resume", fails=True).stderr
    done = graft("train", "--max-steps", "3", "--seed", "11", "--no-activate", "--json")
    manifest = json.loads(done.stdout)
    run = graft.workspace / "runs" / "garden" / manifest["run"]
    status = json.loads((run / "status.json").read_text())
    # As a kill after the last step, before the adapter was whole, leaves it.
    (run / "status.json").write_text(json.dumps({**status, "state": "saving", "pid": 2**22 + 7}))
    (run / "adapter" / "adapter_model.safetensors").unlink()
    (graft.workspace / "datasets" / "garden" / "rows.jsonl").unlink()
    again = json.loads(graft("train", "--resume", "--no-activate", "--json").stdout)
    # The run's name is the digest of all its options. Weights may differ in their last bits, and so may the name.
    assert (again["run"], again["seed"]) == (manifest["run"], 11)
    assert again["metrics"]["steps"] == 3
    assert again["metrics"]["train_loss"] == pytest.approx(manifest["metrics"]["train_loss"], rel=1e-3)


def test_memory_that_will_not_do_is_refused_before_anything_starts(graft, tmp_path):
    huge = json.loads((graft.base / "config.json").read_text())
    huge |= {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64}
    (tmp_path / "huge").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors"):
        (tmp_path / "huge" / name).write_bytes((graft.base / name).read_bytes())
    (tmp_path / "huge" / "config.json").write_text(json.dumps(huge))
    command = ["train", "--plan", "--method", "full", "--llm", str(tmp_path / "huge"), "--domain", str(graft.pack)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.graft_command", *command],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "GRAFT_WORKSPACE": str(tmp_path / "ws")},
        check=False,
    )
    assert done.returncode == 1
    assert "GiB are free" in done.stderr
    assert "--method lora" in done.stderr
