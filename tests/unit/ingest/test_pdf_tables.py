"""Tables on a page of a PDF, told from prose in columns and from lists."""

from ingest.pdf_page import Line, Page, Span
from ingest.pdf_tables import find_tables

PROSE = [
    "The battery keeps the power of the day for the",
    "evening, and it does so without being looked at.",
    "Owners who want to know more find the figures in",
    "the data sheet, and the steps in the manual that",
    "came in the box together with the battery itself.",
]


def line(base, *spans, height=10.0):
    return Line(tuple(Span(text, x, x + 5.0 * len(text)) for x, text in spans), base, height, bold=False)


def page(lines, rules=(), bars=()):
    return Page((tuple(lines),), tuple(rules), tuple(bars), 800.0, 600.0)


def rows(*tables):
    return [[" | ".join(row) for row in table.rows] for table in tables]


def test_columns_of_short_cells_are_a_table_without_any_rule():
    lines = [line(700 - 14 * n, (50, f"B10{n}"), (150, "Fan blocked"), (300, "notice")) for n in range(4)]
    (table,) = find_tables(page(lines))
    assert rows(table) == [[f"B10{n} | Fan blocked | notice" for n in range(4)]]
    assert len(table.lines) == 4


def test_two_columns_of_prose_are_no_table():
    lines = [line(700 - 14 * n, (50, PROSE[n % 5]), (320, PROSE[(n + 2) % 5])) for n in range(12)]
    assert find_tables(page(lines)) == []


def test_a_table_in_one_of_two_columns_of_prose_is_found():
    lines = [line(700 - 14 * n, (50, PROSE[n % 5])) for n in range(5)]
    lines += [line(630 - 14 * n, (60, f"B10{n}"), (150, "low")) for n in range(4)]
    lines += [line(574 - 14 * n, (50, PROSE[n % 5])) for n in range(4)]
    lines += [line(700 - 14 * n, (320, PROSE[n % 5])) for n in range(13)]
    (table,) = find_tables(page(lines))
    assert rows(table) == [[f"B10{n} | low" for n in range(4)]]


def test_wrapped_cells_are_joined_by_the_rules_around_them():
    lines = [line(700, (50, "Setting"), (150, "What it does"))]
    for n in range(3):
        top = 680 - 40 * n
        # The label stands in the middle of its row, between the two lines beside it.
        lines += [line(top, (150, "Sets the highest charge of a")), line(top - 6, (50, f"limit_{n}"))]
        lines += [line(top - 12, (150, "battery in daily use"))]
    rules = [(y, 45.0, 400.0) for y in (712, 692, 652, 612, 572)]
    (table,) = find_tables(page(lines, rules))
    assert rows(table) == [
        [
            "Setting | What it does",
            *(f"limit_{n} | Sets the highest charge of a battery in daily use" for n in range(3)),
        ]
    ]


def test_wrapped_cells_without_rules_are_joined_by_their_distance():
    lines = [line(700, (50, "Setting"), (150, "What it does"), (400, "Default"))]
    for n in range(3):
        lines += [line(680 - 40 * n, (50, f"limit_{n}"), (150, "Sets the highest charge of a"), (400, "90 %"))]
        lines += [line(668 - 40 * n, (150, "battery in daily use"))]
    (table,) = find_tables(page(lines))
    assert rows(table)[0][1] == "limit_0 | Sets the highest charge of a battery in daily use | 90 %"
    assert len(table.rows) == 4


def test_empty_cells_keep_their_column():
    lines = [line(700, (50, "Model"), (150, "Roof"), (250, "Garage"))]
    lines += [
        line(686, (50, "Roost 5"), (250, "x")),
        line(672, (50, "Roost 10"), (150, "x")),
        line(658, (50, "A"), (250, "x")),
    ]
    (table,) = find_tables(page(lines))
    assert rows(table) == [["Model | Roof | Garage", "Roost 5 |  | x", "Roost 10 | x | ", "A |  | x"]]


def test_numbers_beside_their_texts_are_a_list():
    lines = [line(700, (50, "1."), (70, "Switch the battery off and wait for")), line(686, (70, "one minute."))]
    lines += [line(672, (50, "2."), (70, "Reseat the plug."))]
    (table,) = find_tables(page(lines))
    assert table.is_list
    assert table.rows == [["1. Switch the battery off and wait for\none minute."], ["2. Reseat the plug."]]


def test_a_line_of_text_below_ends_the_table():
    lines = [line(700 - 14 * n, (50, f"B10{n}"), (150, "low")) for n in range(4)]
    lines.append(line(640, (50, "This line of text runs across both of the columns above it.")))
    (table,) = find_tables(page(lines))
    assert len(table.rows) == 4
