"""Passwords as they are kept: scrypt with a salt of their own, in one word that names its cost. Knows no users.

`scrypt$15$8$3$SALT$HASH`: the cost is a power of two (2^15), then block size and parallelism: 32 MiB and some tenths of
a second for each guess. A stored word with another cost stays good, so that the cost may rise.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata

from core.errors import RequestError

SHORTEST, LONGEST = 10, 200
_COST, _BLOCK, _LANES = 15, 8, 3
_DEAREST = 20
_SALT_BYTES, _HASH_BYTES = 16, 32
_MOST_MEMORY = 256 << 20
# Without what is taken for something else when it is read aloud or copied by hand.
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def check_new_password(password: str) -> None:
    """Raise RequestError for a password that is too short or too long to be taken."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise RequestError(f"a password has {SHORTEST} to {LONGEST} characters: choose another")


def draw_password() -> str:
    """A password that nobody chose, to be handed on: four groups of five signs, 99 bits."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """The word that is kept of a password."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return "$".join(
        ["scrypt", str(_COST), str(_BLOCK), str(_LANES), _text(salt), _text(_scrypt(password, salt, _COST))]
    )


def is_password(password: str, kept: str) -> bool:
    """Whether a password is the one of which `kept` is kept. Takes as long for a wrong one as for the right one."""
    if not is_kept_form(kept):
        return False
    try:
        _, cost, block, lanes, salt, digest = kept.split("$")
        expected = base64.b64decode(digest, validate=True)
        found = _scrypt(password[: LONGEST + 1], base64.b64decode(salt, validate=True), *map(int, (cost, block, lanes)))
    except (ValueError, OverflowError):
        return False
    return hmac.compare_digest(found, expected)


def is_kept_form(kept: str) -> bool:
    """Whether a word has the form of a kept password."""
    parts = kept.split("$")
    counts = parts[1:4]
    return (
        len(parts) == 6
        and parts[0] == "scrypt"
        and all(part.isascii() and part.isdigit() and 0 < int(part) <= _DEAREST for part in counts)
    )


def _scrypt(password: str, salt: bytes, cost: int, block: int = _BLOCK, lanes: int = _LANES) -> bytes:
    # The same letters typed on another keyboard may come as other code points.
    secret = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, n=1 << cost, r=block, p=lanes, maxmem=_MOST_MEMORY, dklen=_HASH_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


NOBODYS = "$".join(["scrypt", str(_COST), str(_BLOCK), str(_LANES), _text(bytes(16)), _text(bytes(32))])
"""The kept word of a password that nobody has: to spend the same time on names that do not exist."""
