"""Bytes of a text file to characters. Knows encodings, no format."""

import codecs
import re
from typing import NamedTuple

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Many encodings fit the same bytes equally well. Then the commoner one is meant.
_COMMON = ("cp1252", "cp1250", "cp1251", "iso8859_2", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949")
# What Central European text in ISO 8859-2 is taken for.
_LOOK_CENTRAL_EUROPEAN = ("cp1250", "iso8859_3", "iso8859_4", "iso8859_10", "iso8859_14", "iso8859_16")
_CLOSE, _CLOSE_JAPANESE = 0.05, 0.1
_KANA = re.compile(r"[\u3041-\u30ff]")
# What no language has: the wrong one of two Western encodings shows by it.
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[\x80-\x9f±¶»«©®¬¦¤¨¸¢¼½¾¹²³›‹](?=[^\W\d_])")
_NUL_SHARE = 0.2


class Decoded(NamedTuple):
    r"""Text with `\n` line ends; `guess` names the encoding where nothing in the file states it."""

    text: str
    guess: str = ""


def decode(data: bytes) -> Decoded:
    """Text of `data`: by byte order mark, as UTF-8, or by the likeliest encoding. Raises ValueError: not text."""
    mark = next((encoding for start, encoding in _MARKS if data.startswith(start)), None) or _wide(data)
    if mark is None and re.search(rb"\x1b\$[@B]", data[:4096]):
        mark = "iso2022_jp"
    try:
        decoded = Decoded(data.decode(mark or "utf-8"))
    except UnicodeDecodeError as error:
        if mark:
            raise ValueError(f"starts like {mark.upper()} but is not: damaged at byte {error.start}") from error
        decoded = _guess(data, error)
    if "\0" in decoded.text:
        raise ValueError("holds NUL characters: not a text file")
    return Decoded(decoded.text.replace("\r\n", "\n").replace("\r", "\n"), decoded.guess)


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: every second byte, or three of four, is NUL in Western text."""
    sample = data[: 4096 - 4096 % 4]
    if len(sample) < 4 or sample.count(0) < _NUL_SHARE * len(sample):
        return None
    shares = [sample[at::4].count(0) / len(sample[at::4]) for at in range(4)]
    empty = [share > 2 * _NUL_SHARE for share in shares]
    patterns = {
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
    }
    return patterns.get((empty[0], empty[1], empty[2], empty[3]))


def _guess(data: bytes, error: UnicodeDecodeError) -> Decoded:
    from charset_normalizer import from_bytes

    matches = [] if b"\0" in data[:4096] else list(from_bytes(data))
    if not matches:
        raise ValueError(
            f"not valid UTF-8 (byte {error.start}) and no other encoding fits: save it as UTF-8"
        ) from error
    best = matches[0]
    fitting = {
        name: str(match)
        for match in matches
        if match.chaos <= best.chaos + _CLOSE and match.coherence >= best.coherence - _CLOSE
        for name in match.could_be_from_charset
    }
    likely = {name: fitting[name] for name in _COMMON if name in fitting}
    if best.encoding in _LOOK_CENTRAL_EUROPEAN:
        likely["iso8859_2"] = data.decode("iso8859_2", "replace")
    for match in matches:
        if match.encoding in ("cp932", "euc_jis_2004") and match.chaos <= best.chaos + _CLOSE_JAPANESE:
            text = str(match)
            if _is_japanese(text):
                return Decoded(text, match.encoding)
    if not likely:
        return Decoded(str(best), best.encoding)
    name = min(likely, key=lambda name: len(_SIGN_IN_WORD.findall(likely[name])))
    return Decoded(likely[name], name)


def _is_japanese(text: str) -> bool:
    return len(_KANA.findall(text)) > 0.2 * sum(not character.isascii() for character in text) > 0
