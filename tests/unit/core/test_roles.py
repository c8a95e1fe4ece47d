"""Each role may what the one before it may, and no more than it should."""

import pytest

from core.errors import NotAllowedError, RequestError
from core.roles import Right, Role, demand, demand_login, may

CHAT = {Right.CHAT}
CURATE = {Right.CHAT, Right.DOCUMENTS, Right.EXAMPLES, Right.FEEDBACK}


@pytest.mark.parametrize(
    ("role", "rights"), [(None, set()), (Role.CHAT, CHAT), (Role.CURATE, CURATE), (Role.ADMIN, set(Right))]
)
def test_rights_of_each_role(role, rights):
    assert {right for right in Right if may(role, right)} == rights


@pytest.mark.parametrize(("right", "needed"), [(Right.EXAMPLES, "curate"), (Right.TRAIN, "admin")])
def test_a_refusal_names_the_role_that_would_do(right, needed):
    with pytest.raises(NotAllowedError, match=f"role '{needed}'") as caught:
        demand(Role.CHAT, right)
    assert isinstance(caught.value, RequestError)
    demand(Role.ADMIN, right)


def test_an_api_key_is_no_login():
    demand_login("")
    with pytest.raises(NotAllowedError, match="log in"):
        demand_login("laptop")
