"""Reads scanned pages: pdfium renders them, the `tesseract` command recognises the letters, if it is there.

Knows pages and pixels, no blocks.
"""

import shutil
import subprocess
from collections.abc import Iterator, Sequence

_DPI = 300
_MOST_PIXELS = 25_000_000
_PAGE_SECONDS = 60
_MOST_LANGUAGES = 4


def can_read() -> bool:
    """Whether scanned pages can be read on this machine."""
    return shutil.which("tesseract") is not None


def read_pages(data: bytes, numbers: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """Paragraphs on the pages `numbers` (from 1) of a PDF. A page that cannot be rendered or read has none."""
    import pypdfium2

    languages = _languages()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return
    try:
        for number in numbers:
            if number > len(document):
                continue
            page = document[number - 1]
            width, height = page.get_size()
            scale = min(_DPI / 72, (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
            bitmap = page.render(scale=scale, grayscale=True)  # type: ignore[arg-type] - any number will do
            pixels = bitmap.to_numpy()
            page.close()
            image = b"P5\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.tobytes()
            yield number, _recognise(image, languages)
    finally:
        document.close()


def _recognise(image: bytes, languages: str) -> list[str]:
    command = ["tesseract", "stdin", "stdout", "-l", languages, "--dpi", str(_DPI)]
    try:
        done = subprocess.run(command, input=image, capture_output=True, timeout=_PAGE_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        return []
    text = done.stdout.decode("utf-8", "replace").replace("\f", "\n\n")
    return [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]


def _languages() -> str:
    """What is installed for tesseract, English first: it recognises words of several languages at once, slowly."""
    try:
        listed = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, timeout=_PAGE_SECONDS, check=True, text=True
        ).stdout.split("\n")[1:]
    except (subprocess.SubprocessError, OSError):
        listed = []
    names = sorted((name for name in listed if name.strip() and name != "osd"), key=lambda name: (name != "eng", name))
    return "+".join(names[:_MOST_LANGUAGES]) or "eng"
