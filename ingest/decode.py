"""Bytes of a text file to characters. Knows encodings, no format."""

import codecs
from contextlib import suppress

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_FEW = 0.2


def decode(data: bytes) -> str:
    r"""Text of `data` with `\n` line ends: by byte order mark, as UTF-8, or by the likeliest encoding.

    Raises ValueError when it is not text.
    """
    mark = next((encoding for start, encoding in _MARKS if data.startswith(start)), None)
    try:
        text = data.decode(mark or "utf-8")
    except UnicodeDecodeError as error:
        text = _guess(data, error)
    if "\0" in text:
        raise ValueError("holds NUL characters: not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(data: bytes, error: UnicodeDecodeError) -> str:
    from charset_normalizer import from_bytes

    # Few bytes above ASCII are the accents of a European language; guessing by statistics goes wrong on short texts.
    if sum(byte > 0x7F for byte in data) < _FEW * len(data):
        with suppress(UnicodeDecodeError):
            return data.decode("cp1252")
    best = None if b"\0" in data[:4096] else from_bytes(data).best()
    if best is None:
        raise ValueError(
            f"not valid UTF-8 (byte {error.start}) and no other encoding fits: save it as UTF-8"
        ) from error
    return str(best)
