"""Lexical terms: identifiers stay whole and yield their parts."""

from core.terms import identifiers, name_terms, terms


def test_identifiers_stay_whole_and_yield_parts():
    assert terms("fields.E003") == ["fields.e003", "fields", "e003"]
    assert terms("CSRF_COOKIE_AGE") == ["csrf_cookie_age", "csrf", "cookie", "age"]
    assert terms("--fail-level") == ["--fail-level", "fail-level", "fail", "level"]
    assert terms("CommonMiddleware") == ["commonmiddleware", "common", "middleware"]


def test_sentence_ends_and_clitics_are_no_terms():
    assert terms("Django's end. Next") == ["django", "end", "next"]


def test_unspaced_scripts_yield_pairs():
    assert terms("数据库迁移 in Django") == ["数据", "据库", "库迁", "迁移", "in", "django"]


def test_names_in_a_question():
    assert identifiers("What does `cut` do, or |date, {% for %}, TEMPLATES, fields.E003 and --fail-level?") == [
        "cut", "date", "for", "TEMPLATES", "fields.E003", "--fail-level",
    ]  # fmt: skip
    assert identifiers("Which filter picks a random item and/or a list, e.g. now?") == []


def test_capitals_are_another_name():
    assert name_terms("TEST") == ["test:caps", "test:is"]
    assert name_terms("Field.localize") == ["field.localize:is", "localize:is"]
