"""The whole lab over an answerer that knows some answers: figures, files, resumption, refusals to start."""

import json
from contextlib import asynccontextmanager

import pytest

from core.errors import LabError, RequestError, ServeError
from core.settings import PriceSettings
from evaluation.misses import REMEDIES
from evaluation.report.page import render_report

from .conftest import ADAPTER, SETTINGS, Gardener, half_taught, passage, run, truth


def test_figures_of_a_known_case(pack, tmp_path):
    document = run(pack, tmp_path, Gardener(half_taught)).document
    assert json.loads((tmp_path / "out" / "lab.json").read_text()) == document
    arms = document["arms"]
    assert list(arms) == ["base", "rag", "lora", "hybrid"]
    assert (document["domain"], document["adapter"], document["schema_version"]) == ("garden", ADAPTER, 2)
    # 2 json and 1 yaml answerable, whose plant stands in the question, so that only the month counts.
    assert [arms[name]["field_em"]["mean"] for name in arms] == [0.3333, 0.6667, 1.0, 1.0]
    assert arms["rag"]["field_em"]["n"] == 3
    assert arms["hybrid"]["prose_f1"]["mean"] == 1.0
    assert arms["base"]["prose_f1"]["mean"] == 0.0
    assert arms["hybrid"]["refusal_f1"]["mean"] == 1.0
    assert arms["rag"]["refusal_f1"] == {"mean": pytest.approx(0.6667), "ci95": [0.0, 1.0], "n": 2}
    assert arms["base"]["evidence_recall"] is None
    assert arms["rag"]["evidence_recall"]["mean"] == 1.0
    assert arms["rag"]["citation_correct"]["mean"] == 1.0
    assert arms["hybrid"]["tokens"]["prompt"]["mean"] == 100
    assert arms["hybrid"]["seconds"]["median"] == {"mean": 0.5, "ci95": [0.5, 0.5], "n": 7}
    assert arms["base"]["errors"] == dict.fromkeys(REMEDIES, 0) | {"unsupported": 6}
    assert set(arms["hybrid"]["errors"].values()) == {0}
    assert arms["base"]["error_shares"]["unsupported"]["mean"] == pytest.approx(6 / 7, abs=1e-4)
    assert [arms[name]["right"]["mean"] for name in arms] == [0.1429, 0.4286, 1.0, 1.0]
    assert (arms["hybrid"]["model"], arms["base"]["model"]) == (ADAPTER, "base-model")
    assert document["margin"]["against"] == "rag"
    assert document["margin"]["mean"] == pytest.approx(1 / 3, abs=1e-3)
    assert document["interaction"]["mean"] == pytest.approx(1 - 2 / 3 - 1 + 1 / 3, abs=1e-3)
    measures = {entry["measure"] for entry in document["differences"]}
    assert measures == {"field_em", "right", "prose_f1", "refusal_f1"}
    assert len(document["differences"]) == 4 * 6
    assert arms["rag"]["by"]["format"]["yaml"]["field_em"]["mean"] == 0.0
    assert arms["rag"]["by"]["format"]["json"]["field_em"]["mean"] == 1.0
    assert arms["rag"]["by"]["naming"]["named"]["n"] == 5


def test_arms_run_one_after_another_and_adapter_arms_name_the_adapter(pack, tmp_path):
    answerer = Gardener(truth)
    seen = []
    run(pack, tmp_path, answerer, on_progress=lambda arm, done, total: seen.append((arm, done, total)))
    names = [question.arm.name for question in answerer.asked]
    assert names == [name for name in ("base", "rag", "lora", "hybrid") for _ in range(7)]
    assert {q.adapter for q in answerer.asked if q.arm.adapter} == {ADAPTER}
    assert {q.adapter for q in answerer.asked if not q.arm.adapter} == {None}
    assert seen[0] == ("base", 0, 7)
    assert seen[-1] == ("hybrid", 7, 7)


def test_a_repeat_asks_nothing_and_finds_the_same(pack, tmp_path):
    first = run(pack, tmp_path, Gardener(half_taught)).document
    answerer = Gardener(truth)
    again = run(pack, tmp_path, answerer).document
    assert answerer.asked == []
    assert again["arms"]["rag"]["from_cache"] == 7
    assert again["margin"] == first["margin"]
    assert again["arms"]["rag"]["seconds"]["arm"] is None


@pytest.mark.parametrize(
    ("change", "asked_again"),
    [
        ({"fingerprint": "other"}, {"base", "icl", "lora"}),
        ({"adapter": "garden@ffffffff"}, {"lora"}),
        ({"icl_count": 5}, {"icl"}),
    ],
)
def test_only_what_a_change_concerns_is_asked_again(pack, tmp_path, change, asked_again):
    arms = ("base", "icl", "lora")
    run(pack, tmp_path, Gardener(truth), arms, icl_count=3)
    answerer = Gardener(truth)
    run(pack, tmp_path, answerer, arms, **{"icl_count": 3} | change)
    assert {question.arm.name for question in answerer.asked} == asked_again


def test_a_failed_question_is_counted_scored_0_and_shown(pack, tmp_path):
    def knows(question):
        return ServeError("the model <took> too long") if "heather" in question.text else truth(question)

    result = run(pack, tmp_path, Gardener(knows), ["rag"])
    arm = result.document["arms"]["rag"]
    assert arm["failed"] == 1
    assert arm["n"] == 7
    assert arm["field_em"] == {"mean": 0.6667, "ci95": arm["field_em"]["ci95"], "n": 3}
    assert arm["seconds"]["n"] == 6
    assert "Failed, scored 0: rag 1." in result.table


def test_limit_is_the_same_sample_for_all_arms(pack, tmp_path):
    answerer = Gardener(truth)
    document = run(pack, tmp_path, answerer, ["base", "rag"], limit=3).document
    texts = [[q.text for q in answerer.asked if q.arm.name == name] for name in ("base", "rag")]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 3
    assert (document["questions"], document["test_set"], document["limit"]) == (3, 7, 3)


def test_search_explains_missing_evidence_once_for_all_arms(pack, tmp_path):
    class Blind(Gardener):
        async def answer(self, question):
            answer = await super().answer(question)
            return answer.model_copy(update={"passages": [], "citations": [], "answer": None, "refused": True})

    searched = []

    async def search(text, k):
        searched.append(text)
        return [passage("quince")] if "quince" in text else []

    document = run(pack, tmp_path, Blind(truth), ["rag", "hybrid"], search=search).document
    counts = {name: count for name, count in document["arms"]["rag"]["errors"].items() if count}
    assert counts == {"not_in_corpus": 3, "below_budget": 2}
    assert document["arms"]["hybrid"]["errors"] == document["arms"]["rag"]["errors"]
    assert len(searched) == len(set(searched)) + 1  # the two questions about quince share their quote


@pytest.mark.parametrize(
    ("arms", "options", "error", "line"),
    [
        ([], {}, LabError, "no arms to compare"),
        (["base", "ragg"], {}, RequestError, "unknown arm 'ragg'"),
        (["base", "hybrid"], {"adapter": None}, LabError, "no active adapter for hybrid: run graft train"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(pack, tmp_path, arms, options, error, line):
    answerer = Gardener(truth)
    with pytest.raises(error, match=line):
        run(pack, tmp_path, answerer, arms, **options)
    assert answerer.asked == []


def test_icl_without_training_examples_is_refused(pack, tmp_path):
    pack.train_file.unlink()
    with pytest.raises(LabError, match=r"no training examples to show in rag\+icl"):
        run(pack, tmp_path, Gardener(truth), ["rag+icl"])


def test_an_arm_answered_by_two_models_is_refused(pack, tmp_path):
    class Swapped(Gardener):
        async def answer(self, question):
            answer = await super().answer(question)
            return answer.model_copy(update={"model": "garden@another"}) if len(self.asked) > 3 else answer

    with pytest.raises(LabError, match="arm 'hybrid' was answered by garden@0123abcd, garden@another"):
        run(pack, tmp_path, Swapped(truth), ["hybrid"])


def test_every_answer_is_kept_beside_its_score(pack, tmp_path):
    run(pack, tmp_path, Gardener(half_taught), ["base", "rag"])
    rows = [json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines()]
    assert len(rows) == 14
    row = next(r for r in rows if r["arm"] == "rag" and r["example"]["id"] == "sage-0")
    assert (row["miss"], row["score"]["field_em"]) == ("ignored", 0.0)  # May stands in the passage on camellias
    assert row["answer"]["answer"] == {"plant": "fern", "month": "May"}


def test_every_figure_has_an_interval(pack, tmp_path):
    def figures(value, path):
        if isinstance(value, dict):
            if "mean" in value:
                yield path, value
            for key, item in value.items():
                yield from figures(item, f"{path}.{key}")
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from figures(item, f"{path}[{number}]")

    document = run(pack, tmp_path, Gardener(half_taught)).document
    found = list(figures(document, ""))
    assert len(found) > 150
    for path, figure in found:
        low, high = figure["ci95"]
        assert low <= figure["mean"] <= high, path


def test_costs_follow_the_prices_and_spread_training(pack, tmp_path):
    machine = PriceSettings(machine_hour=3.6, answers_per_training=1000, currency="EUR")
    options = {"prices": machine, "training_seconds": {ADAPTER: 500.0}}
    arms = run(pack, tmp_path, Gardener(truth), ["rag", "hybrid"], **options).document["arms"]
    # Half a second, two answers at once: a quarter of a second of the machine at 0.001 a second, 1,000 times.
    assert arms["rag"]["cost_per_1000"] == {
        "mean": 0.25, "ci95": [0.25, 0.25], "n": 7, "currency": "EUR", "basis": "machine time", "training": 0.0,
    }  # fmt: skip
    assert arms["hybrid"]["cost_per_1000"]["mean"] == 0.75
    tokens = PriceSettings(million_prompt=10, million_completion=100)
    arm = run(pack, tmp_path, Gardener(truth), ["rag"], out="b", prices=tokens).document["arms"]["rag"]
    assert (arm["cost_per_1000"]["mean"], arm["cost_per_1000"]["basis"]) == (2.0, "tokens")


def test_kept_answers_keep_the_time_and_the_price_of_when_they_were_made(pack, tmp_path):
    machine = PriceSettings(machine_hour=3.6)
    first = run(pack, tmp_path, Gardener(truth), ["rag"], prices=machine).document["arms"]["rag"]
    at_once = SETTINGS.model_copy(update={"concurrency": 5})
    result = run(pack, tmp_path, Gardener(truth), ["rag", "base"], out="b", prices=machine, settings=at_once)
    arms = result.document["arms"]
    assert (first["concurrency"], arms["rag"]["concurrency"], arms["base"]["concurrency"]) == (2, 2, 5)
    assert arms["rag"]["cost_per_1000"] == first["cost_per_1000"]
    assert arms["base"]["cost_per_1000"]["mean"] == pytest.approx(first["cost_per_1000"]["mean"] * 2 / 5)
    assert "Seconds: 2 questions at once for rag; 5 questions at once for base." in render_report(result)


def test_times_of_answers_made_beside_more_and_fewer_others_are_no_figure(pack, tmp_path):
    def some(question):
        return ServeError("too slow") if "heather" in question.text else truth(question)

    run(pack, tmp_path, Gardener(some), ["rag"])
    at_once = SETTINGS.model_copy(update={"concurrency": 5})
    result = run(pack, tmp_path, Gardener(truth), ["rag"], out="b", settings=at_once)
    arm = result.document["arms"]["rag"]
    assert (arm["concurrency"], arm["seconds"], arm["cost_per_1000"], arm["failed"]) == (None, None, None, 0)
    assert arm["tokens"]["prompt"]["mean"] == 100
    assert "Seconds: none for rag, whose answers were made with different numbers at once." in render_report(result)
    tokens = PriceSettings(million_prompt=10, million_completion=100)
    by_token = run(pack, tmp_path, Gardener(truth), ["rag"], out="c", prices=tokens, settings=at_once)
    assert by_token.document["arms"]["rag"]["cost_per_1000"]["mean"] == 2.0


def test_arms_may_name_their_adapter_and_runs_are_compared_across_seeds(pack, tmp_path):
    def knows(question):
        return truth(question) if question.adapter == ADAPTER or "heather" in question.text else {"month": "June"}

    answerer = Gardener(knows)
    other = "garden@ffff0000"
    arms = ["hybrid", "hybrid@ffff0000", "rag"]
    result = run(pack, tmp_path, answerer, arms, adapters={"hybrid@ffff0000": other})
    document = result.document
    assert document["arms"]["hybrid@ffff0000"]["model"] == other
    (spread,) = document["seeds"]
    assert spread["runs"] == arms[:2]
    assert (spread["lowest"], spread["highest"], spread["mean"]) == (0.3333, 1.0, 0.6667)
    assert "Over 2 training runs hybrid is at 66.7, between 33.3 and 100.0." in result.table


def test_an_adapter_that_is_not_there_is_refused(pack, tmp_path):
    for arm in ("qlora", "hybrid@12345678"):
        with pytest.raises(LabError, match=f"no adapter for {arm}"):
            run(pack, tmp_path, Gardener(truth), [arm])


def test_the_learning_curve_and_its_last_doubling(pack, tmp_path):
    shares = {"garden@00000010": 0.25, "garden@00000050": 0.5}

    def knows(question):
        share = shares.get(question.adapter, 1.0)
        heather, quince = "heather" in question.text, "quince" in question.text
        return truth(question) if share == 1.0 or heather or (share == 0.5 and quince) else {"month": "June"}

    names = {f"hybrid@{name.partition('@')[2]}": name for name in shares}
    curve = {**{arm: shares[name] for arm, name in names.items()}, "hybrid": 1.0}
    result = run(pack, tmp_path, Gardener(knows), ["hybrid", *names], adapters=names, curve=curve)
    told = result.document["learning_curve"]
    assert [(p["share"], p["mean"]) for p in told["points"]] == [(0.25, 0.3333), (0.5, 0.6667), (1.0, 1.0)]
    assert told["last_doubling"]["mean"] == 0.3333
    assert result.document["seeds"] == []  # other data, not other seeds
    assert "By share of the training data: 25%: 33.3, 50%: 66.7, 100%: 100.0." in result.table
    assert "Would more data help" in (tmp_path / "out" / "report.html").read_text()
    assert run(pack, tmp_path, Gardener(truth), ["hybrid"], out="b").document["learning_curve"] is None


def test_adapters_are_served_around_their_arm_and_no_longer(pack, tmp_path):
    events: list[str] = []

    @asynccontextmanager
    async def serving(name):
        events.append(f"open {name}")
        yield
        events.append(f"close {name}")

    def knows(question):
        if not events or events[-1] != question.arm.name:
            events.append(question.arm.name)
        return truth(question)

    own = {"full": "garden@ffffffff"}
    run(pack, tmp_path, Gardener(knows), ("rag", "full", "base", "lora"), adapters=own, serving=serving)
    assert events == [
        *("rag", "open garden@ffffffff", "full", "close garden@ffffffff"),
        *("base", f"open {ADAPTER}", "lora", f"close {ADAPTER}"),
    ]
