"""The list of users, what is opened of one, and keys: nothing brings markup, nothing secret is in it."""

import pytest

from core.roles import Role
from core.user_desk import KeyRow, UserRow
from ui.render_keys import keys_html, secret_html
from ui.render_users import opened_html, removal_html, roles_html, users_html

EVIL = "<b>'\""
ADA = UserRow(id="1" * 32, name="ada", role=Role.ADMIN, last_trace="2026-11-28T10:00:00+00:00")
BOB = UserRow(id="2" * 32, name=EVIL, role=Role.CHAT, keys=(KeyRow(name="laptop"), KeyRow(name="phone")))


def test_the_list_marks_oneself_and_who_is_opened():
    html = users_html([ADA, BOB], BOB.id, ADA.id)
    first, second = html.split("<tr")[2:]
    assert '>ada <span class="badge neutral">you</span>' in first
    assert ">2026-11-28<" in first
    assert "10:00" not in first
    assert second.startswith(" class=opened")
    assert ">2<" in second
    assert f'data-source="{BOB.id}" value="open"' in second


@pytest.mark.parametrize(
    "html",
    [
        users_html([BOB], None, None),
        opened_html(BOB),
        removal_html(BOB, {"conversations": 1}),
        keys_html([KeyRow(name=EVIL)], "users"),
        secret_html(EVIL, EVIL),
    ],
)
def test_names_bring_no_markup(html):
    assert "<b>" not in html
    assert "&lt;b&gt;&#x27;&quot;" in html


def test_a_removal_says_what_is_left_and_asks_for_each_way():
    html = removal_html(ADA, {"conversations": 2, "ratings": 0, "votes": 1})
    assert "2 conversations, 0 ratings and corrections, 1 vote in the arena" in html
    keep, everything = html.split("<button")[1:]
    assert 'value="remove"' in keep
    assert "stay in the workspace" in keep
    assert 'value="remove-all"' in everything
    assert "None of it can be brought back." in everything


def test_who_left_nothing_is_removed_in_one_way():
    html = removal_html(ADA, {"conversations": 0, "ratings": 0, "votes": 0})
    assert html.count("<button") == 1


def test_every_role_is_explained():
    assert all(f"<dt>{role}</dt>" in roles_html() for role in Role)


def test_keys_tell_their_limits():
    html = keys_html([KeyRow(name="laptop", requests_per_minute=1, max_body_mib=0.5), KeyRow(name="phone")], "own-keys")
    assert 'data-desk="own-keys"' in html
    assert "1 request a minute, at most 0.5 MiB" in html
    assert html.count('value="revoke"') == 2
    assert "No API keys." in keys_html([], "users")
