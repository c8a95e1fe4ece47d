"""Fixtures shared by the tests that use real parts: one workspace, one prepared model, one served graft per session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import ModelSettings
from core.workspace import Workspace
from tests.support.graft_process import GraftProcess, copy_pack

# A few steps and a small cache: enough to prove that every part is real, small enough for two cores.
SMALL = {
    "GRAFT_TRAIN__MAX_STEPS": "6",
    "GRAFT_SERVE__MAX_MODEL_LEN": "2048",
    "GRAFT_SERVE__KV_CACHE_GIB": "1",
}


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of this test session."""
    return tmp_path_factory.mktemp("graft") / "workspace"


@pytest.fixture(scope="session")
def prepared(workspace: Path):
    """The packaged models, prepared once."""
    from graft.models import prepare_models

    return prepare_models(ModelSettings(), Workspace.open(workspace), lambda text: None)  # type: ignore[call-arg]


@pytest.fixture(scope="session")
def llm_dir(prepared) -> Path:
    """The packaged language model as a Hugging Face folder."""
    return prepared.llm


@pytest.fixture(scope="session")
def embeddings(prepared):
    """The packaged embedder."""
    from retriever.embedder import load_embedder

    return load_embedder(prepared.embedder, batch_size=16)


@pytest.fixture(scope="session")
def served(workspace: Path, prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraftProcess]:
    """`graft up` on the garden pack, with a freshly trained adapter: the one vLLM of the session."""
    graft = GraftProcess(workspace, copy_pack("garden", tmp_path_factory.mktemp("packs")), SMALL)
    graft.start()
    try:
        graft.wait_until(graft.is_ready, "base model and corpus")
        graft.wait_until(lambda: graft.active_adapter() is not None, "the adapter")
        yield graft
    finally:
        graft.stop()
