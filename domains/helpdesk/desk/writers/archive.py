"""Office files are zip archives with the time of day in them: rewritten with one fixed time, so that runs compare."""

import io
import re
import zipfile

STAMP = "2026-06-01T08:00:00Z"
_DATE = (2026, 6, 1, 8, 0, 0)
_TIMES = re.compile(
    rb"(<(dcterms:created|dcterms:modified|dc:date|meta:creation-date|meta:date)\b[^>]*>)[^<]*(</\2>)"
    rb"|(<(meta) property=\"dcterms:modified\">)[^<]*(</\5>)"
)


def settle(data: bytes) -> bytes:
    """The archive with every time in it replaced by STAMP; order and contents of its members stay."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename.endswith((".xml", ".opf", ".ncx")):
                content = _TIMES.sub(_stamped, content)
            entry = zipfile.ZipInfo(member.filename, _DATE)
            entry.compress_type = member.compress_type
            entry.external_attr = 0o644 << 16
            new.writestr(entry, content)
    return target.getvalue()


def _stamped(match: re.Match[bytes]) -> bytes:
    opening, closing = (match[1], match[3]) if match[1] else (match[4], match[6])
    return opening + STAMP.encode() + closing
