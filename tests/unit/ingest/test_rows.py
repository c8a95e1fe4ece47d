"""CSV, TSV, JSON lines: the header, and records that are never torn."""

import csv
import io

from ingest.rows import rows_document


def records(text):
    document = rows_document(text)
    return [text[block.start : block.end] for block in document.blocks], document.blocks[0].head


def test_plain_lines_are_one_run_with_its_header():
    text = "code,meaning\nE1,low\nE2,high\n"
    assert records(text) == ([text.strip()], (0, 12))


def test_a_record_of_several_lines_stays_whole():
    text = 'code,meaning\nE1,"low,\nvery ""low"""\nE2,high\nE3,"x\n\ny"\n'
    runs, head = records(text)
    assert runs == ["code,meaning", 'E1,"low,\nvery ""low"""', "E2,high", 'E3,"x\n\ny"']
    assert head == (0, 12)
    assert list(csv.reader(io.StringIO("\n".join(runs)))) == list(csv.reader(io.StringIO(text)))


def test_an_inch_mark_does_not_swallow_the_file():
    text = "part\tsize\n" + 'screen\t5"\n' + "".join(f"row {n}\tx\n" for n in range(999))
    runs, _ = records(text)
    assert "\n".join(runs) == text.strip()
    assert len(runs) < 10


def test_json_lines_have_no_header():
    text = '{"a": "1\\" "}\n{"a": 2}\n'
    assert records(text) == ([text.strip()], None)


def test_blank_lines_around_are_left_out():
    runs, head = records("\n\na,b\n1,2\n\n\n3,4\n\n")
    assert runs[0].startswith("a,b\n1,2")
    assert "3,4" in runs[0]
    assert head == (2, 5)


def test_an_empty_first_cell_keeps_its_place():
    text = "\n \n\tname\tprice\n0\tApple\t3\n"
    runs, head = records(text)
    assert runs == ["\tname\tprice\n0\tApple\t3"]
    assert text[slice(*head)] == "\tname\tprice"


def test_json_lines_may_be_indented():
    assert records('  {"a": 1}\n  {"a": 2}\n')[1] is None
