"""Every text of the page has its translations, and none goes past them."""

import re
from pathlib import Path

import pytest
import yaml

from core.arms import ARMS
from core.feedback import REASONS
from tests.support.page_texts import bare, translatable, unclear, unspoken_errors
from ui.catalogue import FOLDER, catalogue
from ui.language import ENGLISH, LANGUAGES
from ui.page_language import script_texts

UI = FOLDER.parent
OTHERS = [code for code in LANGUAGES if code != ENGLISH]
# Names that are the same in every language.
NAMES = {
    "Markdown",
    "English",
    "{} · Graft",
    "favicon.png",
    "private, no-store",
    "Result",
    "IBM Plex Sans",
    "IBM Plex Mono",
}
# Keep errors in English with the answer or the work; whoever shows them says `spoken`.
KEPT_ENGLISH = {"conversation.py", "job.py"}
# Files without a text for readers, whatever their literals look like.
NO_TEXTS = {"content_policy.py", "gradio_gate.py", "talk.py", "ticking.py", "visitors.py"}
# Scripts and markup that say nothing but names.
HARMLESS = (
    "a login failed from",
    "document.addEventListener(",
    "() =>",
    "(files, folder, paths",
    "default-src",
    "/srv/",
    '<svg class="logo"',
)


def sources() -> list[Path]:
    return [path for path in sorted(UI.rglob("*.py")) if path.name not in NO_TEXTS]


def texts() -> set[str]:
    """All that the page may say by itself."""
    written = {text for path in sources() for _, text in translatable(path.read_text())}
    return written | set(script_texts())


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated(code):
    missing = texts() - set(catalogue(code).texts)
    assert sorted(missing) == [], f"add them to ui/languages/{code}/*.yaml"


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_of_others_is_translated(code):
    said = {*REASONS.values(), *(arm.description for arm in ARMS.values())}
    missing = {sentence for sentence in said if catalogue(code).sentence(sentence) == sentence}
    assert sorted(missing) == [], f"add them to ui/languages/{code}/said/*.yaml"


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_left_behind(code):
    assert sorted(set(catalogue(code).texts) - texts()) == [], f"nothing says them any more: ui/languages/{code}/*.yaml"


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_no_text_goes_past_the_translation(path):
    source = path.read_text()
    found = [line for line in bare(source) if not _allowed(line)]
    assert found == [], "put them into t(...) of ui.language, or name them here if nobody reads them"
    assert unclear(source) == [], "t(...) wants the whole text, with {name} where values go"
    assert path.name in KEPT_ENGLISH or unspoken_errors(source) == [], (
        "an error that is shown goes through spoken(str(error))"
    )


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_translations_say_the_same(path):
    for english, own in _pairs(path):
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", own)), english
        assert re.search(r"[\u3000-\u9fff\uff00-\uffef]", own), f"not Chinese: {own}"
        assert not re.search(r"[\u4e00-\u9fff][,;?!]", own), f"a Western mark after a Chinese word: {own}"


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_translated_in_two_ways(code):
    for folder in (FOLDER / code, FOLDER / code / "said"):
        pairs = {pair for path in folder.glob("*.yaml") for pair in _pairs(path)}
        keys = [english for english, _ in pairs]
        assert sorted({key for key in keys if keys.count(key) > 1}) == []


@pytest.mark.parametrize(
    "source",
    [
        'gr.Button("Save")',
        'gr.Radio([("All", "")], label=t("State"))',
        'gr.HTML(f"<h2>Sources of {name}</h2>")',
        'def f():\n    return "Type a question first."',
        "x = '<button title=\"Copy\"></button>'",
        'x = f"{count} rows found"',
        'WORDS = {"a": "none trained yet"}',
    ],
)
def test_a_bare_text_is_found(source):
    assert len(bare(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'gr.Button(t("Save"), elem_id="save", variant="primary")',
        'x = f\'<p class="note">{t("Sources")}</p>\'',
        'def f():\n    """Says nothing."""\n    raise ServeError("vLLM is gone")',
        'log.exception("work on the index failed")',
        'button = \'button type="button" class="desk-action"\'',
        'several(n, "{count} row", "{count} rows")',
    ],
)
def test_what_nobody_reads_is_not_found(source):
    assert bare(source) == []


def test_a_text_put_together_and_an_unspoken_error_are_found():
    assert unclear('t(f"{n} rows")') == ["1: f'{n} rows'"]
    assert unspoken_errors("line_html(str(error))") == ["1: str(error)"]
    assert unspoken_errors("line_html(spoken(str(error)))") == []


def _allowed(line: str) -> bool:
    text = line.partition(": ")[2].strip("'\"")
    return text in NAMES or text.startswith(HARMLESS)


def _pairs(path: Path) -> list[tuple[str, str]]:
    """All entries of a file, those too that another of the same key hides."""
    node = yaml.compose(path.read_text())
    assert isinstance(node, yaml.MappingNode)
    return [(key.value, value.value) for key, value in node.value]
