"""Ratings and votes, kept. Users read and change their own alone; whoever learns from them reads all (`ratings`)."""

from collections.abc import Sequence

from core.feedback import Rating, Vote
from core.user_database import UserDatabase


class FeedbackStore:
    """The ratings and votes of all users about one domain."""

    def __init__(self, database: UserDatabase, domain: str) -> None:
        self._database, self.domain = database, domain

    def rate(self, rating: Rating) -> None:
        """Keep a rating in the place of its user's earlier one of the same answer; one that says nothing removes it."""
        with self._database.open() as connection:
            connection.execute("DELETE FROM ratings WHERE user = ? AND turn = ?", (rating.user, rating.turn.id))
            if rating.says_something:
                connection.execute(
                    "INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?)",
                    (rating.id, rating.user, self.domain, rating.turn.id, rating.time, rating.model_dump_json()),
                )

    def of_turns(self, user: str, turns: Sequence[str]) -> dict[str, Rating]:
        """The user's ratings of these turns, by the turn's id."""
        marks = ", ".join("?" * len(turns))
        with self._database.open() as connection:
            rows = connection.execute(
                f"SELECT turn, body FROM ratings WHERE user = ? AND domain = ? AND turn IN ({marks})",  # noqa: S608
                (user, self.domain, *turns),
            ).fetchall()
        return {turn: Rating.model_validate_json(body) for turn, body in rows}

    def vote(self, vote: Vote) -> None:
        """Keep a vote; one that is kept already (a second press of the button) changes nothing."""
        with self._database.open() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?)",
                (vote.id, vote.user, self.domain, vote.time, vote.model_dump_json()),
            )

    def ratings(self, user: str | None = None) -> list[Rating]:
        """Ratings of one user, or of all, oldest first."""
        return [Rating.model_validate_json(body) for body in self._bodies("ratings", "updated", user)]

    def votes(self, user: str | None = None) -> list[Vote]:
        """Votes of one user, or of all, oldest first."""
        return [Vote.model_validate_json(body) for body in self._bodies("votes", "created", user)]

    def delete_all(self, user: str) -> None:
        """Delete every rating and vote of a user about this domain."""
        with self._database.open() as connection:
            for table in ("ratings", "votes"):
                connection.execute(f"DELETE FROM {table} WHERE user = ? AND domain = ?", (user, self.domain))  # noqa: S608

    def _bodies(self, table: str, time: str, user: str | None) -> list[str]:
        query = f"SELECT body FROM {table} WHERE domain = ? AND (user = ? OR ? IS NULL) ORDER BY {time}, id"  # noqa: S608
        with self._database.open() as connection:
            return [body for (body,) in connection.execute(query, (self.domain, user, user))]
