"""All that is kept of one user about one domain: counted, and deleted at once. Knows no page."""

import sqlite3

from core.user_database import UserDatabase

_TABLES = ("conversations", "ratings", "votes")


class UserData:
    """What users left behind about one domain."""

    def __init__(self, database: UserDatabase, domain: str) -> None:
        self._database, self._domain = database, domain

    def count(self, user: str) -> dict[str, int]:
        """How many conversations, ratings and votes are kept of a user."""
        with self._database.open() as connection:
            return {table: _count(connection, table, user, self._domain) for table in _TABLES}

    def delete(self, user: str) -> None:
        """Delete all that is kept of a user."""
        with self._database.open() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table} WHERE user = ? AND domain = ?", (user, self._domain))  # noqa: S608


def _count(connection: sqlite3.Connection, table: str, user: str, domain: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE user = ? AND domain = ?"  # noqa: S608
    return int(connection.execute(query, (user, domain)).fetchone()[0])


def delete_user(database: UserDatabase, user: str) -> None:
    """Delete all that is kept of a user, whatever it is about."""
    with database.open() as connection:
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table} WHERE user = ?", (user,))  # noqa: S608
