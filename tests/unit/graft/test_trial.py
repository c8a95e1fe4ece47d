"""A trial's workspace: shares models and adapters, has state of its own, and leaves the index it copied alone."""

from core.workspace import Workspace
from graft.trial import copy_index, trial_workspace


def test_a_trial_shares_models_and_adapters_and_nothing_else(tmp_path):
    workspace = Workspace.open(tmp_path / "w")
    (workspace.models).mkdir()
    (workspace.models / "weights").write_text("w")
    (workspace.corpus("garden")).mkdir(parents=True)
    (workspace.corpus("garden") / "generation.json").write_text("old")
    trial = trial_workspace(workspace, workspace.run / "trial")
    copy_index(workspace, trial, "garden")
    copy_index(workspace, trial, "nothing")
    assert (trial.models / "weights").read_text() == "w"
    (trial.adapters("garden")).mkdir()
    assert workspace.adapters("garden").is_dir()
    (trial.corpus("garden") / "generation.json").write_text("new")
    assert (workspace.corpus("garden") / "generation.json").read_text() == "old"
    again = trial_workspace(workspace, workspace.run / "trial")
    assert not again.corpus("garden").exists()
    assert (workspace.models / "weights").exists()  # emptying a trial follows no link
