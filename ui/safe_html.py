"""Turns text and Markdown of unknown origin into HTML that can do nothing: no tags, images or links of its own.

Everything the page shows that a document, a model or a user wrote goes through here. Raw newlines and tabs are written
as entities, because Gradio dedents message text, which would change YAML.
"""

import html
import re
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from ui.language import t

_MARK = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_ENTITIES = str.maketrans({"\n": "&#10;", "\t": "&#9;"})

Link = Callable[[int], str | None]


def escape(text: str) -> str:
    """Text as HTML text or attribute value, on one line."""
    return html.escape(text.replace("\r\n", "\n").replace("\r", "\n"), quote=True).translate(_ENTITIES)


def plain(text: str, link: Link | None = None) -> str:
    """Plain text as a block that keeps its line breaks; `[n]` marks become links where `link(n)` has one."""
    return f'<div class="plain">{_with_marks(escape(text), link)}</div>'


def markdown(text: str, link: Link | None = None) -> str:
    """Markdown as a block. HTML and images in it are shown as source text, links as text with their target."""
    rendered: str = _PARSER.render(text, {"link": link})
    return f'<div class="markdown">{rendered.strip().translate(_ENTITIES)}</div>'


def code(text: str, language: str) -> str:
    """Code as a coloured block; `language` is a Pygments name (`json`, `yaml`)."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    coloured = highlight(text, get_lexer_by_name(language, stripnl=False), HtmlFormatter(nowrap=True))
    return f'<pre class="code"><code>{coloured.rstrip(chr(10)).translate(_ENTITIES)}</code></pre>'


def _with_marks(escaped: str, link: Link | None) -> str:
    if link is None:
        return escaped

    def mark(found: re.Match[str]) -> str:
        anchors = []
        for number in (int(part) for part in found.group(1).split(",")):
            target = link(number)
            if target is None:
                return found.group(0)
            title = escape(t("Show source {number}", number=number))
            anchors.append(f'<a class="mark" href="{escape(target)}" title="{title}">{number}</a>')
        return "".join(anchors)

    return _MARK.sub(mark, escaped)


class _Renderer(RendererHTML):
    """Markdown-it's own renderer, except that links are text and `[n]` marks are links into the page."""

    def text(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:  # noqa: ARG002
        return _with_marks(escape(tokens[idx].content), env.get("link"))

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:  # noqa: ARG002
        env.setdefault("targets", []).append(str(tokens[idx].attrGet("href") or ""))
        return ""

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:  # noqa: ARG002
        target = env["targets"].pop()
        return f' <span class="target">({escape(target)})</span>' if target else ""


# html=False shows tags as text; without the image rule `![alt](url)` stays an exclamation mark and a link.
_PARSER = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
_PARSER.enable(["table", "strikethrough"]).disable("image")
