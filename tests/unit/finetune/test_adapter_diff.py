"""Adapters side by side: differing fields, and distances that are those of the full products."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from finetune.adapter_diff import diff_adapters, diff_table

Q, V = "model.layers.0.q_proj", "model.layers.0.v_proj"


def write(folder: Path, name: str, pairs: dict[str, tuple[torch.Tensor, torch.Tensor]], **config: object) -> Path:
    folder.mkdir()
    tensors = {}
    for module, (b, a) in pairs.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = a
        tensors[f"base_model.model.{module}.lora_B.weight"] = b
    save_file(tensors, str(folder / "adapter_model.safetensors"))
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 4, **config}))
    (folder / "graft.json").write_text(json.dumps({"name": name, "seed": 7, "metrics": {"last_loss": len(name)}}))
    return folder


def pair(seed: int, rank: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(5, rank, generator=draw), torch.randn(rank, 3, generator=draw)


def test_distances_are_those_of_the_full_products(tmp_path):
    (b1, a1), (b2, a2) = pair(1), pair(2, rank=3)
    left = write(tmp_path / "a", "d@1", {Q: (b1, a1)})
    right = write(tmp_path / "b", "d@22", {Q: (b2, a2)}, r=3, lora_alpha=3, use_rslora=True)
    diff = diff_adapters(left, right)
    full1, full2 = b1 @ a1 * 2, b2 @ a2 * 3 / 3**0.5
    assert diff.total.left == pytest.approx(float(full1.norm()), rel=1e-5)
    assert diff.total.right == pytest.approx(float(full2.norm()), rel=1e-5)
    assert diff.total.distance == pytest.approx(float((full1 - full2).norm()), rel=1e-5)
    cosine = float((full1 * full2).sum() / full1.norm() / full2.norm())
    assert diff.total.cosine == pytest.approx(cosine, abs=1e-5)


def test_differing_fields_of_manifest_and_config_are_listed_and_equal_ones_are_not(tmp_path):
    left = write(tmp_path / "a", "d@1", {Q: pair(1)})
    right = write(tmp_path / "b", "d@22", {Q: pair(1)}, lora_alpha=8)
    found = {item.field: (item.left, item.right) for item in diff_adapters(left, right).fields}
    assert found == {"metrics.last_loss": (3, 4), "config.lora_alpha": (4, 8)}


def test_same_weights_are_no_distance_apart_and_a_missing_module_counts_as_zero(tmp_path):
    left = write(tmp_path / "a", "d@1", {Q: pair(1), V: pair(3)})
    right = write(tmp_path / "b", "d@22", {Q: pair(1)})
    modules = {item.module: item for item in diff_adapters(left, right).modules}
    assert modules[Q].distance == pytest.approx(0, abs=1e-6)
    assert modules[Q].cosine == pytest.approx(1)
    assert (modules[V].right, modules[V].cosine) == (0, 0)
    assert modules[V].distance == pytest.approx(modules[V].left)


def test_table_names_both_and_the_weights(tmp_path):
    diff = diff_adapters(write(tmp_path / "a", "d@1", {Q: pair(1)}), write(tmp_path / "b", "d@22", {Q: pair(2)}))
    table = diff_table(diff)
    for part in ("d@1", "d@22", "metrics.last_loss", "all modules", Q):
        assert part in table
