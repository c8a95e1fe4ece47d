"""The account says who somebody is, what is kept, and what has learnt from it; names bring no markup."""

from core.roles import Role
from core.service import AdapterInfo
from ui.render_account import account_html

COUNTS = {"conversations": 1, "ratings": 1200, "votes": 0}


def test_somebody_who_logged_in():
    html = account_html("bob<b>", Role.CURATE, COUNTS, [])
    assert "bob&lt;b&gt;" in html
    assert "review what people said" in html
    assert '<form method="post" action="/logout">' in html
    assert "1 conversation<" in html
    assert "1,200 ratings and corrections" in html
    assert "No adapter was trained on anything that you said." in html


def test_a_browser_is_somebody_without_a_name():
    html = account_html("", Role.ADMIN, COUNTS, [])
    assert "this browser is you" in html
    assert "/logout" not in html
    assert "/account/password" not in html


def test_a_browser_without_cookies():
    html = account_html("", Role.ADMIN, None, [])
    assert "keeps no cookies" in html
    assert "delete-mine" not in html


def test_adapters_that_learnt():
    learnt = [AdapterInfo(name="garden@3f9c2a1b", active=True, created="2026-11-23T10:00:00Z", people={"a": 3})]
    html = account_html("bob", Role.CHAT, COUNTS, learnt)
    assert "<td>garden@3f9c2a1b</td><td>2026-11-23</td><td>3</td><td>in use</td>" in html
