"""The set-up script: which packages, from where, and what its errors say. Installs nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import lock  # noqa: E402
import pip_settings  # noqa: E402
import setup  # noqa: E402


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with a .venv that set-up could have made."""
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/cpu.txt", "requirements/gpu.txt"):
        (tmp_path / name).write_text(name)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.1\n")
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin" / "python",
        "STAMP": venv / "graft-setup.json",
        "UNFINISHED": venv / "graft-setup-unfinished",
    }.items():
        monkeypatch.setattr(setup, name, value)
    return tmp_path


def finish(engine="cpu"):
    setup.STAMP.write_text(json.dumps(setup.fingerprint(engine)))


def test_a_finished_setup_is_recognised(project):
    assert setup.read_stamp() is None
    finish()
    assert setup.read_stamp() == setup.fingerprint("cpu")


@pytest.mark.parametrize("change", ["pyproject.toml", "requirements/cpu.txt", ".venv/pyvenv.cfg", "engine", "torch"])
def test_whatever_set_up_depends_on_makes_it_run_again(project, monkeypatch, change):
    finish()
    engine = "cpu"
    if change == "engine":
        engine = "gpu"
    elif change == "torch":
        monkeypatch.setenv("GRAFT_TORCH_BACKEND", "cpu")
    elif change == ".venv/pyvenv.cfg":
        (project / change).write_text("version = 3.13.0\n")
    else:
        (project / change).write_text("changed")
    assert setup.read_stamp() != setup.fingerprint(engine)


def test_an_interrupted_set_up_is_not_taken_for_finished(project):
    finish()
    setup.UNFINISHED.touch()
    assert setup.read_stamp() is None
    assert not setup.venv_is_sound()


@pytest.mark.parametrize(
    ("backend", "gpu", "machine", "engine"),
    [
        (None, False, "x86_64", "cpu"),
        (None, True, "x86_64", "gpu"),
        (None, True, "aarch64", "remote"),
        ("cpu", True, "x86_64", "cpu"),
        ("cu130", False, "x86_64", "gpu"),
        ("none", False, "x86_64", "cpu"),
    ],
)
def test_the_engine_follows_the_machine_and_the_torch_backend(monkeypatch, backend, gpu, machine, engine):
    if backend:
        monkeypatch.setenv("GRAFT_TORCH_BACKEND", backend)
    monkeypatch.setattr(setup.sys, "platform", "linux")
    monkeypatch.setattr(setup.os, "uname", lambda: type("Uname", (), {"machine": machine}))
    monkeypatch.setattr(setup, "has_nvidia_gpu", lambda: gpu)
    assert setup.choose_engine("auto") == engine
    assert setup.choose_engine("remote") == "remote"


def test_find_links_with_torch_are_used_and_empty_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    assert setup.default_backend("cpu", {}) == "cpu"
    assert setup.default_backend("cpu", {"find-links": str(tmp_path)}) == "cpu"
    (tmp_path / "torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl").touch()
    assert setup.default_backend("cpu", {"find-links": f"/elsewhere {tmp_path}"}) == "none"
    assert setup.default_backend("cpu", {"find-links": "https://wheels.example/"}) == "none"
    assert setup.default_backend("gpu", {"find-links": str(tmp_path)}) == "auto"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cause: No space left on device (os error 28)", "no disk space left"),
        ("error sending request for url", "registry does not answer"),
        ("ERROR: ... (from versions: none)", "registry does not answer"),
        ("The virtual environment was not created because ensurepip is not available", "python3-venv"),
        ("because torch==2.13.0+cpu has no wheels with a matching Python ABI tag", "GRAFT_TORCH_BACKEND"),
        ("something else broke", "something else broke"),
    ],
)
def test_a_failed_step_is_explained_in_one_line(line, words):
    said = setup.explain(["working", line, ""])
    assert words in said
    assert "\n" not in said


def test_a_failing_command_raises_with_its_purpose():
    script = "import sys; print('os error 28'); sys.exit(3)"
    with pytest.raises(setup.SetupError, match="could not try: no disk space left"):
        setup.run_step([sys.executable, "-c", script], {}, "try")


def test_a_wrong_python_is_named_with_the_way_out(monkeypatch):
    monkeypatch.setattr(setup, "interpreter_version", lambda name: (3, 9))
    with pytest.raises(setup.SetupError, match=r"3.11, 3.12 or 3.13 \(mine is 3.9\).*PYTHON=python3.11"):
        setup.find_interpreter("mine")


def test_pip_options_become_uv_variables_and_yours_stay():
    options = {
        "index-url": "https://a/simple",
        "extra-index-url": "https://b https://c",
        "find-links": "/x /y",
        "cert": "/ca",
    }
    environment = pip_settings.uv_environment(options, {"UV_INDEX_URL": "https://mine"})
    assert environment == {
        "UV_INDEX_URL": "https://mine",
        "UV_EXTRA_INDEX_URL": "https://b https://c",
        "UV_FIND_LINKS": "/x,/y",
        "SSL_CERT_FILE": "/ca",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_pip_configuration_is_read_as_pip_prints_it(monkeypatch):
    printed = (
        "global.find-links='/a\\n/b'\nglobal.cert='/ca'\ninstall.find-links='/c'\n:env:.cert='/env'\nlist.format='x'\n"
    )
    monkeypatch.setattr(pip_settings.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, printed))
    assert pip_settings.read_pip_options("python") == {"find-links": "/c", "cert": "/env"}


@pytest.mark.parametrize(
    ("line", "engine", "expected"),
    [
        ("a==1", "cpu", "a==1"),
        ("a==1 ; sys_platform == 'linux'", "cpu", "a==1"),
        ("a==1 ; sys_platform == 'win32'", "cpu", ""),
        ("a==1 ; sys_platform == 'darwin'", "remote", "a==1 ; sys_platform == 'darwin'"),
        ("a==1 ; python_full_version >= '3.13'", "cpu", "a==1 ; python_full_version >= '3.13'"),
        ("a==1 ; sys_platform == 'never'", "gpu", ""),
        ("nvidia-cublas==13 ; sys_platform == 'linux'", "remote", ""),
        ("nvidia-cublas==13 ; sys_platform == 'linux'", "gpu", "nvidia-cublas==13"),
    ],
)
def test_requirements_are_narrowed_to_the_platforms_of_their_engine(line, engine, expected):
    assert lock.narrow(line, engine) == expected


@pytest.mark.parametrize("engine", setup.ENGINES)
def test_requirement_files_pin_everything_and_name_no_registry(engine):
    text = (SCRIPTS.parent / "requirements" / f"{engine}.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert "//" not in text
    assert not {line.split("==")[0] for line in lines} & {"torchvision", "torchaudio", "torchcodec", "llama-cpp-python"}
