"""The process around vLLM, with a small stand-in for vLLM itself: real processes, real sockets, real signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import ServeError
from serve import vllm_process
from serve.vllm_api import ExternalVllm
from serve.vllm_command import VllmOptions, server_command, server_environment
from serve.vllm_failure import find_cause
from serve.vllm_process import VllmProcess

# Starts processes and waits for them, so it is no unit test, though the server in them is a stand-in.
pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).resolve().parents[2]
FAKE = [sys.executable, "-m", "serve.fake_vllm", "--model", "base", "--uds"]


class States(list[tuple[str, str]]):
    """Remembers every change of state and lets a test wait for one."""

    def __call__(self, state: str, detail: str) -> None:
        self.append((state, detail))

    def names(self) -> list[str]:
        return [name for i, (name, _) in enumerate(self) if i == 0 or self[i - 1][0] != name]


def eventually(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def group_of(leader: int) -> list[int]:
    output = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, group in (line.split() for line in output.splitlines()) if int(group) == leader]


def crashing(line: str) -> list[str]:
    """A command that writes a line and fails."""
    return [sys.executable, "-c", f"import sys; sys.exit({line!r})"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return folder


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def make(
    model: Path, tmp_path: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., VllmProcess]]:
    made: list[VllmProcess] = []
    monkeypatch.setattr(vllm_process, "vllm_version", lambda: "0")

    def build(crash: str = "", socket: Path | None = None, **options) -> VllmProcess:
        command = crashing(crash) if crash else [*FAKE, str(socket or tmp_path / "s" / "v.sock")]
        monkeypatch.setattr(vllm_process, "server_command", lambda *_: command)
        made.append(
            VllmProcess(
                model,
                socket=socket or tmp_path / "s" / "v.sock",
                log_file=tmp_path / "vllm.log",
                served_name="base",
                on_state=states,
                **options,
            )
        )
        return made[-1]

    yield build
    for process in made:
        process.stop()


def test_started_server_answers_on_a_private_socket(make, states: States, tmp_path: Path):
    said: list[str] = []
    vllm = make()
    vllm.start(said.append)
    assert vllm.models() == ["base"]
    assert (tmp_path / "s" / "v.sock").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    assert states.names() == ["starting", "ready"]
    assert said[0].startswith("Starting vLLM: ")


def test_stop_leaves_no_process_and_no_socket(make, tmp_path: Path):
    vllm = make()
    vllm.start()
    processes = group_of(vllm.pid)
    assert len(processes) == 2  # guard and server
    vllm.stop()
    vllm.stop()
    assert not any(runs(pid) for pid in processes)
    assert not (tmp_path / "s" / "v.sock").exists()
    assert not vllm.alive


def test_killed_server_is_started_again_with_its_adapters(make, states: States, adapter: Path):
    vllm = make()
    vllm.start()
    vllm.load_adapter("garden@1", adapter)
    _, server = group_of(vllm.pid)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: states.names()[-2:] == ["restarting", "ready"])
    assert vllm.models() == ["base", "garden@1"]
    assert not runs(server)


def test_server_that_keeps_dying_is_given_up(make, states: States, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vllm_process, "MOST_RESTARTS", 1)
    vllm = make()
    vllm.start()
    monkeypatch.setattr(vllm_process, "server_command", lambda *_: crashing("GardenError: late frost"))
    os.kill(vllm.pid, signal.SIGKILL)
    eventually(lambda: states.names()[-1] == "failed")
    assert states.names() == ["starting", "ready", "restarting", "failed"]
    assert "late frost" in states[-1][1]


def test_killed_guard_takes_the_server_with_it(make, states: States):
    vllm = make(restart=False)
    vllm.start()
    guard, server = vllm.pid, group_of(vllm.pid)[1]
    os.kill(guard, signal.SIGKILL)
    eventually(lambda: not runs(server))
    eventually(lambda: states.names()[-1] == "failed")


def test_guard_kills_its_group_when_its_parent_dies():
    # parent -> guard -> a process that starts another one; the parent dies without a word.
    inner = "import subprocess,time; subprocess.Popen(['sleep','60']); print('up', flush=True); time.sleep(60)"
    outer = (
        "import os,signal,subprocess,sys;"
        "g=subprocess.Popen([sys.executable,'-m','serve.process_guard',str(os.getpid()),"
        f"sys.executable,'-c',{inner!r}],start_new_session=True,stdout=subprocess.PIPE);"
        "g.stdout.readline(); print(g.pid, flush=True); sys.stdin.read(1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", outer], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    guard = int(parent.stdout.readline())
    processes = group_of(guard)
    assert len(processes) == 3
    parent.stdin.write("x")
    parent.stdin.flush()
    parent.wait(10)
    eventually(lambda: not any(runs(pid) for pid in processes))


def test_failed_start_names_cause_and_log(make, states: States, tmp_path: Path):
    vllm = make("ValueError: Model architectures ['GardenForCausalLM'] are not supported for now.")
    with pytest.raises(ServeError, match=r"\['GardenForCausalLM'\] is not supported.*vllm\.log"):
        vllm.start()
    assert states.names() == ["starting", "failed"]
    assert not vllm.alive


def test_a_cause_of_an_earlier_start_is_not_reported_again(make, tmp_path: Path):
    (tmp_path / "vllm.log").write_text("OSError: [Errno 28] No space left on device\n")
    with pytest.raises(ServeError, match="GardenError: late frost"):
        make("GardenError: late frost").start()


def test_stop_from_another_thread_ends_a_start(make):
    vllm = make()
    vllm.is_healthy = lambda *_: False  # never ready
    errors: list[BaseException] = []

    def start() -> None:
        try:
            vllm.start()
        except ServeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    eventually(lambda: vllm.alive)
    vllm.stop()
    thread.join(10)
    assert len(errors) == 1
    assert not vllm.alive


def test_long_socket_path_is_refused(make, tmp_path: Path):
    with pytest.raises(ServeError, match="107 bytes"):
        make(socket=tmp_path / ("x" * 100) / "v.sock").start()


def test_folder_without_a_model_is_refused(make, model: Path):
    (model / "config.json").unlink()
    with pytest.raises(ServeError, match=r"no config\.json"):
        make().start()


def test_second_server_on_the_same_socket_is_refused(make):
    make().start()
    with pytest.raises(ServeError, match="already listens"):
        make().start()


def test_loading_an_adapter_twice_is_no_error(make, adapter: Path):
    vllm = make()
    vllm.start()
    vllm.load_adapter("garden@1", adapter)
    vllm.load_adapter("garden@1", adapter)
    assert vllm.models() == ["base", "garden@1"]
    vllm.unload_adapter("garden@1")
    vllm.unload_adapter("garden@1")
    assert vllm.models() == ["base"]


def test_an_adapter_name_keeps_its_folder(make, adapter: Path, tmp_path: Path):
    vllm = make()
    vllm.start()
    vllm.load_adapter("garden@1", adapter)
    with pytest.raises(ServeError, match="publish under another name"):
        vllm.load_adapter("garden@1", tmp_path / "other")


def test_a_folder_without_adapter_is_refused(make, tmp_path: Path):
    vllm = make()
    vllm.start()
    with pytest.raises(ServeError, match=r"adapter_config\.json is missing"):
        vllm.load_adapter("garden@1", tmp_path)


def test_large_log_is_rotated(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vllm_process, "LOG_BYTES", 10)
    (tmp_path / "vllm.log").write_text("of the last run\n")
    make().start()
    assert (tmp_path / "vllm.log.1").read_text() == "of the last run\n"
    assert "of the last run" not in (tmp_path / "vllm.log").read_text()


def test_external_server_wants_a_url():
    assert ExternalVllm("http://gpu:8000/v1/").base_url == "http://gpu:8000/v1"
    with pytest.raises(ServeError, match="http://"):
        ExternalVllm("gpu:8000")


def test_command_listens_on_the_socket_only(model: Path):
    command = server_command(VllmOptions(model, "base", cpu=True, max_lora_rank=20), Path("/s/v.sock"))
    assert command[command.index("--uds") + 1] == "/s/v.sock"
    assert command[command.index("--max-lora-rank") + 1] == "32"  # the next that vLLM knows
    assert command[command.index("--kv-cache-memory-bytes") + 1] == str(2**30)
    assert "--enable-lora" in command
    whole = server_command(VllmOptions(model, "garden@1", cpu=True, lora=False), Path("/s/v.sock"))
    assert not [word for word in whole if "lora" in word]
    assert "--port" not in command
    assert "--trust-remote-code" not in command


def test_command_for_gpus_leaves_the_processes_to_vllm(model: Path):
    command = server_command(VllmOptions(model, "base", cpu=False, tensor_parallel=2, replicas=3), Path("/s/v.sock"))
    assert "vllm.entrypoints.launchers.api_server.entry" in command
    assert command[command.index("--tensor-parallel-size") + 1] == "2"
    assert command[command.index("--data-parallel-size") + 1] == "3"
    assert "--kv-cache-memory-bytes" not in command


def test_environment_reports_nothing_and_uses_the_threads_asked_for(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "99")
    environment = server_environment(VllmOptions(model, "base", cpu=True, threads=3), [Path("/a")])
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["VLLM_NO_USAGE_STATS"] == environment["HF_HUB_OFFLINE"] == "1"
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == "/a"
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment


@pytest.mark.parametrize(
    ("log", "code", "cause"),
    [
        ("RuntimeError: x\ntorch.OutOfMemoryError: CUDA out of memory.", 1, "ran out of memory"),
        ("ValueError: To serve ... larger than the available KV cache memory (1 GiB)", 1, "serve.kv_cache_gib"),
        ("OSError: [Errno 98] Address already in use", 1, "another Graft"),
        ("api_server: error: unrecognized arguments: --spade", 2, "--spade"),
        ("ModuleNotFoundError: No module named 'xgrammar'", 1, "'xgrammar'"),
        ("ImportError: libnuma.so.1: cannot open shared object file", 1, "libnuma.so.1"),
        (
            "(EngineCore pid=1) GardenError: late frost\nRuntimeError: Engine core initialization failed.",
            1,
            "late frost",
        ),
        ("loading", -9, "memory ran out"),
        ("loading", -4, "AVX2"),
        ("loading", 3, "exit code 3"),
    ],
)
def test_cause_is_read_from_the_log(log: str, code: int, cause: str):
    found = find_cause(log, code)
    assert cause in found
    assert "\n" not in found
