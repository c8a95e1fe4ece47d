"""Spanning cells made plain."""

import pytest
from lxml import html

from ingest.html_tables import plain_cells


def expanded(rows):
    table = html.fragment_fromstring(f"<table>{rows}</table>")
    plain_cells(table)
    return [[cell.text or "" for cell in row] for row in table.iter("tr")]


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        ("<tr><td>a</td><td>b</td></tr>", [["a", "b"]]),
        ("<tr><td colspan=2>a</td><td>b</td></tr>", [["a", "", "b"]]),
        ("<tr><td rowspan=2>a</td><td>b</td></tr><tr><td>c</td></tr>", [["a", "b"], ["a", "c"]]),
        ("<tr><td>b</td><td rowspan=2>a</td></tr><tr><td>c</td></tr>", [["b", "a"], ["c", "a"]]),
        ("<tr><td rowspan=2 colspan=2>a</td><td>b</td></tr><tr><td>c</td></tr>", [["a", "", "b"], ["a", "", "c"]]),
        ("<thead><tr><th rowspan=2>a</th></tr></thead><tbody><tr><td>c</td></tr></tbody>", [["a"], ["a", "c"]]),
        ("<tr><td rowspan=0>a</td><td colspan=x>b</td></tr>", [["a", "b"]]),
    ],
)
def test_spans(rows, cells):
    assert expanded(rows) == cells


def test_a_span_without_end_is_bounded():
    rows = expanded(
        "<tr><td colspan=99999999>a</td></tr>" + "<tr><td rowspan=99999999 colspan=99999>b</td></tr>" * 2000
    )
    assert sum(map(len, rows)) < 200_000
