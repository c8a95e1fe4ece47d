"""Descriptions, wordings, invented things and the split."""

import pytest

from core.errors import PackError
from core.types import Example
from domains.django.django_docs import examples, split, subjects
from domains.django.django_docs.describe import forms, unambiguous_forms
from domains.django.django_docs.grammar import gerund, infinitive, lower_first, name_placeholders
from domains.django.django_docs.records import Record
from domains.django.django_docs.wordings import WORDINGS


def check(number: int, message: str) -> Record:
    name = f"shop.E{number:03}"
    fields = {"id": name, "level": "Error", "message": message}
    return Record(f"check:{name}", "check", fields, "ref/checks.md", f"**{name}**: {message}", name)


def setting(name: str, summary: str) -> Record:
    fields = {"name": name, "default": "`None`", "summary": summary}
    return Record(f"setting:{name}", "setting", fields, "ref/settings.md", f"Default: `None` {summary}", name)


def option(flag: str, summary: str) -> Record:
    fields = {"command": "paint", "option": flag, "summary": summary}
    return Record(f"option:paint:{flag}", "command_option", fields, "x.md", summary, f"paint {flag}")


def test_verbs_are_inflected() -> None:
    verbs = ["applies", "caches", "suppresses", "uses", "runs", "outputs"]
    assert [infinitive(verb) for verb in verbs] == ["apply", "cache", "suppress", "use", "run", "output"]
    assert [gerund(infinitive(verb)) for verb in verbs[-3:]] == ["using", "running", "outputting"]


def test_placeholders_become_nouns() -> None:
    assert name_placeholders("The field `<model>.<field name>` clashes with `<other>`.") == (
        "The field clashes with an other."
    )
    assert name_placeholders("Reverse name of `<app label>.<model>`") == "Reverse name of a model"
    assert name_placeholders("`<database>` does not support it") == "a database does not support it"


def test_only_words_are_lowered_not_names() -> None:
    assert [lower_first(t) for t in ("Field names", "A list", "URL of it", "CharFields must")] == [
        "field names",
        "a list",
        "URL of it",
        "CharFields must",
    ]


def test_descriptions_never_repeat_the_answer() -> None:
    said = forms(check(1, "Basket names must not end with an underscore."))
    assert said == {"that": "basket names may not end with an underscore"}
    assert forms(setting("A", "The colour to use for the walls.")) == {
        "np": "colour used for the walls",
        "finite": "holds the colour used for the walls",
    }
    assert forms(setting("B", "Whether to open the shop on Sunday."))["base"] == "open the shop on Sunday"
    made = forms(option("--twice", "Removes the old paint and outputs a list."))
    assert made["ing"] == "removing the old paint and outputting a list"
    assert "finite" not in made  # it would be the summary itself


def test_a_description_that_fits_two_records_is_left_out() -> None:
    alike = [
        check(1, "The basket `<name>` must not be empty at night."),
        check(2, "The basket `<name>` must not be empty at night or day."),
    ]
    left = unambiguous_forms(alike)
    assert left["check:shop.E001"] == {}
    assert left["check:shop.E002"] != {}


def test_every_kind_has_enough_wordings_and_no_wording_twice() -> None:
    for kind, by_naming in WORDINGS.items():
        seen = [t for wordings in by_naming.values() for t in wordings["seen"]]
        unseen = [t for wordings in by_naming.values() for t in wordings["unseen"]]
        assert len(seen) >= 12, kind
        assert len(unseen) >= 6, kind
        assert len({*seen, *unseen}) == len(seen) + len(unseen), kind


def many() -> list[subjects.Subject]:
    made = [check(n, f"Basket part{n} must not hold thing{n} by night{n}.") for n in range(200)]
    made += [setting(f"S{n}", f"The colour{n} to use for wall{n} of house{n}.") for n in range(100)]
    return [*subjects.real_subjects(made), *subjects.invented_subjects()]


def test_rows_are_valid_balanced_and_split_by_record() -> None:
    train, test = examples.build(many())
    parsed = {name: [Example.model_validate(row) for row in rows] for name, rows in (("a", train), ("b", test))}
    assert not {e.record for e in parsed["a"]} & {e.record for e in parsed["b"]}
    assert len({e.id for e in parsed["a"]}) == len(train)
    assert not {row["question"] for row in train} & {row["question"] for row in test}
    counts = examples.count(test)
    for tag in ("wording:unseen", "naming:described"):
        assert 0.28 < counts[tag] / counts["rows"] < 0.39, tag
    assert counts["unanswerable"] >= 45
    assert 0.3 < counts["format:json"] / counts["rows"] < 0.4
    assert "wording:unseen" not in examples.count(train)


def test_the_split_depends_on_the_id_alone() -> None:
    subjects_there = many()
    train, test = examples.build(subjects_there)
    again = examples.build(list(reversed(subjects_there)))
    assert (train, test) == again
    fewer = [s for s in subjects_there if s.id != "check:shop.E007"]
    assert {r["tags"][3] for r in examples.build(fewer)[1]} == {r["tags"][3] for r in test} - {"record:check:shop.E007"}
    share = sum(split.is_test(f"x{n}") for n in range(4000)) / 4000
    assert share == pytest.approx(0.25, abs=0.02)


def test_no_test_quote_stands_in_a_training_answer() -> None:
    names = [f"N{n}" for n in range(60)]
    shared = [setting(name, f"The place of {name}.") for name in names]
    leaking = Record("check:leak", "check", {"id": "leak", "level": "Error", "message": ""}, "x.md", "leak", "leak")
    tested = next(r for r in shared if split.is_test(r.id))
    leaking.fields["message"] = f"Quoting: {tested.quote}"
    assert not split.is_test(leaking.id)
    train, _ = examples.build(subjects.real_subjects([*shared, leaking]))
    assert train
    assert not [row for row in train if "record:check:leak" in row["tags"]]


def test_an_unanswerable_row_has_the_shape_of_an_answerable_one() -> None:
    _, test = examples.build(many())
    row = next(r for r in test if not r["answerable"] and r["format"] == "json")
    assert (row["answer"], row["evidence"]) == (None, [])
    assert row["schema"] in {"check", "setting", "builtin", "command_option"}


def test_invented_things_must_not_exist() -> None:
    invented = subjects.invented_subjects()
    subjects.check_invented(invented, [], "fields.E7771 and CSRF_COOKIE_COLORS are other things")
    with pytest.raises(PackError, match=r"fields\.E777"):
        subjects.check_invented(invented, [], "As fields.E777 says.")
    described = next(s.described["that"] for s in invented if "that" in s.described)
    with pytest.raises(PackError, match="resembles check:shop"):
        subjects.check_invented(invented, [check(1, f"Beware: {described}.")], "")
