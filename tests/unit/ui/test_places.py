"""Places of domains: which page an address belongs to, and the way from one page to another."""

import pytest

from ui.language import speaking
from ui.places import MAIN, Signpost, at, here, place_in, place_of
from ui.render_domains import domains_html

GARDEN = Signpost(MAIN, "Garden <centre>", "Plant care.")
HELPDESK = Signpost("/d/helpdesk", "Support desk", "Codes & prices.")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", ""),
        ("/zh/", ""),
        ("/d", ""),
        ("/d/", ""),
        ("/documents/garden/a.md", ""),
        ("/d/helpdesk", "/d/helpdesk"),
        ("/d/helpdesk/", "/d/helpdesk"),
        ("/d/zh/gradio_api/queue/join", "/d/zh"),
        ("/d/help-desk2/zh/", "/d/help-desk2"),
        ("/d/Helpdesk/", ""),
        ("/d/help.desk/", ""),
        ("/d/../", ""),
    ],
)
def test_an_address_says_whose_page_it_is(path, place):
    assert place_in(path) == place


def test_what_belongs_to_a_page_is_below_its_place():
    assert here("/mine") == "/mine"
    with at(place_of("helpdesk", main=False)):
        assert here("/mine") == "/d/helpdesk/mine"
        with at(place_of("garden", main=True)):
            assert here("/mine") == "/mine"
    assert here("/mine") == "/mine"


def test_the_selector_leads_to_each_domain_and_keeps_the_language():
    with at(HELPDESK.place):
        html = domains_html([GARDEN, HELPDESK])
        assert '<a href="/?language=en"><b>Garden &lt;centre&gt;</b><span class="about">Plant care.</span>' in html
        assert '<a href="/d/helpdesk/?language=en" aria-current="page"><b>Support desk</b>' in html
        with speaking("zh"):
            html = domains_html([GARDEN, HELPDESK])
    assert 'href="/zh/"' in html
    assert 'href="/d/helpdesk/zh/" aria-current="page"' in html
    assert "切换领域" in html


def test_one_domain_needs_no_selector():
    assert domains_html([GARDEN]) == ""
