"""Gradio Blocks whose events ask for a right before they read or change anything.

A hidden tab keeps nobody out: every event of the page can be called by whoever can reach the server. So the right is
asked for where all events pass, on the server, whoever called them and by whichever route.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from core.errors import NotAllowedError
from core.roles import Right, demand
from ui.language import spoken
from ui.visitors import role_of

_UNASKED = frozenset({"load", "tick", "select"})
"""Events that come without a wish of the user's, who is then not bothered with a refusal."""


class GuardedBlocks(gr.Blocks):
    """Blocks in which events made under `only(right)` need that right; all others need `Right.CHAT`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._rights: dict[int, Right] = {}
        super().__init__(*args, **options)

    @contextmanager
    def only(self, right: Right) -> Iterator[None]:
        """Let every event that is made in this block ask for `right`."""
        before = set(self.fns)
        yield
        for number in set(self.fns) - before:
            self._rights.setdefault(number, right)

    def right_of(self, number: int) -> Right:
        """The right that an event asks for, by its number."""
        return self._rights.get(number, Right.CHAT)

    async def process_api(self, block_fn: Any, *args: Any, **options: Any) -> dict[str, Any]:
        """Run an event for whoever may; raises gr.Error for all others, before any input is looked at."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        requests = options.get("request")
        for request in requests if isinstance(requests, list) else [requests]:
            try:
                demand(role_of(request), self.right_of(function._id))  # noqa: SLF001  Gradio's own number of the event
            except NotAllowedError as error:
                asked = any(event not in _UNASKED for _, event in function.targets)
                raise gr.Error(spoken(str(error)), visible=asked, print_exception=False) from error
        return await super().process_api(block_fn, *args, **options)
