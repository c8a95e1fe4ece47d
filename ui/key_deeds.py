"""Making and revoking API keys, for admins and for everybody's own alike: does it and returns HTML of what came of it.

Whose keys may be changed by whom, the pages know (ui/users.py, ui/own_keys.py).
"""

from core.user_desk import UserDesk
from ui.language import t
from ui.render_keys import secret_html
from ui.render_status import line_html


def make_key(desk: UserDesk, identity: str, name: str) -> str:
    """Make a key that acts as the user, and show it: only now. Raises GraftError."""
    name = name.strip()
    key = desk.draw_key(identity, name)
    return secret_html(t("The key {name}, shown only now:", name=name), key)


def revoke_key(desk: UserDesk, identity: str, name: str) -> str:
    """Withdraw a key of the user. Raises GraftError."""
    desk.revoke_key(identity, name)
    return line_html(t("The key is revoked."))
