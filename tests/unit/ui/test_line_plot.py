"""Line plots: every step is named once, and nothing is drawn of nothing."""

import re

import pytest

from ui.line_plot import Series, line_plot


@pytest.mark.parametrize(
    ("across", "named"), [(2, ["0", "1", "2"]), (3, ["0", "1", "2", "3"]), (111, ["0", "28", "56", "83", "111"])]
)
def test_steps_are_whole_and_named_once(across, named):
    plot = line_plot("Loss", [Series("training", "first", [(1, 2.0), (2, 1.0)])], across=across)
    assert re.findall(r'text-anchor="middle"[^>]*>([^<]+)<', str(plot)) == named


def test_nothing_is_no_plot():
    assert line_plot("Loss", [Series("training", "first", [])], across=3) is None
