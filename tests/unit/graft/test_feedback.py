"""From ratings to training data: review entries, preferences, and what is left out."""

import json

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.chat_files import OWN_FILES
from core.feedback import Rating, Vote, read_correction
from core.feedback_store import FeedbackStore
from core.turns import Turn
from core.types import Answer, Citation, Passage
from core.user_database import UserDatabase
from core.workspace import Workspace
from finetune.corpus_text import ChunkText, CorpusText
from finetune.synthesis.accept import accept
from finetune.synthesis.candidate import ReviewFile
from graft.cli import main
from graft.feedback import add_to_review, preferences, review_entry
from tests.fakes import QUINCE, write_pack

REFUSAL = "I cannot find this in the leaflets."
PASSAGES = (
    Passage(
        number=1, source="herbs/sage.md", locator="Sage", text="Sage wants dry soil. Nothing more.", corpus="garden"
    ),
    Passage(number=2, source="shrubs/quince.md", locator="Quince", text=QUINCE, corpus="garden"),
    Passage(number=3, source="other.md", locator="", text="Elsewhere.", corpus="trees"),
)


def turn(text="Prune quince in March. [2]", asked="When do I prune a quince?", format="text", arm="hybrid", **answer):
    schema = "care" if format in ("json", "yaml") else None
    question = Question(text=asked, arm=parse_arm(arm), format=format, schema_name=schema, or_passages=True)
    passages = PASSAGES if parse_arm(arm).retrieval else None
    citations = [Citation(number=2, source="shrubs/quince.md", locator="", quote="x", corpus="garden")]
    fields = {"citations": citations, "model": "garden@1", "answer": text, "schema": schema} | answer
    done = Answer(text=text, format=format, passages=list(passages or ()), **fields)
    return Turn(question=question, state="done", text=text, passages=passages, answer=done)


def rated(of=None, **fields):
    return Rating(user="ann", domain="garden", turn=of or turn(), **fields)


def corrected(text, of=None, format="text", **fields):
    return rated(of, correction=read_correction(text, format, None, REFUSAL), **fields)


@pytest.fixture
def pack(tmp_path):
    return write_pack(tmp_path / "pack")


def test_a_correction_is_a_candidate_that_can_be_accepted(pack):
    entry = review_entry(corrected("Prune quince in February. [2]"), "garden")
    assert entry.status == "pending"
    assert entry.passage == QUINCE
    assert entry.example.answer == "Prune quince in February."
    assert [(one.source, one.quote) for one in entry.example.evidence] == [
        ("shrubs/quince.md", "Prune quince in February, before growth starts.")
    ]
    chunk = ChunkText("1", "shrubs/quince.md", "Quince", QUINCE)
    accept(pack, entry, CorpusText({chunk.source: [chunk]}, {chunk.source: QUINCE}))
    assert json.loads(pack.train_file.read_text())["question"] == "When do I prune a quince?"


def test_evidence_is_what_the_right_answer_marks_else_what_was_cited_and_not_doubted():
    def sources(rating):
        return [one.source for one in review_entry(rating, "garden").example.evidence]

    assert sources(corrected("Dry soil. [1]")) == ["herbs/sage.md"]
    assert sources(corrected("In February.")) == ["shrubs/quince.md"]
    assert sources(corrected("In February.", reasons=("source",))) == []
    assert sources(corrected("Elsewhere. [3]")) == []
    assert sources(corrected(REFUSAL)) == []


def test_a_refusal_and_a_structured_correction():
    entry = review_entry(corrected(REFUSAL), "garden")
    assert not entry.example.answerable
    care = {"plant": "quince", "prune": "February", "sun": True}
    entry = review_entry(corrected(json.dumps(care), turn(format="json"), "json"), "garden")
    assert entry.example.answer == care
    assert entry.example.schema_name == "care"


def test_a_follow_up_becomes_a_question_that_stands_alone():
    asked = turn(asked="And in winter?")
    question = asked.question.model_copy(update={"history": ("When do I prune quince?",)})
    entry = review_entry(corrected("Never.", asked.model_copy(update={"question": question})), "garden")
    assert entry.example.question == "When do I prune quince? And in winter?"


def test_every_correction_is_added_once_and_a_changed_one_replaces_the_pending(tmp_path, pack):
    file, of = ReviewFile(tmp_path), turn()
    first = corrected("Prune quince in April. [2]", of)
    assert add_to_review(file, [first, rated()], pack)["added"] == 1
    assert add_to_review(file, [first], pack) == {"added": 0, "replaced": 0, "known": 1, "tested": 0, "private": 0}
    assert add_to_review(file, [corrected("Prune quince in February. [2]", of)], pack)["replaced"] == 1
    assert [(c.status, c.example.answer) for c in file.read()] == [
        ("rejected", "Prune quince in April."),
        ("pending", "Prune quince in February."),
    ]


def test_test_questions_are_left_out(tmp_path, pack):
    pack.test_file.parent.mkdir(exist_ok=True)
    pack.test_file.write_text('{"id": "t", "question": "when do I prune a QUINCE", "answer": "In February."}\n')
    file = ReviewFile(tmp_path)
    assert add_to_review(file, [corrected("In February.")], pack)["tested"] == 1
    assert list(preferences([corrected("In February.")], [], pack)) == []
    assert file.read() == []


def test_what_rests_on_files_of_one_conversation_is_left_out(tmp_path, pack):
    private = Passage(number=1, source="letter.pdf", locator="", text="In February.", corpus=OWN_FILES)
    of = turn().model_copy(update={"passages": (private, PASSAGES[1])})
    file = ReviewFile(tmp_path)
    assert add_to_review(file, [corrected("In February. [1]", of)], pack)["private"] == 1
    assert file.read() == []
    vote = Vote(user="ann", domain="garden", turns=(turn(), of), outcome="winner", winner=0)
    assert list(preferences([rated(of, verdict="up"), corrected("No.", of)], [vote], pack)) == []


def test_a_correction_is_a_pair_and_a_rating_a_judgement(pack):
    pair, good, bad = preferences([corrected("In February. [2]"), rated(verdict="up"), rated(verdict="down")], [], pack)
    assert (pair["chosen"], pair["rejected"]) == ("In February. [2]", "Prune quince in March. [2]")
    assert [passage["source"] for passage in pair["passages"]] == [passage.source for passage in PASSAGES]
    assert "origin:correction" in pair["tags"]
    assert "arm:hybrid" in pair["tags"]
    assert (good["answer"], good["good"]) == ("Prune quince in March. [2]", True)
    assert bad["good"] is False
    assert "chosen" not in good


def test_sides_are_as_examples_hold_them(pack):
    def side(of):
        return next(preferences([rated(of, verdict="up")], [], pack))["answer"]

    care = {"plant": "quince"}
    assert side(turn(format="json", answer=care)) == care
    assert side(turn("{", format="json", answer=None, valid=False, raw='{"citations')) == '{"citations'
    assert side(turn(REFUSAL, refused=True)) is None
    assert next(preferences([rated(turn(arm="lora"), verdict="up")], [], pack))["passages"] == []


def test_nothing_is_learnt_from_passages_without_a_model_or_a_stopped_answer(pack):
    stopped = turn().model_copy(update={"answer": None, "state": "stopped"})
    ratings = [rated(turn(degraded=True), verdict="up"), rated(stopped, verdict="down")]
    assert list(preferences(ratings, [], pack)) == []


def test_a_vote_sets_its_winner_over_each_other(pack):
    turns = (turn("In March. [1]", arm="base"), turn(), turn("Soon. [2]"), turn())
    vote = Vote(user="ann", domain="garden", turns=turns, outcome="winner", winner=1)
    pairs = list(preferences([], [vote], pack))
    assert [(pair["chosen"], pair["rejected"]) for pair in pairs] == [
        ("Prune quince in March. [2]", "In March."),
        ("Prune quince in March. [2]", "Soon. [2]"),
    ]
    assert "against:base" in pairs[0]["tags"]
    none = vote.model_copy(update={"outcome": "none", "winner": None})
    assert [line["good"] for line in preferences([], [none], pack)] == [False] * 4
    assert list(preferences([], [vote.model_copy(update={"outcome": "tie", "winner": None})], pack)) == []


def test_the_commands_list_and_export(tmp_path, pack, capsys):
    workspace = Workspace.open(tmp_path / "workspace")
    store = FeedbackStore(UserDatabase(workspace.users), "garden")
    store.rate(corrected("In February.\x1b[2J [2]", verdict="down", reasons=("wrong",)))
    common = ["--domain", str(pack.root), "--workspace", str(workspace.root)]
    with pytest.raises(SystemExit, match="0"):
        main(["feedback", "list", *common])
    shown = capsys.readouterr().out
    assert "down, wrong" in shown
    assert "\x1b" not in shown
    with pytest.raises(SystemExit, match="0"):
        main(["feedback", "export", *common, "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["corrections"]["added"] == 1
    lines = (workspace.feedback("garden") / "preferences.jsonl").read_text().splitlines()
    assert len(lines) == result["preferences"] == 1
    assert len(ReviewFile(pack.data / "examples").read()) == 1
