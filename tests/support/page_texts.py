"""Finds the texts of the page in its source: those that can be translated, and those that somebody wrote down bare."""

import ast
import re
from collections.abc import Iterator

_TRANSLATED = {"t": (0,), "marked": (0,), "several": (1, 2)}
# Arguments of Gradio's components that nobody reads.
_UNREAD = {
    *("elem_id", "elem_classes", "variant", "size", "type", "file_count", "layout", "id", "key", "js_on_load"),
    *("show_progress", "api_visibility", "trigger_mode", "concurrency_id", "html_template", "js", "mode"),
    *("html_attributes", "autocapitalize", "autocomplete", "autocorrect"),
}
_READ_ATTRIBUTE = re.compile(r'\b(?:title|alt|placeholder|aria-label|data-ask|data-label|label)="([^"]*)"')
_WORD = re.compile(r"[A-Za-z]{2,}")
_SENTENCE = re.compile(r"[A-Z][a-z]+(?:[ ,.:!?…]|$)|[A-Za-z]{2,}[,:]? [a-z]{2,}")
_VALUE = "\0"


def translatable(source: str) -> list[tuple[int, str]]:
    """Line and text of every literal in `t(...)`, `marked(...)`, `several(...)`; for what is no literal: `unclear`."""
    return [(node.lineno, _flat(node)) for node in _arguments(source) if isinstance(node, ast.Constant)]


def unclear(source: str) -> list[str]:
    """Texts for translation that are put together on the spot, which no catalogue can hold: `t(f"...")`, `t(a + b)`."""
    mixed = (ast.JoinedStr, ast.BinOp)
    return [f"{node.lineno}: {ast.unparse(node)}" for node in _arguments(source) if isinstance(node, mixed)]


def unspoken_errors(source: str) -> list[str]:
    """Errors shown without `spoken(...)`: every `str(error)` outside of one."""
    tree, parents = _parsed(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node) == "str(error)"]
    return [f"{node.lineno}: str(error)" for node in found if _called(parents.get(node)) != "spoken"]


def bare(source: str) -> list[str]:
    """Texts that a reader would see, and that go past the translation."""
    tree, parents = _parsed(source)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or not _is_text(node) or _unread(node, parents):
            continue
        text = _flat(node)
        if _says_something(text, in_component=_in_component(node, parents)):
            found.append(f"{node.lineno}: {text.replace(_VALUE, '{}')!r}")
    return found


def _says_something(text: str, *, in_component: bool) -> bool:
    if any(_WORD.search(value) for value in _READ_ATTRIBUTE.findall(text)):
        return True
    if "<" in text or '="' in text:
        inside = re.sub(r"&#?\w+;", " ", re.sub(r"<[^<>]*>", " ", text))
        return "<" in text and '="' not in inside and bool(_WORD.search(inside))
    return bool((_WORD if in_component else _SENTENCE).search(text.replace(_VALUE, "")))


def _arguments(source: str) -> Iterator[ast.expr]:
    for node in ast.walk(ast.parse(source)):
        for position in _TRANSLATED.get(_called(node), ()):
            assert isinstance(node, ast.Call)
            if position < len(node.args):  # several(count, *words): words that were marked elsewhere
                yield node.args[position]


def _called(node: ast.AST | None) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _flat(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_flat(part) if isinstance(part, ast.Constant) else _VALUE for part in node.values)
    assert isinstance(node, ast.Constant)
    return str(node.value)


def _parsed(source: str) -> tuple[ast.AST, dict[ast.AST, ast.AST]]:
    tree = ast.parse(source)
    return tree, {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}


def _ancestors(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Each ancestor, with the child of it that leads to `node`."""
    while node in parents:
        yield parents[node], node
        node = parents[node]


def _unread(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether this literal is none that a page shows: docstrings, keys, comparisons, logs, errors, types."""
    parent = parents[node]
    if isinstance(parent, ast.arg | ast.JoinedStr | ast.Expr | ast.Compare | ast.Subscript | ast.MatchValue):
        return True
    if isinstance(parent, ast.Dict) and node in parent.keys:
        return True
    if isinstance(parent, ast.Tuple) and parent.elts[0] is not node and _called(parent.elts[0]) in _TRANSLATED:
        return True  # a choice: its words and its value
    for above, child in _ancestors(node, parents):
        if isinstance(above, ast.Raise | ast.AnnAssign) and (isinstance(above, ast.Raise) or child is above.annotation):
            return True
        if isinstance(above, ast.Call):
            name = ast.unparse(above.func)
            if name in {*_TRANSLATED, "cast", "getattr", "re.compile"} or name.startswith("log."):
                return True
        if isinstance(above, ast.keyword) and above.arg in _UNREAD:
            return True
        if isinstance(above, ast.stmt):
            return False
    return False


def _in_component(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    for above, _ in _ancestors(node, parents):
        if isinstance(above, ast.Call) and ast.unparse(above.func).startswith("gr."):
            return True
        if isinstance(above, ast.stmt):
            return False
    return False
