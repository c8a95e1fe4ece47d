"""Bytes of a text file to characters. Knows encodings, no format."""

import codecs
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

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
_WESTERN = ["cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257"]
_LATIN, _CYRILLIC = ("cp1252", "iso8859_2"), ("cp1251", "koi8_r")
_HIGH, _RUN = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\x80-\xff]{2,}")
_CLOSE, _CLOSE_JAPANESE = 0.05, 0.1
_KANA = re.compile(r"[\u3041-\u30ff]")
# What no language has: signs inside words, a capital after a small letter of an alphabet that is not Latin, katakana
# of half width in number. The wrong one of two encodings shows by it.
_ODD = re.compile(
    r"(?<=[^\W\d_])[\x80-\x9f±¶»«©®¬¦¤¨¸¢¼½¾¹²³›‹¿¡](?=[^\W\d_])|[а-яё](?=[А-ЯЁ])|[ά-ώ](?=[Α-Ω])|[\uff61-\uff9f]"
)
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
    """The likeliest encoding of bytes that are no UTF-8."""
    from charset_normalizer import from_bytes

    # Accents stand by themselves between ASCII letters; letters of other scripts, in one byte or two, come in runs.
    is_western = sum(map(len, _RUN.findall(data))) < 0.5 * len(_HIGH.findall(data))
    matches = [] if b"\0" in data[:4096] else list(from_bytes(data, cp_isolation=_WESTERN if is_western else None))
    fitting = _fitting(matches)
    best = matches[0] if matches else None
    if is_western or (best is not None and best.encoding in _LOOK_CENTRAL_EUROPEAN):
        _try(data, _LATIN, fitting)
    elif best is not None and 10 * _oddity(str(best)) > sum(not character.isascii() for character in str(best)):
        _try(data, _CYRILLIC, fitting)
    japanese = next((match for match in matches if _is_japanese(match, best)), None)
    if japanese is not None:
        return Decoded(str(japanese), japanese.encoding)
    likely = [name for name in (*_COMMON, *fitting) if name in fitting]
    if not likely:
        raise ValueError(
            f"not valid UTF-8 (byte {error.start}) and no other encoding fits: save it as UTF-8"
        ) from error
    name = min(likely, key=lambda name: _oddity(fitting[name]))
    return Decoded(fitting[name], name)


def _try(data: bytes, encodings: Sequence[str], texts: dict[str, str]) -> None:
    """Add what short texts are likely to be, and charset_normalizer overlooks in them."""
    for name in encodings:
        with suppress(UnicodeDecodeError):
            texts.setdefault(name, data.decode(name))


def _oddity(text: str) -> int:
    return len(_ODD.findall(text))


def _fitting(matches: Sequence[Any]) -> dict[str, str]:
    """Texts by encoding, of the matches that charset_normalizer finds about as good as its best."""
    return {
        name: str(match)
        for match in matches
        if match.chaos <= matches[0].chaos + _CLOSE and match.coherence >= matches[0].coherence - _CLOSE
        for name in match.could_be_from_charset
    }


def _is_japanese(match: Any, best: Any) -> bool:
    """Whether a match reads as Japanese: Korean and Chinese encodings fit the same bytes, but yield no kana."""
    if match.encoding not in ("cp932", "euc_jis_2004") or match.chaos > best.chaos + _CLOSE_JAPANESE:
        return False
    text = str(match)
    return len(_KANA.findall(text)) > 0.2 * sum(not character.isascii() for character in text) > 0
