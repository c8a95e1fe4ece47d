"""What each role may do. Pages and routes ask here; nobody else knows which role is which.

Without a list of users (`auth_file`) everybody who reaches the page is an admin, as on a machine of one's own.
"""

from enum import StrEnum

from core.errors import NotAllowedError


class Role(StrEnum):
    """What a user is; each may all that the one before it may."""

    CHAT = "chat"
    CURATE = "curate"
    ADMIN = "admin"


class Right(StrEnum):
    """What a page or a route lets somebody do. Whoever is known at all may chat."""

    CHAT = "chat"  # chat, arena, own conversations, uploads and ratings
    DOCUMENTS = "documents"  # add, delete and rebuild documents and corpora
    EXAMPLES = "examples"  # change training examples, review corrections
    FEEDBACK = "feedback"  # read what all users said of answers
    TRAIN = "train"  # start and stop training, publish
    ACTIVATE = "activate"  # choose the adapter that answers
    LAB = "lab"  # run arms, read reports, answer the advisor's questions
    USERS = "users"  # see and change who may come in


_CURATING = frozenset({Right.CHAT, Right.DOCUMENTS, Right.EXAMPLES, Right.FEEDBACK})
_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.CHAT: frozenset({Right.CHAT}),
    Role.CURATE: _CURATING,
    Role.ADMIN: frozenset(Right),
}


def may(role: Role | None, right: Right) -> bool:
    """Whether a role holds a right; nobody known (None) holds none."""
    return role is not None and right in _RIGHTS[role]


def demand(role: Role | None, right: Right) -> None:
    """Raise NotAllowedError where the role does not hold the right."""
    if not may(role, right):
        needed = next(one for one in Role if may(one, right))
        raise NotAllowedError(f"this needs the role '{needed}': ask whoever administers this Graft for it")


def demand_login(key: str) -> None:
    """Raise NotAllowedError for a request that came with an API key, by its name: a key that got lost makes no others.

    For what changes who comes in, and how.
    """
    if key:
        raise NotAllowedError("an API key cannot change users or keys: log in with your name and password for it")
