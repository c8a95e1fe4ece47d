"""The advice before and after labs of every outcome: what is named, against what, and when not to fine-tune."""

import json

import pytest

from advisor.advice import advise
from advisor.facts import Known
from advisor.lab_file import Lab
from advisor.ladder import chosen, climb
from advisor.markdown import to_markdown

from .conftest import KNOWN, arm, document, figure, lab

UNTRAINED = {"base": arm(0.05), "rag": arm(0.2, retrieval=True), "rag+icl": arm(0.3, retrieval=True)}
AHEAD = {**UNTRAINED, "lora": arm(0.35, trained=True), "hybrid": arm(0.6, trained=True, retrieval=True)}
BEHIND = {**UNTRAINED, "lora": arm(0.2, trained=True), "hybrid": arm(0.33, trained=True, retrieval=True)}


def test_the_json_has_exactly_the_promised_keys():
    told = json.loads(advise(KNOWN, lab(AHEAD)).model_dump_json())
    assert list(told) == ["recommendation", "questions", "order", "next_data"]
    assert {"arm", "gain", "ci95", "cost", "because"} <= set(told["recommendation"])
    assert len(told["questions"]) == 9
    assert all({"question", "answer", "evidence"} <= set(entry) for entry in told["questions"])


def test_before_a_lab_it_guesses_says_so_and_begins_with_icl():
    told = advise(KNOWN)
    found = told.recommendation
    assert (found.arm, found.gain, found.ci95, found.status) == ("hybrid", None, None, "not measured")
    assert "Not measured yet" in found.because
    assert "ICL" in told.order[0]["step"]
    assert told.order[-1]["step"].startswith("fine-tune")
    assert any("graft lab --domain garden" in text for text in found.would_change)


@pytest.mark.parametrize(
    ("change", "said", "arm"),
    [
        ({}, {"resources": False}, "rag+icl"),
        ({"train_examples": 0, "train_records": 0, "check_errors": None}, {}, "rag"),
        ({"check_errors": 3}, {}, "rag+icl"),
        ({"test_with_evidence": 0}, {"transparency": False, "changes": False, "precision": False}, "lora"),
        (
            {"schemas": 0, "test_structured": 0, "test_with_evidence": 0},
            dict.fromkeys(("precision", "behaviour", "transparency", "changes"), False),
            "icl",
        ),
    ],
)
def test_the_guess_follows_the_answers(change, said, arm):
    assert advise(KNOWN.model_copy(update=change), None, said).recommendation.arm == arm


def test_a_clear_gain_confirms_the_hybrid_with_its_interval():
    found = advise(KNOWN, lab(AHEAD)).recommendation
    assert (found.arm, found.against, found.fine_tune, found.status) == ("hybrid", "rag+icl", "yes", "confirmed")
    assert found.gain == pytest.approx(0.3)
    assert found.ci95 == pytest.approx((0.22, 0.38))
    assert "+30 points [+22, +38] against rag+icl" in found.because
    assert found.cost["training_minutes"] == 9.0


def test_a_gain_that_does_not_show_means_do_not_fine_tune():
    told = advise(KNOWN, lab(BEHIND))
    found = told.recommendation
    assert (found.arm, found.fine_tune, found.status) == ("rag+icl", "no", "overturned")
    assert "Do not fine-tune: no trained arm is clearly ahead" in found.because
    assert "hybrid has the highest figure, but is not told apart" in found.because
    assert (found.against, found.gain) == ("base", pytest.approx(0.25))
    assert found.cost["training_minutes"] is None


def test_what_must_be_traceable_rules_out_arms_without_passages():
    arms = {"base": arm(0.1), "rag": arm(0.2, retrieval=True), "lora": arm(0.9, trained=True)}
    assert advise(KNOWN, lab(arms)).recommendation.arm == "rag"
    free = advise(KNOWN, lab(arms), {"transparency": False}).recommendation
    assert (free.arm, free.fine_tune) == ("lora", "yes")


def test_an_arm_has_passages_by_what_it_is_though_no_test_question_names_evidence():
    arms = {name: {**entry, "evidence_recall": None} for name, entry in AHEAD.items()}
    assert [name for name in arms if lab(arms).retrieves(name)] == ["rag", "rag+icl", "hybrid"]
    found = advise(KNOWN, lab(arms)).recommendation
    assert (found.arm, found.status) == ("hybrid", "confirmed")
    other = {name: arm(0.2, retrieval=name == "rag+graph") for name in ("rag+graph", "cot")}  # of a Graft to come
    assert [name for name in other if lab(other).retrieves(name)] == ["rag+graph"]


@pytest.mark.parametrize(
    ("arms", "said", "headline"),
    [
        ({"base": arm(0.1), "icl": arm(0.3)}, {}, "No arm of the lab fits; the questions speak for hybrid: ask it."),
        ({"hybrid": AHEAD["hybrid"]}, {"upkeep": False}, "No arm of the lab fits; the questions speak for rag+icl:"),
        ({"lora": AHEAD["lora"]}, {"transparency": True}, "No arm of the lab fits; the questions speak for hybrid:"),
    ],
)
def test_a_lab_whose_arms_are_all_left_out_says_so_and_why(arms, said, headline):
    told = advise(KNOWN, lab(arms), said)
    found = told.recommendation
    assert (found.status, found.gain, found.fine_tune) == ("ineligible", None, "not yet")
    assert [rung.arm for rung in found.ladder] == list(arms)
    why = "nobody trains it or keeps it up" if "upkeep" in said else "answers must be traceable, and it cites nothing"
    assert all(f"{name} is left out: {why}." in found.because for name in arms)
    text = to_markdown(told, "Garden")
    assert headline in text
    assert "Not measured yet" not in text


def test_nobody_to_keep_it_up_rules_out_training_and_is_said():
    found = advise(KNOWN, lab(AHEAD), {"upkeep": False}).recommendation
    assert (found.arm, found.fine_tune) == ("rag+icl", "no")
    assert "hybrid has the highest figure, but nobody trains it or keeps it up" in found.because


def test_without_a_trained_arm_the_question_stays_open():
    found = advise(KNOWN, lab(UNTRAINED)).recommendation
    assert (found.arm, found.fine_tune) == ("rag+icl", "not yet")
    assert "open" in found.because


def test_what_is_measured_goes_before_what_is_said_about_states_and_behind_it_about_needs():
    said = {"data": False, "transparency": False}
    answers = {entry.key: entry for entry in advise(KNOWN, lab(AHEAD), said).questions}
    assert (answers["data"].answer, answers["data"].source) == ("yes", "measured")
    assert "You answered no" in answers["data"].evidence
    assert (answers["transparency"].answer, answers["transparency"].source) == ("no", "said")
    assert "speaks for yes" in answers["transparency"].evidence


def test_misses_say_what_to_collect():
    arms = {**AHEAD, "hybrid": {**AHEAD["hybrid"], "errors": {"ignored": 12, "not_retrieved": 4, "below_budget": 3}}}
    whats = [entry["what"] for entry in advise(KNOWN, lab(arms)).next_data]
    assert whats[:2] == [
        "Better retrieval before more training data",
        "Rows with hard distractors beside the right passage",
    ]
    commands = [entry["command"] for entry in advise(KNOWN, lab(arms)).next_data]
    assert "graft lab collect --domain garden --class ignored" in commands


def test_a_small_lab_asks_for_more_questions():
    told = advise(KNOWN, lab(AHEAD, margin={"detectable": 0.2}))
    assert any(entry["what"] == "Test questions: about 1600 in all" for entry in told.next_data)


def test_cautions_name_what_another_arm_does_better():
    whole = document(AHEAD)
    whole["differences"].append({"arm": "hybrid", "against": "rag", "measure": "refusal_f1", **figure(-0.3)})
    cautions = advise(KNOWN, Lab(whole), None, ("An old lab.",)).recommendation.cautions
    assert cautions[0] == "An old lab."
    assert "In refusal F1 rag is ahead of it by 30 points [25, 35]." in cautions


def test_the_method_table_stands_beside_the_guidance():
    rows = {row["name"]: row for row in advise(KNOWN, lab(AHEAD)).recommendation.methods}
    assert rows["Hybrid (RAG and LoRA)"]["measured"]["mean"] == 0.6
    assert rows["RAG"]["measured"]["arm"] == "rag"
    assert rows["QLoRA"]["measured"] is None
    assert rows["QLoRA"]["suits"]


def test_a_constrained_twin_costs_no_more_than_half_a_step():
    arms = {"rag": arm(0.1, retrieval=True), "lora": arm(0.5, trained=True), "rag+schema": arm(0.5, retrieval=True)}
    assert [rung.arm for rung in climb(lab(arms), needs_citations=False, may_train=True)] == [
        "rag",
        "rag+schema",
        "lora",
    ]
    assert chosen(climb(lab(arms), needs_citations=False, may_train=True)) == "rag+schema"


def test_nothing_known_still_gives_advice():
    told = advise(Known(domain="new"))
    assert told.recommendation.arm == "rag"
    assert {entry.answer for entry in told.questions} == {"unknown", "no"}
    assert told.order[0]["step"] == "write a few examples"


@pytest.mark.parametrize("version", [0, 3, None, "1"])
def test_a_lab_of_another_version_is_refused(version):
    with pytest.raises(ValueError, match="this Graft reads 1 to 2"):
        Lab({**document(AHEAD), "schema_version": version})


def test_a_lab_without_the_arms_to_beat_says_which():
    told = advise(KNOWN, lab({name: AHEAD[name] for name in ("base", "rag", "hybrid")})).recommendation
    assert "Not measured, and to be beaten first: icl, rag+icl." in told.cautions


@pytest.mark.parametrize(("half", "verdict"), [(0.05, "more than"), (0.5, "about")])
def test_the_hybrid_is_told_with_the_interaction(half, verdict):
    told = advise(KNOWN, lab(AHEAD, interaction={"measure": "field_em", **figure(0.1, half)})).recommendation
    assert f"together give {verdict} the sum of what each gives alone (+10 points" in told.because


def test_a_lab_too_small_to_tell_decides_nothing():
    told = advise(KNOWN, lab(BEHIND, half=0.4, margin={"detectable": 0.57}))
    found = told.recommendation
    assert (found.arm, found.fine_tune, found.status) == ("rag", "not yet", "undecided")
    assert "does not exclude a gain of +53 points" in found.because
    assert "Do not fine-tune" not in to_markdown(told, "Garden")
    assert "Use rag for the time being: the lab is too small to tell more." in to_markdown(told, "Garden")
    assert "does not decide" in to_markdown(told, "Garden")


def test_a_gain_that_nobody_could_use_is_not_undecided():
    found = advise(KNOWN, lab(BEHIND, half=0.4), {"upkeep": False}).recommendation
    assert (found.fine_tune, found.status) == ("no", "overturned")


def test_a_left_out_trained_arm_does_not_answer_for_one_that_could_be_used():
    # lora has the highest figure of the trained arms and cites nothing; the hybrid is not told apart from rag+icl.
    arms = {**UNTRAINED, "lora": arm(0.9, trained=True), "hybrid": arm(0.33, trained=True, retrieval=True)}
    found = advise(KNOWN, lab(arms, half=0.4)).recommendation
    assert (found.fine_tune, found.status) == ("not yet", "undecided")
    assert "Whether training pays is open" in found.because
    decided = advise(KNOWN, lab(arms)).recommendation
    assert decided.fine_tune == "no"
    assert "Do not fine-tune: no trained arm is clearly ahead of one without training." in decided.because
    alone = advise(KNOWN, lab({**UNTRAINED, "lora": arms["lora"]})).recommendation
    assert "Do not fine-tune: answers must be traceable, and it cites nothing." in alone.because
