"""Gathering what the advisor weighs, and the command: which lab is the newest, doubts about it, answers given."""

import json
import os

import pytest

from core.errors import LabError, RequestError
from core.files import sha256_file
from core.pack import load_pack
from core.settings import Settings
from core.workspace import Workspace
from graft.advise import find, newest_lab, parse_answers
from graft.advise_answers import keep_answer, kept_answers
from graft.build import SHIPPED_PACKS, pack_reference
from tests.fakes import write_pack
from tests.unit.advisor.conftest import arm, document


@pytest.fixture
def garden(tmp_path):
    write_pack(tmp_path / "garden")
    examples = tmp_path / "garden" / "examples"
    examples.mkdir()
    row = {"id": "a", "question": "When is sage pruned?", "answer": "After flowering.", "format": "text"}
    (examples / "test.jsonl").write_text(json.dumps(row) + "\n")
    workspace = Workspace.open(tmp_path / "w")
    return Settings(workspace=workspace.root), workspace, load_pack(str(tmp_path / "garden"), tmp_path, tmp_path)


def write_lab(workspace, name, at, **change):
    path = workspace.lab("garden") / name / "lab.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**document({"rag": arm(0.4, retrieval=True)}), **change}))
    os.utime(path, ns=(at, at))
    return path


def test_the_newest_lab_is_taken(garden):
    _, workspace, pack = garden
    assert newest_lab(workspace, pack) is None
    write_lab(workspace, "20260102-000000", 5)
    newest = write_lab(workspace, "20260101-000000", 6)
    assert newest_lab(workspace, pack) == newest


def test_doubts_about_a_lab_are_cautions(garden):
    settings, workspace, pack = garden
    write_lab(workspace, "one", 5, test_hash="other", adapter="garden@1", limit=8)
    told = find(settings, workspace, pack, print).advise({}).recommendation
    assert [text.split(":")[0] for text in told.cautions[:1]] == [
        "The lab asked another test set than the one of today"
    ]
    assert "The lab asked adapter garden@1; active is none." in told.cautions
    assert "The lab asked a sample of 100 of 100 questions." in told.cautions
    assert told.arm == "rag"


def test_a_lab_of_today_raises_no_doubt(garden):
    settings, workspace, pack = garden
    write_lab(workspace, "one", 5, test_hash=sha256_file(pack.test_file), adapter=None)
    assert find(settings, workspace, pack, print).cautions == ()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{"schema_version": 9, "arms": {"a": {}}}', "version 9"),
        ("[]", "not a lab's result"),
        ('{"schema_version": 1}', "version 1"),
        (json.dumps({**document({"rag": arm(0.4)}), "domain": "django"}), "of domain 'django', not of 'garden'"),
    ],
)
def test_another_file_is_refused(garden, tmp_path, content, line):
    settings, workspace, pack = garden
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(LabError, match=line):
        find(settings, workspace, pack, print, tmp_path / "x.json")


def test_files_are_named_as_they_would_be_typed(garden, tmp_path, monkeypatch):
    settings, workspace, pack = garden
    write_lab(workspace, "one", 5)

    def named() -> list[str]:
        told = find(settings, workspace, pack, print).advise({})
        return [entry["command"] for entry in told.next_data if "test.jsonl" in entry["command"]]

    monkeypatch.chdir(tmp_path)
    assert named() == ["edit garden/examples/test.jsonl"]
    monkeypatch.chdir(workspace.root)
    assert named() == [f"edit {pack.test_file}"]


def test_answers_given():
    given = parse_answers(["data=no", " upkeep = YES", "behaviour=open"])
    assert given == {"data": False, "upkeep": True, "behaviour": None}
    for wrong in ("data", "data=maybe", "dta=yes"):
        with pytest.raises(RequestError, match="with a key of precision, behaviour"):
            parse_answers([wrong])


def test_the_command_writes_three_files_and_asks_nobody_with_json(garden, capsys):
    from graft.cli import main

    _, workspace, pack = garden
    out = workspace.root / "advice"
    with pytest.raises(SystemExit) as exit:
        main(["advise", "--domain", str(pack.root), "--workspace", str(workspace.root), "--out", str(out), "--json",
              "--answer", "resources=no"])  # fmt: skip
    assert not exit.value.code
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "advice.json").read_text())
    assert next(q for q in told["questions"] if q["key"] == "resources")["answer"] == "no"
    assert kept_answers(workspace.lab(pack.name)) == {"resources": False}
    assert (out / "advice.md").read_text().startswith("# Garden centre: which of ICL, RAG and fine-tuning?")
    assert (out / "advice.html").read_text().startswith("<!doctype html>")


def test_the_page_and_the_command_share_their_answers(garden):
    from graft.advice_desk import LocalAdviceDesk
    from graft.service import LocalService

    settings, workspace, pack = garden
    desk = LocalAdviceDesk(LocalService(settings, workspace, pack))
    keep_answer(workspace.lab(pack.name), "resources", yes=True)
    asked = {question.key: question for question in desk.advice().questions}
    assert len(asked) == 9
    assert (asked["resources"].said, asked["resources"].source) == (True, "said")
    desk.answer("resources", None)
    assert kept_answers(workspace.lab(pack.name)) == {}
    assert desk.download("md").startswith("# Garden centre")
    assert "<h1>" in desk.download("html")
    assert len(json.loads(desk.download("json"))["questions"]) == 9
    with pytest.raises(RequestError, match="no question"):
        desk.answer("weather", yes=True)


def test_commands_name_a_pack_that_was_given_by_its_path_by_its_path(garden):
    from graft.advice_desk import LocalAdviceDesk
    from graft.lab_desk import LocalLabDesk
    from graft.service import LocalService

    settings, workspace, pack = garden
    write_lab(workspace, "one", 5, test_hash="other")
    service = LocalService(settings, workspace, pack)
    told = LocalAdviceDesk(service).advice()
    commands = [step.command for step in (*told.order, *told.next_data) if "--domain" in step.command]
    assert commands
    assert all(f"--domain {pack.root}" in command for command in commands)
    assert told.cautions[0] == f"The lab asked another test set than the one of today: graft lab --domain {pack.root}."
    assert LocalLabDesk(service)._reference == str(pack.root)
    typed = find(settings, workspace, pack, print, reference="./garden").advise({})
    assert "--domain ./garden." in typed.recommendation.cautions[0]


def test_commands_name_a_shipped_pack_by_its_name(tmp_path):
    shipped = load_pack("django", SHIPPED_PACKS, tmp_path)
    assert pack_reference(shipped) == "django"
