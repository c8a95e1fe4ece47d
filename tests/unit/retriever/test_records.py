"""Which lines are records: of what ingestion writes, and of nothing else."""

import pytest

from retriever.records import Records, records_in


def table(rows, names):
    return Records(tuple(range(row, row + 1) for row in rows), frozenset(names))


@pytest.mark.parametrize(
    ("source", "lines", "found"),
    [
        ("a.xlsx", ["Title", "", "a | b", "1 | 2", "3 | 4"], table([3, 4], [2])),
        ("a.md", ["| a | b |", "|---|:-:|", "| 1 | 2 |", "| 3 | 4 |", "", "Text."], table([2, 3], [0, 1])),
        ("a.html", ["a | b | c", "1 | 2 | 3", "4 | 5"], table([1, 2], [0])),
        ("a.csv", ["a,b", "1,2", "3,4"], table([1, 2], [0])),
        ("A.CSV", ["a;b", "1;2", "3;4"], table([1, 2], [0])),
        ("a.csv", ["a;b", "1,5;2,5", "3,5;4,5", "5,5;6,5"], table([1, 2, 3], [0])),
        ("a.rst", ["Title", "-----", "a | b", "1 | 2", "3 | 4"], table([3, 4], [2])),
        ("a.md", ["| a | b |", "|---|---|", "| **x** |  |", "| 1 | 2 |", "| 3 | 4 |"], table([3, 4], [0, 1, 2])),
        ("a.tsv", ["a\tb", "1\t2", "3\t4"], table([1, 2], [0])),
        ("a.json", ['  "x": [', '    {"a": 1},', '    {"a": 2}', "  ]"], table([1, 2], [])),
        ("a.jsonl", ['{"a": 1}', '{"a": 2}'], table([0, 1], [])),
    ],
)
def test_rows_and_header_are_told_apart(source, lines, found):
    assert records_in(lines, source) == [found]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a.md", ["First, second.", "Third, fourth.", "Fifth, sixth."]),
        ("a.xlsx", ["a | b", "1 | 2"]),
        ("a.csv", ["a,b", '1,"two', 'lines"', "3,4"]),
        ("a.rst", ["| a | b |", "+---+---+", "| 1 | x |", "|   | y |", "+---+---+"]),
        ("a.rst", ["+---+---+", "| 1 | x |", "|   | y |", "|   | z |", "+---+---+"]),
        ("a.md", ["| a | b |", "|---|---|", "| 1 | 2 |", "|---|---|", "| 3 | 4 |"]),
        ("a.json", ["{", '  "a": 1,', '  "b": 2', "}"]),
        ("a.txt", []),
        ("a.py", ["x: int | None", "y: str | None", "z: int | str"]),
        ("a.md", ["```sh", "cat a | wc", "cat b | wc", "cat c | wc", "```"]),
        ("a.rst", ["    cat a | wc", "    cat b | wc", "    cat c | wc"]),
        ("a.md", ["| a | b |", "|---|---|", "| **x** |  |", "| 1 | 2 |"]),
    ],
)
def test_what_is_no_table_has_no_rows(source, lines):
    assert records_in(lines, source) == []


def test_two_tables_are_two():
    lines = ["a | b", "1 | 2", "3 | 4", "", "c | d", "5 | 6", "7 | 8"]
    assert records_in(lines, "a.pdf") == [table([1, 2], [0]), table([5, 6], [4])]


def spans(*lines):
    return [[(row.start, row.stop) for row in records.rows] for records in records_in(lines, "a.md")]


def test_entries_of_a_list_of_definitions():
    assert spans("- **a.E1**: One.", "- **a.E2**: Two.", "", "Text.") == [[(0, 1), (1, 2)]]
    assert spans("* `x` \u2013 one", "* `y` (new): two", "* ``z``: three") == [[(0, 1), (1, 2), (2, 3)]]
    assert spans("Before:", "", "* `x` \u2013 one", "* ``y``: two") == [[(2, 3), (3, 4)]]


def test_what_is_indented_below_an_entry_belongs_to_it():
    lines = ["- **a**: One", "  goes on.", "", "      code", "", "- **b**: Two", "  - **c**: inner", "Text."]
    assert spans(*lines) == [[(0, 5), (5, 7)]]


@pytest.mark.parametrize(
    "line", ["- Open the door.", "1. **Open**: it.", "- **Open** the door", "  - **a**: b", "-- **a**: b"]
)
def test_other_lists_are_no_records(line):
    assert spans(line, line, line) == []
