"""The file in the workspace that holds what users leave behind: conversations, ratings, votes. SQLite, nothing else.

Opened anew for every transaction, so it may be used from any thread. Knows the tables' shape, not their meaning.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from core.errors import WorkspaceError

FORMAT = 1
_PATIENCE_SECONDS = 20.0
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- `named`: its user has chosen the title. Times are ISO text in UTC.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, domain TEXT NOT NULL, title TEXT NOT NULL,
    named INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL, updated TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX conversations_of_user ON conversations (user, domain, updated);
-- `body` is a core.turns.Turn as JSON; `words` what a search looks through, case-folded.
CREATE TABLE turns (
    conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    body TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (conversation, number)
) WITHOUT ROWID;
-- `body` is a core.feedback.Rating as JSON: one for each turn.
CREATE TABLE ratings (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, domain TEXT NOT NULL, turn TEXT NOT NULL, updated TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (user, turn)
) WITHOUT ROWID;
-- `body` is a core.feedback.Vote as JSON.
CREATE TABLE votes (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, domain TEXT NOT NULL, created TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
"""


class UserDatabase:
    """The database at `path`, which is made when it is first used, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept when the block ends, undone when it raises. Raises WorkspaceError."""
        try:
            with closing(self._connect()) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise WorkspaceError(
                f"{self.path} cannot be used ({error}): check the disk; if the file is damaged, put a copy in its place"
            ) from error

    def secret(self) -> bytes:
        """The key that signs users' cookies: drawn once, the same ever after."""
        with self.open() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),))
            (value,) = connection.execute("SELECT value FROM meta WHERE key = 'secret'").fetchone()
        return bytes.fromhex(value)

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found > FORMAT:
                raise WorkspaceError(
                    f"{self.path} was written by a newer Graft (format {found}, this one knows {FORMAT}): use that one"
                )
            if found < FORMAT:
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        # Whoever comes second finds the tables made.
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.commit()
