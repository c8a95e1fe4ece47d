"""The advisor's page in a real browser: nothing is loaded, nothing runs, nothing sticks out on a phone."""

import re

import pytest
from playwright.sync_api import expect

from advisor.advice import advise
from advisor.page import to_html
from tests.unit.advisor.conftest import KNOWN, figure, lab
from tests.unit.advisor.test_advice import AHEAD

HOSTILE = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>" + "endless" * 60


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "light"), (390, "dark")])
def test_advice_loads_nothing_runs_nothing_and_fits(browser, tmp_path, width, scheme):
    arms = {name: {**entry, "cost_per_1000": {**figure(0.5), "currency": HOSTILE}} for name, entry in AHEAD.items()}
    told = advise(
        KNOWN.model_copy(update={"test_file": HOSTILE}), lab(arms, margin={"detectable": 0.2}), {}, (HOSTILE,)
    )
    path = tmp_path / "advice.html"
    path.write_text(to_html(told, HOSTILE), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^<script>window.pwned=1</script>"))
    expect(page.get_by_role("table")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None
    expect(page.get_by_text("Use hybrid: +30 points")).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(19, 18, 17)" if scheme == "dark" else "rgb(250, 249, 246)")
    assert asked == [path.as_uri()]
    assert said == []
    page.close()
