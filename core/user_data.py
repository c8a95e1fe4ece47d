"""All that is kept of users, about one domain or all of them: counted, and deleted at once. Knows no page."""

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


def count_user(database: UserDatabase, user: str) -> dict[str, int]:
    """How many conversations, ratings and votes are kept of a user, whatever they are about."""
    with database.open() as connection:
        queries = {table: f"SELECT count(*) FROM {table} WHERE user = ?" for table in _TABLES}  # noqa: S608
        return {table: int(connection.execute(query, (user,)).fetchone()[0]) for table, query in queries.items()}


def last_traces(database: UserDatabase) -> dict[str, str]:
    """When each user last left something behind, by id, as ISO text in UTC. Who only looked around is not in it."""
    with database.open() as connection:
        return dict(
            connection.execute(
                "SELECT user, max(at) FROM (SELECT user, updated AS at FROM conversations"
                " UNION ALL SELECT user, updated FROM ratings UNION ALL SELECT user, created FROM votes) GROUP BY user"
            ).fetchall()
        )
