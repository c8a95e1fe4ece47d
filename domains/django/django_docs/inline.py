"""Inline reStructuredText to Markdown: roles, literals, hyperlinks, escapes. One paragraph in, one line out."""

import re

from .links import Links
from .names import names

# Roles whose content is a name in code; the others are words or numbers and are told apart in _role.
_CODE = frozenset(
    names(
        """
    attr class const data djadmin envvar exc file filter func keyword lookup meth mimetype mod model obj option
    pypi role setting source tag template tfilter ttag view dir commit
    """
    )
)
_WORDS = frozenset({"ref", "doc", "term", "menuselection", "abbr", "guilabel", "sup", "sub"})
_PREFIX = {"ticket": "#", "cve": "CVE-", "rfc": "RFC ", "pep": "PEP ", "bpo": "bpo-"}

_MARKUP = re.compile(
    r"``(?P<literal>.+?)``(?!`)"
    r"|:(?P<role>[a-z]+(?::[a-z]+)?):`(?P<content>(?:[^`\\]|\\.)+)`"
    r"|`(?P<text>[^`]+)`(?P<under>__?)(?!\w)"
    r"|`(?P<plain>[^`]+)`"
    r"|\[(?P<note>#?[\w-]*)\]_(?!\w)"
    r"|(?<![\w`_])(?P<word>[A-Za-z0-9](?:[\w.+-]*\w)?)_(?![\w`])"
)
_TITLED = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)
_ESCAPE = re.compile(r"\\(\s|.)")


def code(text: str) -> str:
    """A Markdown code span around `text`, fenced by two backticks when it holds one."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def inline(text: str, links: Links) -> str:
    """Turn the inline markup of `text` (lines are joined first) into Markdown on one line."""
    text = " ".join(text.split())
    pieces: list[str] = []
    at = 0
    for match in _MARKUP.finditer(text):
        pieces.append(_unescape(text[at : match.start()]))
        pieces.append(_markup(match, links))
        at = match.end()
    pieces.append(_unescape(text[at:]))
    return _join_spans(pieces).strip()


def _join_spans(pieces: list[str]) -> str:
    """Concatenate; code spans that touch (Sphinx writes quoted class names so) become one."""
    out: list[str] = []
    for piece in (piece for piece in pieces if piece):
        touching = out and re.fullmatch(r"`[^`]+`", out[-1]) and re.fullmatch(r"`[^`]+`", piece)
        if touching:
            out[-1] = out[-1][:-1] + piece[1:]
        else:
            out.append(piece)
    return "".join(out)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: "" if match[1].isspace() else match[1], text)


def _markup(match: re.Match[str], links: Links) -> str:
    if match["literal"] is not None:
        return code(match["literal"])
    if match["role"] is not None:
        return _role(match["role"].rsplit(":", 1)[-1], _unescape(match["content"]), links)
    if match["text"] is not None:
        return _hyperlink(match["text"], match["under"], links)
    if match["plain"] is not None:
        return code(match["plain"])
    if match["note"] is not None:
        return f"[{match['note'].lstrip('#') or 'note'}]"
    word = match["word"]
    if word.endswith("_"):
        word, address = word[:-1], next(links.anonymous, None)
    else:
        address = links.target(word)
    if address is None:
        return match[0]
    return f"[{word}]({address})" if address else word


def _hyperlink(text: str, under: str, links: Links) -> str:
    titled = _TITLED.match(text)
    if titled:
        words, address = titled[1] or titled[2], titled[2]
        if address.endswith("_") and not address.startswith("http"):
            address = links.target(address[:-1]) or ""
    else:
        words = text
        address = next(links.anonymous, "") if under == "__" else links.target(text) or ""
    words = " ".join(words.split())
    return f"[{words}]({address})" if address.startswith(("http", "mailto:")) else words


def _role(role: str, content: str, links: Links) -> str:
    if content.startswith("!"):
        return code(content[1:])
    titled = _TITLED.match(content)
    if titled and titled[1]:
        words = titled[1]
        # A title of several words is prose that links to code, not code.
        as_code = role in _CODE and " " not in words
        return code(words) if as_code else words
    if role in _PREFIX:
        return _PREFIX[role] + content.replace("#section-", " section ")
    if role == "doc":
        return inline(links.page_title(content), links)
    if role == "ref":
        return inline(links.label_title(content), links)
    if role in _WORDS:
        return content
    name = content.rsplit(".", 1)[-1] if content.startswith("~") else content.lstrip(".")
    if role in ("func", "meth") and not name.endswith(")"):
        name += "()"
    return code(name)
