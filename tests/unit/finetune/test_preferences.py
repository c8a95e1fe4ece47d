"""Preferences as people leave them become rows whose prompts are those that are served."""

import json

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from core.errors import LeakageError, TrainError
from finetune.dataset import SearchedIndex
from finetune.preference_rows import build_preference_rows
from finetune.preferences import read_preferences
from tests.unit.finetune.conftest import example

SHOWN = [{"source": "prune.md", "locator": "Quince", "text": "Prune the quince in May."}]


class Leaflets(BaseRetriever):
    """Finds two leaflets, whatever is asked."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [
            Document(page_content="About roses.", metadata={"source": "rose.md"}),
            Document(page_content="Prune the fern in June.", metadata={"source": "fern.md"}),
        ]


@pytest.fixture
def build(make_pack, tmp_path):
    def make(lines, data="pairs", test=()):
        pack = make_pack([example("rose")], list(test))
        pack.preferences_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        _, file = build_preference_rows(
            pack, [pack.preferences_file, tmp_path / "no.jsonl"], data, Leaflets(),
            lambda text: len(text.split()), lambda messages: sum(len(m["content"].split()) for m in messages),
            tmp_path / "data", token_budget=100, context_tokens=200, prompt_hash="p",
            index=SearchedIndex(fingerprint="i"),
        )  # fmt: skip
        return [json.loads(line) for line in file.read_text().splitlines()]

    return make


def pair(n, **changes):
    return {"id": f"p{n}", "question": f"Question {n}?", "chosen": f"Good {n}.", "rejected": f"Bad {n}.", **changes}


def judged(n, good, **changes):
    return {"id": f"j{n}-{good}", "question": f"Question {n}?", "answer": f"Answer {good}.", "good": good, **changes}


def content(messages):
    return messages[-1]["content"]


def test_pairs_have_one_prompt_over_what_is_found_now(build):
    rows = build([pair(n) for n in range(4)])
    assert content(rows[0]["prompt"]).endswith("Question: Question 0?")
    assert "[2] fern.md\nPrune the fern in June." in content(rows[0]["prompt"])
    assert (content(rows[0]["chosen"]), content(rows[0]["rejected"])) == ("Good 0.", "Bad 0.")
    assert all(row["tokens"] > 10 for row in rows)


def test_passages_that_were_shown_stay_and_evidence_is_cited(build):
    evidence = [{"source": "prune.md", "quote": "Prune the quince in May."}]
    rows = build([pair(n, passages=SHOWN, evidence=evidence) for n in range(4)])
    assert "[1] prune.md | Quince\nPrune the quince in May." in content(rows[0]["prompt"])
    assert "rose.md" not in content(rows[0]["prompt"])
    assert (content(rows[0]["chosen"]), content(rows[0]["rejected"])) == ("Good 0. [1]", "Bad 0. [1]")
    closed = build([pair(n, passages=[]) for n in range(4)])
    assert "Passages:" not in content(closed[0]["prompt"])


def test_objects_get_their_envelope_and_null_is_a_refusal(build):
    evidence = [{"source": "fern.md", "quote": "Prune the fern in June."}]
    shaped = {"format": "json", "schema": "pruning", "evidence": evidence}
    rows = build([pair(n, chosen={"plant": "fern", "month": "June"}, rejected=None, **shaped) for n in range(4)])
    assert json.loads(content(rows[0]["chosen"])) == {"citations": [2], "answer": {"plant": "fern", "month": "June"}}
    assert json.loads(content(rows[0]["rejected"])) == {"citations": [], "answer": None}
    plain = build([pair(n, rejected=None) for n in range(4)])
    assert content(plain[0]["rejected"]) == "Not in the leaflets."


def test_a_pair_is_two_judgements_and_two_judgements_are_a_pair(build):
    lines = [pair(0), pair(1), judged(2, True), judged(2, False), judged(3, True), pair(4)]
    rows = build(lines, "judgements")
    assert [row["label"] for row in rows] == [True, False, True, False, True, False, True, True, False]
    pairs = build(lines)
    assert [content(row["chosen"]) for row in pairs] == ["Good 0.", "Good 1.", "Good 4.", "Answer True."]


def test_too_few_and_too_long_are_told(build):
    with pytest.raises(TrainError, match=r"has 3 pairs .* at least 4 are needed: write them into .*preferences.jsonl"):
        build([pair(n) for n in range(3)])
    with pytest.raises(TrainError, match="has 3 pairs"):
        build([*(pair(n) for n in range(3)), pair(4, chosen="word " * 300)])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"id": "x", "question": "Q?"}, "needs chosen and rejected"),
        ({"id": "x", "question": "Q?", "chosen": "a", "rejected": "a"}, "are the same"),
        ({"id": "x", "question": "Q?", "chosen": "a", "rejected": "b", "good": True}, "do not belong here"),
        ({"id": "x", "question": "Q?", "answer": "a"}, "needs chosen and rejected, or answer and good"),
        ({"id": "x", "question": "Q?", "answer": {"a": 1}, "good": True}, "needs strings"),
        ({"id": "x", "question": "Q?", "answer": "a", "good": True, "mood": 1}, "mood: Extra inputs"),
        ({"id": "x", "question": "Q?", "answer": "a", "good": True, "schema": "none"}, "no schema 'none'"),
    ],
)
def test_a_wrong_line_is_named(make_pack, line, reason):
    pack = make_pack([])
    pack.preferences_file.write_text("\n" + json.dumps(line) + "\n")
    with pytest.raises(TrainError, match=rf"preferences.jsonl:2.*{reason}"):
        read_preferences([pack.preferences_file], pack)


def test_what_is_tested_is_no_preference(make_pack, tmp_path):
    pack = make_pack([], [example("quince")])
    for line in (pair(1, question="when do I  prune a QUINCE?"), pair(1, tags=["record:quince"])):
        pack.preferences_file.write_text(json.dumps(line))
        with pytest.raises(LeakageError, match="preference 'p1'"):
            read_preferences([pack.preferences_file], pack)


def test_later_files_replace_by_id(make_pack, tmp_path):
    pack, later = make_pack([]), tmp_path / "later.jsonl"
    pack.preferences_file.write_text(json.dumps(pair(1)) + "\n" + json.dumps(pair(2)))
    later.write_text(json.dumps(pair(2, chosen="Better.")))
    found = read_preferences([pack.preferences_file, later], pack)
    assert [preference.chosen for preference in found] == ["Good 1.", "Better."]
