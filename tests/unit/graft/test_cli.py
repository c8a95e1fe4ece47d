"""The command line: global options anywhere, errors as one line, quick help."""

from importlib.metadata import version

import pytest

from graft.cli import hoist_global_options, main


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["ask", "Q", "--workspace", "w"], ["--workspace", "w", "ask", "Q"]),
        (["ask", "Q", "--workspace=w", "--verbose"], ["--workspace=w", "--verbose", "ask", "Q"]),
        (["ask", "--", "--workspace", "w"], ["ask", "--", "--workspace", "w"]),
        (["search", "Q", "--domain", "d"], ["search", "Q", "--domain", "d"]),
    ],
)
def test_global_options_may_stand_anywhere(given, expected):
    assert hoist_global_options(given) == expected


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    return int(exit.value.code or 0)


def test_missing_domain_is_one_line_and_exit_1(capsys, tmp_path):
    code = run(["prepare", "--domain", "nowhere", "--workspace", str(tmp_path / "w")])
    captured = capsys.readouterr()
    assert code == 1
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "nowhere" in captured.err
    assert "django" in captured.err


def test_misspelt_key_in_domain_yaml_names_file_and_key(capsys, tmp_path):
    (tmp_path / "domain.yaml").write_text("name: x\npersona: P\ncorpus: [c]\npersonna: Q\n")
    assert run(["prepare", "--domain", str(tmp_path), "--workspace", str(tmp_path / "w")]) == 1
    error = capsys.readouterr().err
    assert "domain.yaml" in error
    assert "personna" in error


def test_usage_error_is_exit_2():
    assert run(["ask"]) == 2


def test_misspelt_setting_in_environment_is_named(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_SERVE__PROT", "1")
    assert run(["prepare", "--workspace", str(tmp_path)]) == 1
    assert "GRAFT_SERVE__PROT" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--version"], ["up", "--version"]])
def test_version_is_that_of_the_package(capsys, arguments):
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"graft {version('graft-rag')}\n"


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_domain_that_is_named_twice_is_one_line_and_exit_1(command, capsys, tmp_path):
    twice = ["--domain", "helpdesk", "--domain", "helpdesk"]
    assert run([command, *twice, "--workspace", str(tmp_path / "ws")]) == 1
    said = capsys.readouterr().err
    assert said == "graft: domain 'helpdesk' is named twice: give --domain once for each domain\n"


@pytest.mark.parametrize(
    ("given", "names"),
    [((), ["django"]), (("helpdesk",), ["helpdesk"]), (("helpdesk", "django"), ["helpdesk", "django"])],
)
def test_up_serves_the_domains_in_the_order_given_on_one_engine(given, names, tmp_path, monkeypatch):
    up = {}
    monkeypatch.setattr("graft.up.run_up", lambda engine, services, say, **options: up.update(locals()))
    domains = [part for name in given for part in ("--domain", name)]
    assert run(["up", "--workspace", str(tmp_path / "ws"), *domains]) == 0
    assert [service.pack.name for service in up["services"]] == names
    assert all(service.engine is up["engine"] for service in up["services"])
