"""Whether a second vLLM fits: on a CPU by what is free, on GPUs by what the first one has left."""

from pathlib import Path

import pytest

from core.errors import ModelError
from core.settings import ServeSettings
from graft import vllm_memory
from graft.vllm_memory import GIB, PROCESS_GIB, check_room, gpu_share


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in ("model-1.safetensors", "model-2.safetensors"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(GIB // 2)  # sparse
    return tmp_path


def test_on_a_cpu_weights_cache_and_process_have_to_fit(model, monkeypatch):
    serve = ServeSettings(kv_cache_gib=1.5, dtype="bfloat16")
    needed = 1.0 + 1.5 + PROCESS_GIB
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: int((needed + 0.1) * GIB))
    assert check_room("garden@1", model, serve, cpu=True) == serve.gpu_memory_utilization
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: int((needed - 0.1) * GIB))
    with pytest.raises(ModelError, match=r"weights 1\.0, key-value cache 1\.5.* GiB are free.*kv_cache_gib.*--llm"):
        check_room("garden@1", model, serve, cpu=True)


def test_a_processor_without_bfloat16_takes_twice_the_weights(model, monkeypatch):
    monkeypatch.setattr(vllm_memory, "available_memory", lambda: GIB)
    for quick, weights in ((True, r"weights 1\.0"), (False, r"weights 2\.0")):
        monkeypatch.setattr(vllm_memory, "multiplies_bfloat16", lambda quick=quick: quick)
        with pytest.raises(ModelError, match=weights):
            check_room("garden@1", model, ServeSettings(), cpu=True)


def test_on_a_gpu_the_second_takes_what_the_first_has_left(model):
    serve = ServeSettings(gpu_memory_utilization=0.5)
    assert gpu_share("garden@1", model, 4.0, serve, [(38.0, 80.0)]) == 0.47
    assert gpu_share("garden@1", model, 4.0, serve, [(79.0, 80.0)]) == 0.5
    with pytest.raises(ModelError, match=r"gpu_memory_utilization \(it is 0\.5"):
        gpu_share("garden@1", model, 36.0, serve, [(38.0, 80.0)])


def test_several_gpus_share_the_weights_and_the_fullest_decides(model):
    serve = ServeSettings(tensor_parallel=2, gpu_memory_utilization=0.9)
    assert gpu_share("garden@1", model, 60.0, serve, [(60.3, 80.0), (40.3, 80.0), (1.0, 80.0)]) == 0.5
    with pytest.raises(ModelError, match=r"weights 30\.0"):
        gpu_share("garden@1", model, 60.0, serve, [(60.0, 80.0), (20.0, 80.0)])
