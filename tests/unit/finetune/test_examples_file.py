"""Training examples are added, changed and removed one at a time: checked, and never over somebody else's change."""

import json
import threading

import pytest

from core.errors import EditConflictError, ExampleError
from core.example_lines import read_texts, rows_of
from core.types import Example
from finetune.example_flaws import findings_about
from finetune.examples_file import put_example, remove_example
from tests.unit.finetune.conftest import example


def one(plant, **changes):
    return Example.model_validate(example(plant, **changes))


def ids(pack):
    return [json.loads(text)["id"] for text in read_texts(pack.train_file)]


@pytest.fixture
def corpus(make_corpus):
    return make_corpus({"prune.md": ["Prune the fern in May. Prune the quince in May. Prune the rose in May. In May."]})


def test_added_changed_and_removed(make_pack, corpus):
    pack = make_pack([example("quince"), example("fern")])
    assert put_example(pack, one("rose"), None, corpus).stamp.line == 3
    first = rows_of(read_texts(pack.train_file))[0]
    changed = put_example(pack, one("quince", question="Quince: when?"), first.stamp, corpus)
    assert changed.stamp.line == 1
    assert ids(pack) == ["e-quince", "e-fern", "e-rose"]
    assert next(e.question for e in pack.train_examples) == "Quince: when?"
    remove_example(pack, changed.stamp)
    assert ids(pack) == ["e-fern", "e-rose"]
    assert len(pack.train_examples) == 2


def test_the_second_of_two_who_change_one_line_is_told(make_pack, corpus):
    pack = make_pack([example("quince"), example("fern")])
    seen = rows_of(read_texts(pack.train_file))[0].stamp
    put_example(pack, one("quince", question="Quince: when?"), seen, corpus)
    for late in (lambda: put_example(pack, one("quince"), seen, corpus), lambda: remove_example(pack, seen)):
        with pytest.raises(EditConflictError):
            late()
    assert "Quince: when?" in pack.train_file.read_text()


def test_many_who_add_at_once_lose_nothing(make_pack, corpus):
    pack = make_pack([])

    def add(number):
        put_example(pack, one("fern", id=f"e-{number}", question=f"Question number {number}?", tags=[]), None, corpus)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(pack)) == sorted(f"e-{number}" for number in range(12))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": {"plant": "rose"}}, "breaks schema"),
        ({"evidence": [{"source": "prune.md", "quote": "Never prune"}]}, "is not in prune.md"),
        ({"evidence": [{"source": "prune.txt", "quote": "Prune"}]}, "did you mean 'prune.md'"),
        ({"id": "e-quince"}, "repeats the id"),
        ({"schema": "trees"}, "no schema 'trees'"),
        ({"tags": ["record:iris"]}, "belongs to record 'iris'"),
    ],
)
def test_what_is_wrong_is_not_written(make_pack, corpus, changes, reason):
    pack = make_pack([example("quince")], [example("iris", id="t")])
    before = pack.train_file.read_bytes()
    with pytest.raises(ExampleError, match=reason):
        put_example(pack, one("rose", **changes), None, corpus)
    assert pack.train_file.read_bytes() == before


def test_warnings_are_told_and_do_not_stop(make_pack, corpus):
    pack = make_pack([example("quince")])
    vague = one("rose", evidence=[{"source": "prune.md", "quote": "in May."}])
    assert any("stands" in finding.message for finding in findings_about(pack, vague, None, corpus))
    put_example(pack, vague, None, corpus)
    assert ids(pack) == ["e-quince", "e-rose"]


def test_findings_are_about_the_new_line_also_after_blank_ones(make_pack, corpus):
    pack = make_pack(["", "", example("quince")])
    found = findings_about(pack, one("rose", id="e-quince"), None, corpus)
    assert [finding.check for finding in found] == ["id"]
    assert findings_about(pack, one("quince"), 3, corpus) == []
