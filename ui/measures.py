"""Times and counts of tokens as a reader sees them."""

from ui.language import t


def seconds(value: float, digits: int = 1) -> str:
    """So many seconds."""
    return t("{seconds} s", seconds=f"{value:.{digits}f}")


def minutes(value: float) -> str:
    """A time in seconds, in seconds or minutes."""
    return seconds(value, 0) if value < 90 else t("{minutes} min", minutes=round(value / 60))


def tokens(prompt: int, completion: int) -> str:
    """What an answer took."""
    return t("{read} tokens read, {written} written", read=f"{prompt:,}", written=f"{completion:,}")
