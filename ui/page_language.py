"""Gradio's page in one language: a `Blocks` whose events speak it, and the HTML as served, which tells the browser."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from ui.guarded_blocks import GuardedBlocks
from ui.language import ENGLISH, TAGS, Language, language, speaking, t
from ui.places import MAIN, at
from ui.safe_html import escape

_ASSETS = Path(__file__).parent / "assets"
_SAID = re.compile(r'\bsay\(\s*"([^"]+)"')
_IS_PAGE = b"window.gradio_config"


class SpokenBlocks(GuardedBlocks):
    """Blocks of one language, at one place. Its events run under both, wherever Gradio's queue runs them."""

    language: Language = ENGLISH
    place: str = MAIN

    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As Gradio's; each step of a generator comes through here as well."""
        with at(self.place), speaking(self.language):
            return await super().process_api(*args, **kwargs)


def in_language(page: bytes) -> bytes:
    """The page as Gradio serves it, in the language of the request; other pages come back as they are."""
    if _IS_PAGE not in page:
        return page
    words = escape(json.dumps({text: t(text) for text in script_texts()}, ensure_ascii=False))
    script = f'<head><script src="/page-assets/language.js" data-words="{words}"></script>'
    page = page.replace(b'lang="en"', f'lang="{TAGS[language()]}"'.encode(), 1)
    return page.replace(b"<head>", script.encode(), 1)


@lru_cache
def script_texts() -> tuple[str, ...]:
    """What the page's scripts say: every `say("...")` in them."""
    scripts = [path.read_text(encoding="utf-8") for path in sorted(_ASSETS.glob("*.js"))]
    return tuple(dict.fromkeys(text for script in scripts for text in _SAID.findall(script)))
