"""Training rows: what is cited, what is refused, and that nothing of the test set gets in."""

import json
from pathlib import Path

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from core.errors import LeakageError
from core.pack import DomainPack, load_pack
from finetune.dataset import refuse_tested
from finetune.rows import RowOptions, build_rows

PLANTS = ["quince", "rose", "fern", "maple", "heather", "thyme", "iris", "poppy"]


class EveryPlant(BaseRetriever):
    """Finds every plant's passage, the asked one among them unless it is the fern's."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = [
            Document(page_content=f"Prune the {p} in month {n}.", metadata={"source": "prune.md", "locator": p})
            for n, p in enumerate(PLANTS)
        ]
        asked_about_fern = "fern" in query and "Prune the fern" not in query
        return [d for d in found if not (asked_about_fern and "fern" in d.page_content)]


def example(plant: str, number: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"e-{plant}",
        "question": f"When do I prune a {plant}?",
        "answer": {"plant": plant, "month": str(number)},
        "format": "json",
        "schema": "pruning",
        "evidence": [{"source": "prune.md", "quote": f"Prune the {plant} in month {number}."}],
        "answerable": True,
        "tags": [f"record:{plant}"],
        **changes,
    }


@pytest.fixture
def write_pack(tmp_path: Path):
    def write(train: list[dict[str, object]], test: list[dict[str, object]]) -> DomainPack:
        (tmp_path / "domain.yaml").write_text("name: garden\npersona: A gardener.\ncorpus: [corpus/]\n")
        for folder in ("corpus", "schemas", "examples"):
            (tmp_path / folder).mkdir(exist_ok=True)
        schema = {"type": "object", "properties": {"plant": {"type": "string"}, "month": {"type": "string"}}}
        (tmp_path / "schemas/pruning.json").write_text(json.dumps(schema))
        for name, lines in (("train", train), ("test", test)):
            (tmp_path / f"examples/{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return load_pack(str(tmp_path), tmp_path / "none", tmp_path / "none")

    return write


def words(text: str) -> int:
    return len(text.split())


def only(**changes: float) -> RowOptions:
    return RowOptions(
        **{
            "token_budget": 60,
            "smallest_budget": 60,
            "missing_share": 0,
            "closed_share": 0,
            "sibling_refusals": 0.4,
            **changes,
        }
    )  # type: ignore[arg-type]


def test_grounded_row_cites_the_passage_that_holds_the_quote(write_pack):
    rows = build_rows(write_pack([example("iris", 6)], []), EveryPlant(), words, only())
    (row,) = rows
    assert row.kind == "grounded"
    written = json.loads(row.completion[0]["content"])
    assert written["answer"] == {"plant": "iris", "month": "6"}
    (number,) = written["citations"]
    assert f"[{number}] prune.md | iris\nPrune the iris in month 6." in row.prompt[-1]["content"]


def test_right_passage_is_added_when_the_search_misses_it(write_pack):
    (row,) = build_rows(write_pack([example("fern", 2)], []), EveryPlant(), words, only())
    assert row.kind == "grounded"
    assert "Prune the fern in month 2." in row.prompt[-1]["content"]


def test_row_without_its_passage_is_a_refusal(write_pack):
    (row,) = build_rows(write_pack([example("iris", 6)], []), EveryPlant(), words, only(missing_share=1))
    assert row.kind == "missing"
    assert json.loads(row.completion[0]["content"]) == {"citations": [], "answer": None}
    assert "Prune the iris" not in row.prompt[-1]["content"]


def test_closed_row_has_no_passages_and_still_answers(write_pack):
    rows = build_rows(write_pack([example("iris", 6)], []), EveryPlant(), words, only(closed_share=1))
    (closed,) = [row for row in rows if row.kind == "closed"]
    assert "Passages" not in closed.prompt[-1]["content"]
    assert json.loads(closed.completion[0]["content"])["answer"]["month"] == "6"


def test_order_varies_between_examples_and_is_the_same_for_the_same_seed(write_pack):
    pack = write_pack([example(p, n) for n, p in enumerate(PLANTS)], [])
    options = only(token_budget=200, smallest_budget=200, shuffled_share=1)
    first = build_rows(pack, EveryPlant(), words, options)
    again = build_rows(pack, EveryPlant(), words, options)
    assert first == again
    cited = {json.loads(row.completion[0]["content"])["citations"][0] for row in first}
    assert len(cited) > 2


def test_rows_that_are_not_shuffled_keep_the_order_found_and_their_passage_in_its_place(write_pack):
    pack = write_pack([example(p, n) for n, p in enumerate(PLANTS)], [])
    rows = build_rows(
        pack, EveryPlant(), words, only(token_budget=200, smallest_budget=200, shuffled_share=0, siblings=0)
    )
    for row in rows:
        # What the search misses comes last.
        expected = sorted(PLANTS, key=lambda plant: plant == "fern") if row.record == "fern" else PLANTS
        places = [row.prompt[-1]["content"].index(f"prune.md | {plant}\n") for plant in expected]
        assert places == sorted(places)
        assert json.loads(row.completion[0]["content"])["citations"] == [expected.index(row.record) + 1]


def test_test_record_in_training_is_refused(write_pack):
    pack = write_pack([example("iris", 6)], [example("iris", 6, id="t", question="Iris: when?")])
    with pytest.raises(LeakageError, match="e-iris"):
        build_rows(pack, EveryPlant(), words, only())


def test_rows_of_a_record_that_is_tested_since_are_refused(write_pack, tmp_path):
    rows = build_rows(write_pack([example("iris", 6), example("rose", 1)], []), EveryPlant(), words, only())
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"record": row.record}) + "\n" for row in rows))
    refuse_tested(path, write_pack([example("iris", 6)], []))
    with pytest.raises(LeakageError, match=r"record 'rose' is in the test set now.*rows.jsonl:[12].*without --resume"):
        refuse_tested(path, write_pack([example("iris", 6)], [example("rose", 1)]))


def test_repeated_test_question_is_refused(write_pack):
    pack = write_pack([example("iris", 6)], [example("rose", 1, question="when do I  prune a IRIS?")])
    with pytest.raises(LeakageError, match="e-iris"):
        build_rows(pack, EveryPlant(), words, only())


def count_words(messages) -> int:
    return sum(len(message["content"].split()) for message in messages)


def test_row_over_the_context_keeps_the_right_passage_and_says_what_it_dropped(write_pack):
    pack = write_pack([example("iris", 6)], [])
    (full,) = build_rows(pack, EveryPlant(), words, only(), count_messages=count_words)
    (cut,) = build_rows(pack, EveryPlant(), words, only(context_tokens=full.tokens - 12), count_messages=count_words)
    assert full.dropped == []
    assert cut.tokens <= full.tokens - 12
    assert cut.kind == "grounded"
    assert "Prune the iris in month 6." in cut.prompt[-1]["content"]
    assert len(cut.dropped) == 2
    for name in cut.dropped:
        assert name in full.prompt[-1]["content"]
        assert name not in cut.prompt[-1]["content"]


def test_example_that_does_not_fit_at_all_is_left_out_and_named(write_pack):
    pack = write_pack([example("iris", 6), example("rose", 1)], [])
    (full, _) = build_rows(pack, EveryPlant(), words, only(token_budget=1), count_messages=count_words)
    left_out: dict[str, str] = {}
    rows = build_rows(
        pack,
        EveryPlant(),
        words,
        only(token_budget=1, context_tokens=full.tokens - 1),
        count_messages=count_words,
        on_left_out=left_out.__setitem__,
    )
    assert rows == []
    assert left_out.keys() == {"e-iris", "e-rose"}
    assert str(full.tokens) in left_out["e-iris"]


def test_answer_without_evidence_is_given_without_citation(write_pack):
    (row,) = build_rows(write_pack([example("iris", 6, evidence=[])], []), EveryPlant(), words, only(missing_share=1))
    assert row.kind == "uncited"
    assert json.loads(row.completion[0]["content"]) == {"citations": [], "answer": {"plant": "iris", "month": "6"}}


def test_some_structured_rows_show_every_schema(write_pack):
    root = write_pack([example(p, n) for n, p in enumerate(PLANTS)], []).root
    (root / "schemas/opening.json").write_text('{"type": "object", "properties": {"opens": {"type": "string"}}}')
    pack = load_pack(str(root), root / "none", root / "none")
    named = build_rows(pack, EveryPlant(), words, only(any_schema_share=0))
    shown = build_rows(pack, EveryPlant(), words, only(any_schema_share=1))
    assert {row.schema_shown for row in named} == {"pruning"}
    assert {row.schema_shown for row in shown} == {"any"}
    assert all('"opens"' in row.prompt[0]["content"] and '"month"' in row.prompt[0]["content"] for row in shown)
    assert not any('"opens"' in row.prompt[0]["content"] for row in named)
    assert [row.completion for row in named] == [row.completion for row in shown]
    half = build_rows(pack, EveryPlant(), words, only(any_schema_share=0.5))
    assert {row.schema_shown for row in half} == {"pruning", "any"}


def test_pack_with_one_schema_always_names_it(write_pack):
    (row,) = build_rows(write_pack([example("iris", 6)], []), EveryPlant(), words, only(any_schema_share=1))
    assert row.schema_shown == "pruning"


def test_markdown_is_asked_for_under_the_headings_it_is_served_with(write_pack):
    line = example("iris", 6, format="markdown", answer="## Plant\n\nIris.\n\n## Month\n\n6.")
    pack = write_pack([line], [])
    (row,) = build_rows(pack, EveryPlant(), words, only(any_schema_share=1))
    assert row.schema_shown == "pruning"
    assert "## Plant, ## Month" in row.prompt[0]["content"] + row.prompt[-1]["content"]
