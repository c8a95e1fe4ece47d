"""Where settings come from, which wins, and what a mistake says."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.errors import SettingsError
from core.settings import RESERVED_NAMES, Section, Settings, load_settings


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_bind_to_loopback_only():
    settings = load_settings(environ={})
    assert settings == Settings()
    assert settings.serve.host == "127.0.0.1"


def test_flag_beats_environment_beats_file_beats_default(tmp_path):
    config = write(tmp_path / "graft.yaml", "serve: {port: 1001, host: 127.0.0.2, threads: 3}\n")
    environ = {"GRAFT_SERVE__PORT": "1002", "GRAFT_SERVE__HOST": "127.0.0.3"}
    serve = load_settings({"serve.port": 1003}, config, environ).serve
    assert (serve.port, serve.host, serve.threads, serve.max_loras) == (1003, "127.0.0.3", 3, 2)


def test_a_flag_that_was_not_given_changes_nothing():
    assert load_settings({"serve.port": None}, environ={"GRAFT_SERVE__PORT": "81"}).serve.port == 81


def test_the_environment_can_name_the_file(tmp_path):
    config = write(tmp_path / "graft.yaml", "retrieve: {k: 9}\n")
    assert load_settings(environ={"GRAFT_CONFIG": str(config)}).retrieve.k == 9


def test_an_empty_environment_variable_is_one_that_is_not_set():
    settings = load_settings(environ={"GRAFT_WORKSPACE": "", "GRAFT_AUTH_FILE": " ", "GRAFT_SERVE__PORT": ""})
    assert settings == load_settings(environ={})


def test_environment_values_are_read_as_yaml():
    environ = {
        "GRAFT_SERVE__EXTRA_ARGS": "[--a, '1']",
        "GRAFT_TRAIN__MAX_MINUTES": "0.5",
        "GRAFT_SERVE__THREADS": "null",
    }
    settings = load_settings(environ=environ)
    assert settings.serve.extra_args == ("--a", "1")
    assert settings.train.max_minutes == 0.5
    assert settings.serve.threads is None


def test_a_workspace_path_is_never_read_as_yaml():
    assert load_settings(environ={"GRAFT_WORKSPACE": "12"}).workspace == Path("12")


@pytest.mark.parametrize(
    "name", ["GRAFT_SERVE__PROT", "GRAFT_SERV__PORT", "GRAFT_SERVE", "GRAFT_PORT", "GRAFT_SERVE__PORT__X"]
)
def test_a_misspelt_environment_variable_is_named(name):
    with pytest.raises(SettingsError, match=rf"{name} .*docs/settings.md"):
        load_settings(environ={name: "1"})


def test_switches_that_are_read_elsewhere_are_no_settings():
    assert load_settings(environ=dict.fromkeys(RESERVED_NAMES - {"GRAFT_CONFIG"}, "x")) == Settings()


def test_other_programs_variables_are_left_alone():
    assert load_settings(environ={"GRAFTON": "1", "SERVE__PORT": "1"}) == Settings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("serve: {prot: 1}\n", "serve.prot"),
        ("serv: {port: 1}\n", "serv"),
        ("serve: {port: 99999}\n", "serve.port"),
        ("serve: {port: many}\n", "serve.port"),
        ("train: {method: magic}\n", "train.method"),
        ("serve: 7860\n", "serve"),
    ],
)
def test_a_wrong_key_or_value_in_the_file_is_named(tmp_path, text, named):
    with pytest.raises(SettingsError, match=rf"'{named}'"):
        load_settings(config=write(tmp_path / "graft.yaml", text), environ={})


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SettingsError, match=r"absent.yaml does not exist"):
        load_settings(config=tmp_path / "absent.yaml", environ={})


@pytest.mark.parametrize("text", ["serve: [", "- a\n- b\n", "just text"])
def test_a_file_that_is_no_mapping_is_an_error_in_one_line(tmp_path, text):
    with pytest.raises(SettingsError) as error:
        load_settings(config=write(tmp_path / "graft.yaml", text), environ={})
    assert "graft.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_broken_environment_value_is_named():
    with pytest.raises(SettingsError, match="GRAFT_SERVE__PORT"):
        load_settings(environ={"GRAFT_SERVE__PORT": "[1"})


def test_an_empty_file_means_defaults(tmp_path):
    assert load_settings(config=write(tmp_path / "graft.yaml", "# nothing\n"), environ={}) == Settings()


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError):
        Settings().serve.port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_is():
    for name, setting in Settings.model_fields.items():
        section = getattr(Settings(), name)
        if not isinstance(section, Section):
            assert setting.description, f"{name} has no description"
            continue
        for key, field in type(section).model_fields.items():
            assert field.description, f"{name}.{key} has no description"


def test_the_example_file_is_valid_and_shows_the_defaults():
    example = Path(__file__).parents[3] / "graft.example.yaml"
    assert load_settings(config=example, environ={}) == Settings()
