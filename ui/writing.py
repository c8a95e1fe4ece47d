"""The one answer that a browser session may be writing: says whether there is one, and stops it.

The generator that writes an answer also writes its end, stopped or not. So nothing that was already on its way to the
browser can overtake the end, as it can with Gradio's own `cancels`. Lives in `gr.State`; used on the event loop only.
"""

from collections.abc import Callable

from ui.talk import Talk


class Writing:
    """Free, then claimed by a question, then attached to a running answer, then free again.

    `instead`: the conversation that is shown when the answer has ended, where that is another one.
    """

    def __init__(self) -> None:
        self.busy = False
        self.instead: Talk | None = None
        self._cancel: Callable[[], object] | None = None

    def claim(self) -> None:
        """A question was taken; its answer begins in a moment."""
        self.busy, self.instead = True, None

    def attach(self, cancel: Callable[[], object]) -> None:
        """The answer has begun; `cancel` ends it."""
        self._cancel = cancel

    def release(self) -> None:
        """The answer has ended."""
        self.busy, self._cancel = False, None

    def stop(self, *, instead: Talk | None = None) -> bool:
        """End the running answer; its generator then shows `instead`. False when none runs: nothing follows."""
        if self._cancel is None:
            self.busy = False
            return False
        self.instead = instead
        self._cancel()
        return True
