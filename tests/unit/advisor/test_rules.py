"""Every rule of rules.yaml by itself: facts under which it is the one that answers, and facts that just miss it."""

import pytest
from pydantic import ValidationError

from advisor.questions import answer_question
from advisor.rules import Condition, Rules, fill, load_rules

# key, number of the rule, facts under which it applies (and no rule before it), one fact that undoes it
CASES = [
    ("precision", 0, {"exact_share": 0.25, "test_examples": 100}, {"exact_share": 0.24}),
    ("precision", 1, {"exact_share": 0.1, "base_high": 0.2, "base_mean": 0.1}, {"base_high": 0.3}),
    ("behaviour", 0, {"schemas": 1, "free_validity_high": 0.9, "free_validity_mean": 0.8, "free_validity_low": 0.7},
     {"schemas": 0}),
    ("behaviour", 1, {"style_high": 0.7, "style_mean": 0.6}, {"style_high": 0.8}),
    ("behaviour", 2, {"free_validity_low": 0.96, "free_validity_mean": 0.99, "style_low": 0.9, "style_mean": 0.95},
     {"free_validity_low": 0.9}),
    ("behaviour", 3, {"schemas": 2}, {"schemas": 0}),
    ("edge_cases", 0, {"weak_gap": 0.2, "weak_n": 8, "weak_mean": 0.3, "weak_group": "naming: described",
     "untrained_mean": 0.5, "best_untrained": "rag"}, {"weak_n": 7}),
    ("edge_cases", 1, {"untrained_refusal_high": 0.5, "untrained_refusal_mean": 0.4}, {"untrained_refusal_high": 0.6}),
    ("edge_cases", 2, {"untrained_low": 0.9, "untrained_mean": 0.95, "best_untrained": "rag"}, {"untrained_low": 0.89}),
    ("reliability", 0, {"any_validity_high": 0.9, "any_validity_low": 0.8, "any_validity_mean": 0.85},
     {"any_validity_high": 0.95}),
    ("reliability", 1, {"untrained_refusal_high": 0.4, "untrained_refusal_mean": 0.3}, {"untrained_refusal_high": 0.5}),
    ("reliability", 2, {"any_validity_low": 0.97, "any_validity_mean": 0.99}, {"any_validity_low": 0.9}),
    ("cost", 0, {"prompt_ratio": 1.5, "untrained_low": 0.5, "untrained_prompt": 1500.0, "trained_prompt": 1000.0,
     "best_untrained": "rag+icl", "best_trained": "hybrid"}, {"prompt_ratio": 1.4}),
    ("data", 0, {"train_examples": 0}, {"train_examples": 1}),
    ("data", 1, {"train_examples": 9, "check_errors": 1}, {"check_errors": 0}),
    ("data", 2, {"curve_gain_low": 0.02, "curve_gain_mean": 0.05}, {"curve_gain_low": 0.01}),
    ("data", 3, {"gain_low": 0.1, "gain_points": "+20", "train_examples": 90, "best_trained": "hybrid",
     "best_untrained": "rag"}, {"gain_low": 0.0}),
    ("data", 4, {"train_examples": 60, "train_records": 49}, {"train_records": 50}),
    ("data", 5, {"train_examples": 600, "train_records": 200, "check_errors": 0}, {"check_errors": None}),
    ("transparency", 0, {"evidence_share": 0.5}, {"evidence_share": 0.4}),
    ("resources", 0, {"training_minutes": 9.0}, {"training_minutes": None}),
    ("resources", 1, {"gpus": 1}, {"gpus": 0}),
    ("resources", 2, {"memory_gib": 12.0}, {"memory_gib": 11.0}),
    ("resources", 3, {"memory_gib": 5.0}, {"memory_gib": 6.0}),
    ("changes", 0, {"churn_share": 0.05}, {"churn_share": 0.04}),
    ("upkeep", 0, {"adapters": 2}, {"adapters": 1}),
]  # fmt: skip


def _rules_of(key):
    rules = load_rules()
    return next(question for question in (*rules.questions, *rules.weighed) if question.key == key)


@pytest.mark.parametrize(("key", "number", "facts", "undone"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_a_rule_answers_when_its_conditions_hold_and_not_when_one_misses(key, number, facts, undone):
    question = _rules_of(key)
    rule = question.rules[number]
    answered = answer_question(question, facts, None)
    assert (answered.answer, answered.source) == (rule.answer, "measured")
    assert answered.evidence.startswith(fill(rule.evidence, facts))
    assert "not known" not in fill(rule.evidence, facts)
    other = answer_question(question, facts | undone, None)
    assert not other.evidence.startswith(fill(rule.evidence, facts | undone)) or other.answer == "unknown"


def test_every_rule_has_a_case():
    rules = load_rules()
    there = {(q.key, n) for q in (*rules.questions, *rules.weighed) for n in range(len(q.rules))}
    assert there == {(key, number) for key, number, _, _ in CASES}


def test_there_are_nine_questions_and_each_is_unknown_without_facts():
    rules = load_rules()
    assert len(rules.questions) == 9
    for question in (*rules.questions, *rules.weighed):
        assert answer_question(question, {}, None).answer == "unknown"


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("gain_low > 0", {"gain_low": 0.01}, True),
        ("gain_low > 0", {"gain_low": 0.0}, False),
        ("gain_low > 0", {}, False),
        ("gain_low <= 0", {"gain_low": None}, False),
        ("answer_data != yes", {"answer_data": "no"}, True),
        ("answer_data == yes", {"answer_data": "yes"}, True),
        ("tuning_wanted == true", {"tuning_wanted": True}, True),
        ("best_trained != none", {"best_trained": "none"}, False),
    ],
)
def test_conditions(text, facts, holds):
    assert Condition.parse(text).holds(facts) is holds


@pytest.mark.parametrize("text", ["gain_low", "gain_low > ", "gain_low => 0", "__import__('os') == 1"])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ValueError, match="not of the form"):
        Condition.parse(text)


def test_a_misspelt_key_is_an_error():
    with pytest.raises(ValidationError, match="evidnce"):
        Rules.model_validate(
            {"questions": [], "weighed": [], "prediction": [], "order": [], "changes": [],
             "next_data": [{"if": [], "what": "a", "why": "b", "command": "c", "evidnce": "d"}]}
        )  # fmt: skip


def test_unknown_facts_say_so_in_texts():
    assert fill("{known:.0%} of {missing:.0%}, {none}", {"known": 0.5, "none": None}) == "50% of not known, not known"


def test_every_fact_that_rules_and_texts_name_exists():
    """A misspelt fact would make a rule that never applies."""
    import re

    from advisor.facts import domain_facts, lab_facts, miss_facts
    from advisor.questions import pulls

    from .conftest import KNOWN, arm, figure, lab

    groups = {"naming": {"described": {"field_em": figure(0.2, n=20)}}}
    measured = lab(
        {
            "base": arm(0.1, validity=0.1, style=0.5, refusal_recall=0.1, by=groups),
            "rag": arm(0.3, retrieval=True, validity=0.2, citation_correct=0.3, style=0.4, by=groups),
            "rag+schema": arm(0.3, retrieval=True, validity=0.8),
            "hybrid": arm(0.6, trained=True, retrieval=True, validity=0.9, refusal_recall=0.5),
        },
        margin={"detectable": 0.2},
        learning_curve={"points": [1], "last_doubling": figure(0.02)},
        drill={"seconds": 2.0, "facts": 5, "followed": []},
    )
    rules = load_rules()
    facts = domain_facts(KNOWN) | lab_facts(measured)
    answers = [answer_question(q, facts, None) for q in (*rules.questions, *rules.weighed)]
    facts |= pulls(answers) | miss_facts(measured, "rag") | {"arm": "rag", "recommended_trained": True}
    everything = rules.model_dump_json(by_alias=True)
    named = set(re.findall(r'"fact":"(\w+)"', everything)) | set(re.findall(r"\{(\w+)(?::[^}]*)?\}", everything))
    assert named - set(facts) == set()
