"""The error tree. Every error a user can cause is one of these, and its message says what to do.

Only the command line turns them into one line and exit 1, and the gateway into a JSON error.
"""


class GraftError(Exception):
    """Base of all errors that Graft raises on purpose. `str(error)` is one line: what is wrong, what to do."""


class SettingsError(GraftError):
    """A setting, environment variable or configuration file is wrong."""


class WorkspaceError(GraftError):
    """The workspace cannot be used: locked, too new, not writable, or out of disk space."""


class PackError(GraftError):
    """A domain pack is missing or invalid."""


class ExampleError(PackError):
    """A line of an examples file is invalid; the message names file and line."""


class EditConflictError(ExampleError):
    """Somebody else has changed what was about to be replaced; nothing was written."""


class ModelError(GraftError):
    """A language model or embedder cannot be found or loaded."""


class IngestError(GraftError):
    """Documents cannot be read, embedded or stored."""


class IndexMismatchError(IngestError):
    """The index was built by another embedder or an incompatible version."""


class IndexBusyError(IngestError):
    """Another process writes to the indexes of this workspace; try again when it is done."""


class MassDeletionError(IngestError):
    """A sync would remove more than half of a corpus; it stopped before it changed anything."""


class RetrievalError(GraftError):
    """A search cannot be answered."""


class TrainError(GraftError):
    """Training data or a training run is unusable."""


class TrainingCancelledError(TrainError):
    """Somebody asked a training to stop; it can be resumed."""


class LeakageError(TrainError):
    """A test record would have entered the training data."""


class AdapterError(GraftError):
    """An adapter is missing, broken, or made for another base model or prompt."""


class ServeError(GraftError):
    """vLLM, the gateway or the page cannot start or has stopped."""


class OverloadedError(ServeError):
    """Too many requests wait already; try again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelDownError(ServeError):
    """The language model has stopped, restarts, or cannot be reached."""


class TooSlowError(ServeError):
    """The language model runs, and did not answer in the time that an answer may take."""


class RequestError(GraftError):
    """A request asks for something that does not exist: an arm, a format, a schema, a model name."""


class UsersError(GraftError):
    """The list of users is missing or damaged, or a change of it cannot be made."""


class NotAllowedError(RequestError):
    """The role of whoever asks does not allow this."""


class LabError(GraftError):
    """A lab run cannot be made or read."""
