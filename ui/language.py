"""What the page says, in the language of whoever reads it: English in the code, others in `ui/languages/`.

Which language that is stands in a context variable, set for each request and each event; nothing passes it on by hand.
How a text is added: docs/architecture.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from ui.catalogue import catalogue

Language = Literal["en", "zh"]
ENGLISH: Language = "en"
LANGUAGES: dict[Language, str] = {"en": "English", "zh": "中文"}
# As the browser is told, and as it names them to Gradio's own texts.
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}

_language: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def language() -> Language:
    """The language of the request or event that is being worked on."""
    return _language.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Everything inside is said in `language`."""
    before = _language.set(language)
    try:
        yield
    finally:
        _language.reset(before)


def t(text: str, **values: Any) -> str:
    """`text` in the reader's language, with `values` in the place of `{name}`. English where it has no translation."""
    said = _translated(text)
    return said.format(**values) if values else said


def several(count: int, one: str, many: str, **values: Any) -> str:
    """`one` for a count of one, else `many`; both may say `{count}`, which is written with separators."""
    return t(one if count == 1 else many, count=f"{count:,}", **values)


def marked(text: str) -> str:
    """`text` as it is, for tables that are made before anybody reads: `t` translates it when it is shown."""
    return text


def spoken(text: str) -> str:
    """A sentence made elsewhere (an error, a state of the service), as far as the language knows it, else as it is."""
    return text if _language.get() == ENGLISH else catalogue(_language.get()).sentence(text)


def _translated(text: str) -> str:
    return text if _language.get() == ENGLISH else catalogue(_language.get()).texts.get(text, text)
