"""Puts functions of Graft's in the place of vLLM's, once however often a process loads the plugin."""

from collections.abc import Callable
from typing import Any


def replace_once(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of `owner.name`; the original stays beside it, as `_graft_original_NAME`."""
    kept = f"_graft_original_{name}"
    if kept in vars(owner):
        return
    original = getattr(owner, name)
    setattr(owner, kept, staticmethod(original))  # on a class it shall not become a method
    setattr(owner, name, make(original))
