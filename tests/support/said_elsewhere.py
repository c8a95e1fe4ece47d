"""Finds the sentences that parts of Graft outside `ui/` hand to people: what errors say, and all prose of a module.

A sentence comes as a sample: whatever stands in the place of `{value}` in the source is a mark, `«1»`; the same
expression is the same mark. Where the source chooses between words (`"a" if x else "b"`), each choice is a sample.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product

# Calls whose text is for people: errors, and what rejects a file. Likewise arguments of these names, wherever.
_SPEAKS = re.compile(
    r"(?:^|\.)(?!Assertion|NotImplemented)(?:\w+Error|make_error|ParserDied|Refused)$|^(?:reasons|notes)\.append$"
)
_SAYS = {"detail", "reason", "trouble", "missing", "flaw", "said", "remedy", "meaning"}
_MOST_SAMPLES = 64
_PROSE = re.compile(r"[A-Za-z]{2,}[,:;]? [a-z]{2,}")
_MARK = re.compile(r"«\d+»")
_WORDS = re.compile(r"[A-Za-z]{2,}\W+[A-Za-z]{2,}")
_NO_PROSE = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|ATTACH|PRAGMA|EXISTS|ALWAYS) ")
_COMMAND = re.compile(r"`[^`]*`|\b(?:graft|make|hf|pip|chroma|apt-get)(?: [\w\-«».,/+]+)+|--[\w-]+(?: [\w«»]+)?")
_ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


class Sentences:
    """Those of one module, by its source."""

    def __init__(self, source: str) -> None:
        self._tree = ast.parse(source)
        self._parents = {child: parent for parent in ast.walk(self._tree) for child in ast.iter_child_nodes(parent)}
        self._marks: dict[str, str] = {}
        self._looked_up: list[str] = []

    def of_errors(self) -> list[tuple[int, str]]:
        """Line and sample of each sentence that an error, a refusal of a file, or a state is made of."""
        found = []
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Call):
                continue
            said = [keyword.value for keyword in node.keywords if keyword.arg in _SAYS]
            said += node.args if _SPEAKS.search(ast.unparse(node.func)) else []
            found += [(node.lineno, text.strip()) for argument in said for text in self._samples(argument) or ()]
        return [(line, text) for line, text in found if _WORDS.search(_MARK.sub("", text))]

    def all_prose(self) -> list[tuple[int, str]]:
        """The same for every literal of several words that is no docstring, log line, regular expression or SQL."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Constant) and not self._unread(node):
                found += [(node.lineno, text.strip()) for text in self._samples(node) or ()]
        return [(line, text) for line, text in found if _PROSE.search(text) and not _NO_PROSE.match(text)]

    def _unread(self, node: ast.AST) -> bool:
        if isinstance(self._parents[node], ast.Expr):
            return True
        while node in self._parents and not isinstance(node, ast.stmt):
            node = self._parents[node]
            if isinstance(node, ast.JoinedStr | ast.BinOp):
                return True  # a part of what is looked at as a whole
            if isinstance(node, ast.Call) and re.match(r"(?:log|logger|re)\.", ast.unparse(node.func)):
                return True
        return False

    def _samples(self, node: ast.AST) -> list[str] | None:
        """What `node` may be as a text, with marks in it; None where nothing is known of it."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                parts = [self._samples(value) or [self._mark(value)] for value in values]
                return ["".join(chosen) for chosen in product(*parts)][:_MOST_SAMPLES]
            case ast.FormattedValue(value=value, format_spec=None):
                return self._samples(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = [self._samples(side) or [self._mark(side)] for side in (left, right)]
                return ["".join(chosen) for chosen in product(*both)][:_MOST_SAMPLES]
            case ast.IfExp(body=body, orelse=orelse):
                return [text for side in (body, orelse) for text in self._samples(side) or [self._mark(side)]]
            case ast.Name(id=name):
                return self._assigned(node, name)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name)):
                return self._returned(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self._returned(name)
        return None

    def _assigned(self, node: ast.AST, name: str) -> list[str] | None:
        """What a name stands for: a sentence of the module, or what its function chose for it."""
        scope = self._tree if name.isupper() or name.startswith("_") else self._function(node)
        if scope is None or name in self._looked_up:
            return None
        for found in ast.walk(scope):
            if not isinstance(found, ast.Assign) or ast.unparse(found.targets[0]) != name:
                continue
            if isinstance(found.value, ast.IfExp | ast.Constant | ast.JoinedStr):
                return self._looking_up(name, [found.value])
        return None

    def _function(self, node: ast.AST) -> ast.AST | None:
        while node in self._parents and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node = self._parents[node]
        return node

    def _returned(self, name: str) -> list[str] | None:
        """What a function of the module returns."""
        for found in ast.walk(self._tree):
            if isinstance(found, ast.FunctionDef) and found.name == name and name not in self._looked_up:
                returns = [node.value for node in ast.walk(found) if isinstance(node, ast.Return) and node.value]
                return self._looking_up(name, returns)
        return None

    def _looking_up(self, name: str, values: Sequence[ast.AST]) -> list[str] | None:
        """What a name stands for, by one of these expressions; where they name it again, that says nothing new."""
        self._looked_up.append(name)
        samples = [text for value in values for text in self._samples(value) or ()]
        self._looked_up.pop()
        return samples or None

    def _mark(self, node: ast.AST) -> str:
        value = node.value if isinstance(node, ast.FormattedValue) else node
        return self._marks.setdefault(ast.unparse(value), f"«{len(self._marks) + 1}»")


def sample(text: str, values: str = r"\{[^{}]*\}") -> str:
    """A template (`{fact:.0%} of them`) with marks in the place of its values."""
    marks: dict[str, str] = {}
    return re.sub(values, lambda found: marks.setdefault(found[0], f"«{len(marks) + 1}»"), text)


def untranslated(samples: Sequence[tuple[int, str]], translate: Callable[[str], str]) -> Iterator[str]:
    """Line and text of those that are not said in the language: as they were, or English all the same in places."""
    for line, text in samples:
        if not _WORDS.search(_MARK.sub("", _COMMAND.sub("", text))):
            continue  # nothing but a command
        own = translate(text)
        if own == text or _ENGLISH.search(_COMMAND.sub("", own)):
            yield f"{line}: {text}" + ("" if own == text else f" -> {own}")
