"""Long lists of words, written as running text."""


def names(text: str) -> tuple[str, ...]:
    """The words of `text`, in order."""
    return tuple(text.split())
