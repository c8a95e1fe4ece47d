"""The lab's report in a real browser: nothing is loaded, nothing runs, nothing sticks out on a phone."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from core.errors import ServeError
from core.types import STRUCTURED
from tests.unit.evaluation.conftest import Gardener, half_taught, pack, run, truth

__all__ = ["pack"]

HOSTILE = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>" + "endless" * 60


def knows(question):
    """Right, wrong, hostile and failing answers, one of each at least."""
    if "camellia" in question.text:
        return ServeError(HOSTILE)
    if "heather" in question.text and question.arm.adapter:
        return {"plant": HOSTILE, "month": HOSTILE}
    return half_taught(question) if question.format in STRUCTURED else truth(question) or HOSTILE


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "light"), (390, "dark")])
def test_report_loads_nothing_runs_nothing_and_fits(browser, pack, tmp_path, width, scheme):
    arms = ["base", "rag", "rag+icl+schema", "lora", "hybrid"]
    with ThreadPoolExecutor(1) as beside:  # the browser's own event loop runs in this thread
        beside.submit(run, pack, tmp_path, Gardener(knows), arms).result()
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    address = (tmp_path / "out" / "report.html").as_uri()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    expect(page.get_by_role("heading", level=1)).to_have_text("Garden <b>centre</b>: the arms compared")
    assert page.locator("svg circle").first.bounding_box()["width"] > 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(19, 18, 17)" if scheme == "dark" else "rgb(250, 249, 246)")
    assert asked == [address]
    assert said == []
    page.close()
