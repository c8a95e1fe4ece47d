"""Intervals: against theory, paired, by record, the same for the same seed."""

import random

import pytest

from evaluation.bootstrap import Bootstrap, Ratio


def means(values: list[float | None]) -> Ratio:
    return Ratio([(0.0, 0.0) if v is None else (v, 1.0) for v in values])


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_interval_of_a_share_is_about_two_standard_errors_wide():
    figure = Bootstrap(names(400), 4000, 1).figure(means([1.0] * 200 + [0.0] * 200))
    assert figure is not None
    assert figure.mean == 0.5
    assert figure.n == 400
    assert figure.ci95[0] == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert figure.ci95[1] == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    chance = random.Random(3)
    covered = 0
    for run in range(200):
        sample = [float(chance.random() < 0.3) for _ in range(80)]
        figure = Bootstrap(names(80), 400, run).figure(means(sample))
        assert figure is not None
        covered += figure.ci95[0] <= 0.3 <= figure.ci95[1]
    assert 0.88 <= covered / 200 <= 0.99


def test_pairing_sees_a_small_steady_difference_that_single_intervals_hide():
    chance = random.Random(5)
    low = [chance.random() for _ in range(100)]
    high = [value + 0.02 for value in low]
    bootstrap = Bootstrap(names(100), 1000, 2)
    difference = bootstrap.difference(means(high), means(low))
    assert difference is not None
    assert difference.mean == pytest.approx(0.02)
    assert difference.ci95[0] == pytest.approx(0.02)
    single = bootstrap.figure(means(high)), bootstrap.figure(means(low))
    assert single[0] is not None
    assert single[1] is not None
    assert single[0].ci95[0] < single[1].ci95[1]


def test_questions_of_one_record_are_drawn_together():
    values = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 10
    alone = Bootstrap(names(80), 2000, 1).figure(means(values))
    by_record = Bootstrap([str(number // 4) for number in range(80)], 2000, 1).figure(means(values))
    assert alone is not None
    assert by_record is not None
    width = lambda figure: figure.ci95[1] - figure.ci95[0]  # noqa: E731
    assert width(by_record) == pytest.approx(2 * width(alone), rel=0.2)


def test_ratio_of_sums_and_what_does_not_apply():
    bootstrap = Bootstrap(names(3), 200, 1)
    assert bootstrap.figure(Ratio([(0.0, 0.0)] * 3)) is None
    assert bootstrap.difference(means([1.0, 1.0, 1.0]), Ratio([(0.0, 0.0)] * 3)) is None
    figure = bootstrap.figure(Ratio([(1.0, 4.0), (2.0, 2.0), (0.0, 0.0)]))
    assert figure is not None
    assert figure.mean == 0.5
    assert figure.n == 2
    assert (round(figure.ci95[0], 6), round(figure.ci95[1], 6)) == (0.25, 1.0)


def test_resamples_in_which_one_figure_does_not_apply_are_left_out():
    left, right = Ratio([(1.0, 1.0), (0.0, 0.0)]), Ratio([(0.0, 0.0), (0.25, 1.0)])
    figure = Bootstrap(names(2), 200, 1).difference(left, right)
    assert figure is not None
    assert figure.ci95 == (0.75, 0.75)


def test_interaction_is_a_combination_of_four_figures():
    def whole(v):
        return v[0] - v[1] - v[2] + v[3]

    terms = [means([value] * 4) for value in (0.9, 0.5, 0.4, 0.1)]
    figure = Bootstrap(names(4), 200, 1).combine(terms, whole)
    assert figure is not None
    assert figure.mean == pytest.approx(0.1)
    assert figure.ci95 == (pytest.approx(0.1), pytest.approx(0.1))


def test_the_same_seed_gives_the_same_interval_and_another_another():
    values = means([float(n % 3 == 0) for n in range(50)])
    first, again, other = (Bootstrap(names(50), 300, seed).figure(values) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_detectable_difference_shrinks_with_the_square_root_of_the_questions():
    def detectable(count: int) -> float:
        left, right = means([float(n % 2) for n in range(count)]), means([float(n % 4 > 1) for n in range(count)])
        found = Bootstrap(names(count), 2000, 1).detectable(left, right)
        assert found is not None
        return found

    assert detectable(400) == pytest.approx(2.8 * (0.5 / 400) ** 0.5, rel=0.1)
    assert detectable(100) == pytest.approx(2 * detectable(400), rel=0.15)


def test_quantiles_are_values_that_occur_and_their_intervals_hold_them():
    chance = random.Random(5)
    values = [chance.expovariate(1) for _ in range(200)] + [None] * 20
    bootstrap = Bootstrap(names(220), 1000, 1)
    median, p95 = bootstrap.quantile(values, 0.5), bootstrap.quantile(values, 0.95)
    assert median is not None
    assert p95 is not None
    known = sorted(value for value in values if value is not None)
    assert (median.mean, p95.mean) == (known[99], known[189])
    assert median.n == 200
    for figure in (median, p95):
        assert figure.ci95[0] < figure.mean < figure.ci95[1]
    assert median.ci95[1] < p95.ci95[0]
    assert bootstrap.quantile([None] * 220, 0.5) is None
