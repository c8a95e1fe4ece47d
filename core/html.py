"""HTML by construction: plain strings are escaped, only what `el` built is not. Knows no content."""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "br", "hr"})
# Of a page that stands alone: nothing is loaded from any address, and nothing runs.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Html(str):
    """Markup that is safe to put into a page as it is."""

    __slots__ = ()


def el(name: str, /, *children: object, **attributes: object) -> Html:
    """One element. Children: Html as it is, other text escaped, lists flattened, None left out.

    Attributes: `class_` stands for class, `_` for `-`, None leaves one out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: object) -> Html:
    """Children without an element around them."""
    parts = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(child))
        elif isinstance(child, Iterable):
            parts.append(join(*child))
        else:
            parts.append(escape(str(child)))
    return Html("".join(parts))


def page(title: str, style: str, *body: object) -> str:
    """A whole document that loads nothing from any address and runs no script; its policy says so. `style` is CSS."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", Html(style)),
    )
    return f"<!doctype html>\n{el('html', head, el('body', el('main', *body)), lang='en')}\n"


def _number(value: object) -> str:
    """Coordinates with one digit are exact enough, and keep the file small."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
