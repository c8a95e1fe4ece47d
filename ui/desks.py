"""What the page works on beside the service: an object for each of its parts. Without one, a part is not there."""

from dataclasses import dataclass

from core.advice_desk import AdviceDesk
from core.chat_files import ChatFiles
from core.corpus_desk import CorpusShelf
from core.example_desk import ExampleDesk
from core.lab_desk import LabDesk
from core.training_desk import TrainingDesk
from core.user_desk import UserDesk
from ui.source_view import Sources


@dataclass(frozen=True)
class Desks:
    """`shelf` holds the collections of documents, `lab` runs labs and reads them, `advice` says what they speak for.

    `examples` looks after what is trained on, `training` after that, `files` after those that users add to a
    conversation; `sources` are read beside the chat where they are cited. `users` looks after who may come in, and is
    there only where people log in.
    """

    shelf: CorpusShelf | None = None
    lab: LabDesk | None = None
    advice: AdviceDesk | None = None
    examples: ExampleDesk | None = None
    training: TrainingDesk | None = None
    files: ChatFiles | None = None
    sources: Sources | None = None
    users: UserDesk | None = None
