"""The number of worked examples: chosen on training questions, whose records are held out."""

import asyncio

import pytest

from core.errors import LabError, RequestError
from core.settings import LabSettings
from evaluation.tune_icl import tune_icl

from .conftest import Gardener, truth


def tune(pack, tmp_path, answerer_for, **options):
    return asyncio.run(
        tune_icl(
            answerer_for, pack, LabSettings(), fingerprint="f", cache_dir=tmp_path / "lab", retry_waits=(), **options
        )
    )


def knows_with(*good_counts):
    calls = []

    def answerer_for(count, held_out):
        gardener = Gardener(lambda q: truth(q) if count in good_counts else {"plant": "no", "month": "no"})
        calls.append((count, held_out, gardener))
        return gardener

    return answerer_for, calls


def test_the_best_count_wins_and_the_smaller_of_equals(pack, tmp_path):
    assert tune(pack, tmp_path / "a", knows_with(3)[0]) == 3
    assert tune(pack, tmp_path / "b", knows_with(5, 3)[0]) == 3
    assert tune(pack, tmp_path / "c", knows_with()[0]) == 1


def test_only_training_questions_are_asked_and_their_records_held_out(pack, tmp_path):
    answerer_for, calls = knows_with(1)
    tune(pack, tmp_path, answerer_for, sample=5)
    tested = {example.question for example in pack.test_examples}
    by_question = {example.question: example.record for example in pack.train_examples}
    for count, held_out, gardener in calls:
        assert count in (1, 3, 5)
        assert len(gardener.asked) == 5
        assert {by_question[q.text] for q in gardener.asked} == set(held_out)
        assert not tested & {q.text for q in gardener.asked}


def test_a_repeat_is_answered_from_the_cache(pack, tmp_path):
    tune(pack, tmp_path, knows_with(5)[0])
    answerer_for, calls = knows_with()
    assert tune(pack, tmp_path, answerer_for) == 5
    assert not any(gardener.asked for _, _, gardener in calls)


def test_without_answerable_training_examples_it_is_refused(pack, tmp_path):
    pack.train_file.write_text("")
    with pytest.raises(LabError, match="no answerable training examples"):
        tune(pack, tmp_path, knows_with(1)[0])


def too_long_with(*counts, questions=range(8)):
    """Knows nothing with one example and everything with more, of which `counts` do not fit for these questions."""

    def answerer_for(count, _held_out):
        def knows(question):
            if count in counts and any(f"plant{n} " in question.text for n in questions):
                return RequestError("the prompt is over the context")
            return truth(question) if count > 1 else {"plant": "no", "month": "no"}

        return Gardener(knows)

    return answerer_for


def test_a_number_with_which_questions_fail_is_no_choice_beside_one_that_works(pack, tmp_path):
    assert tune(pack, tmp_path / "a", too_long_with()) == 3
    assert tune(pack, tmp_path / "b", too_long_with(3, questions=[1])) == 5
    assert tune(pack, tmp_path / "c", too_long_with(3, 5, questions=[1])) == 1
    assert tune(pack, tmp_path / "d", too_long_with(1, 3, 5, questions=[1])) == 3


def test_examples_that_never_fit_end_the_tuning_only_where_fewer_do_not_fit_either(pack, tmp_path, monkeypatch):
    monkeypatch.setattr("evaluation.asking.GIVE_UP_AFTER", 3)
    assert tune(pack, tmp_path / "a", too_long_with(5)) == 3
    assert tune(pack, tmp_path / "b", too_long_with(3, 5)) == 1
    with pytest.raises(LabError, match="over the context"):
        tune(pack, tmp_path / "c", too_long_with(1, 3, 5))
