"""Which lines are rows: of the tables that ingestion writes, and of nothing else."""

import pytest

from retriever.table_rows import Table, tables_in


@pytest.mark.parametrize(
    ("source", "lines", "found"),
    [
        ("a.xlsx", ["Title", "", "a | b", "1 | 2", "3 | 4"], Table(2, 3, 5)),
        ("a.md", ["| a | b |", "|---|:-:|", "| 1 | 2 |", "| 3 | 4 |", "", "Text."], Table(0, 2, 4)),
        ("a.html", ["a | b | c", "1 | 2 | 3", "4 | 5"], Table(0, 1, 3)),
        ("a.csv", ["a,b", "1,2", "3,4"], Table(0, 1, 3)),
        ("A.CSV", ["a;b", "1;2", "3;4"], Table(0, 1, 3)),
        ("a.csv", ["a;b", "1,5;2,5", "3,5;4,5", "5,5;6,5"], Table(0, 1, 4)),
        ("a.rst", ["Title", "-----", "a | b", "1 | 2", "3 | 4"], Table(2, 3, 5)),
        ("a.md", ["| a | b |", "|---|---|", "| **x** |  |", "| 1 | 2 |", "| 3 | 4 |"], Table(0, 2, 5, frozenset({2}))),
        ("a.tsv", ["a\tb", "1\t2", "3\t4"], Table(0, 1, 3)),
        ("a.json", ['  "x": [', '    {"a": 1},', '    {"a": 2}', "  ]"], Table(1, 1, 3)),
        ("a.jsonl", ['{"a": 1}', '{"a": 2}'], Table(0, 0, 2)),
    ],
)
def test_rows_and_header_are_told_apart(source, lines, found):
    assert tables_in(lines, source) == [found]


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
    assert tables_in(lines, source) == []


def test_two_tables_are_two():
    lines = ["a | b", "1 | 2", "3 | 4", "", "c | d", "5 | 6", "7 | 8"]
    assert tables_in(lines, "a.pdf") == [Table(0, 1, 3), Table(4, 5, 7)]
