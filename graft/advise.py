"""Wires the advisor: what the workspace knows about a domain, and its newest lab. Starts no model. Prints nothing."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from advisor.advice import Advice, advise
from advisor.facts import Known, domain_facts, lab_facts
from advisor.lab_file import Lab
from advisor.questions import open_questions
from advisor.rules import QuestionRules, load_rules
from core.errors import LabError, RequestError
from core.files import read_json, sha256_file
from core.index import CorpusFiles
from core.pack import DomainPack
from core.settings import Settings
from core.types import STRUCTURED
from core.workspace import Workspace
from finetune.adapters import AdapterStore
from graft.advise_answers import question_keys
from graft.build import pack_reference

Say = Callable[[str], None]
DRILL = "drill.json"


@dataclass(frozen=True)
class Found:
    """What there is to advise on: facts, the lab (or None) and the file it is from, and what is doubtful about it."""

    known: Known
    lab: Lab | None
    lab_file: Path | None
    cautions: tuple[str, ...]

    def advise(self, said: Mapping[str, bool]) -> Advice:
        """The advice, with what people said."""
        return advise(self.known, self.lab, said, self.cautions)

    def open_questions(self, said: Mapping[str, bool]) -> list[QuestionRules]:
        """The questions that only a person can answer."""
        facts = domain_facts(self.known) | (lab_facts(self.lab) if self.lab else {})
        return open_questions(load_rules(), facts, said)


def find(
    settings: Settings,
    workspace: Workspace,
    pack: DomainPack,
    say: Say,
    lab_file: Path | None = None,
    reference: str = "",
) -> Found:
    """Gather facts, with `lab_file` or else the newest lab of the workspace. Raises LabError, ExampleError.

    `reference` is how commands name the domain, where it was typed otherwise than `pack_reference` has it.
    """
    reference = reference or pack_reference(pack)
    path = lab_file or newest_lab(workspace, pack)
    lab = None
    if path is not None:
        try:
            document = read_json(path, LabError)
            drill = workspace.lab(pack.name) / DRILL
            lab = Lab({**document, "drill": read_json(drill, LabError)} if drill.exists() else document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LabError(f"{path} is not a lab's result ({error}): give the lab.json that graft lab wrote") from error
    store = AdapterStore(pack.name, workspace.adapters(pack.name))
    known = _known(settings, workspace, pack, store, say).model_copy(update={"reference": reference})
    return Found(known, lab, path, _doubts(lab, pack, store, reference))


def newest_lab(workspace: Workspace, pack: DomainPack) -> Path | None:
    """The lab.json that was written last for this domain, or None."""
    found = workspace.lab(pack.name).glob("*/lab.json")
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name), default=None)


def parse_answers(given: list[str]) -> dict[str, bool | None]:
    """`KEY=yes|no|open` options as answers, None for open. Raises RequestError with the keys."""
    keys, words = question_keys(), {"yes": True, "no": False, "open": None}
    said = {}
    for text in given:
        key, _, word = text.partition("=")
        key, word = key.strip(), word.strip().casefold()
        if key not in keys or word not in words:
            raise RequestError(f"--answer {text}: write KEY=yes, KEY=no or KEY=open, with a key of {', '.join(keys)}")
        said[key] = words[word]
    return said


def _known(settings: Settings, workspace: Workspace, pack: DomainPack, store: AdapterStore, say: Say) -> Known:
    from graft.dataset import check_domain
    from graft.machine import available_memory, nvidia_gpus

    test, train = pack.test_examples, pack.train_examples
    generation = CorpusFiles(workspace.corpus(pack.name)).read_pointer()
    active = store.active()
    seconds = store.manifest(active).metrics.get("seconds") if active else None
    answerable = [example for example in test if example.answerable]
    return Known(
        domain=pack.name,
        title=pack.title,
        formats=len(pack.formats),
        schemas=len(pack.schemas),
        train_examples=len(train),
        train_records=len({example.record for example in train}),
        test_examples=len(test),
        test_structured=sum(example.format in STRUCTURED for example in test),
        test_answerable=len(answerable),
        test_with_evidence=sum(bool(example.evidence) for example in answerable),
        test_file=_as_typed(pack.test_file),
        check_errors=check_domain(settings, workspace, pack, say).errors if train else None,
        documents=generation.documents if generation else None,
        chunks=generation.chunks if generation else None,
        churn=generation.churn if generation else None,
        adapters=len(store.list()),
        training_minutes=seconds / 60 if seconds else None,
        gpus=len(nvidia_gpus()),
        memory_gib=available_memory() / 2**30,
    )


def _as_typed(path: Path) -> str:
    """How a command that is typed where Graft runs would name a file."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _doubts(lab: Lab | None, pack: DomainPack, store: AdapterStore, reference: str) -> tuple[str, ...]:
    """What makes a lab's figures doubtful for the state of today."""
    if lab is None:
        return ()
    found = []
    document = lab.document
    if document.get("domain") not in (None, pack.name):
        raise LabError(f"that lab is of domain '{document['domain']}', not of '{pack.name}'")
    if not pack.test_file.exists() or sha256_file(pack.test_file) != document.get("test_hash"):
        command = f"graft lab --domain {shlex.quote(reference)}"
        found.append(f"The lab asked another test set than the one of today: {command}.")
    active, asked = store.active(), document.get("adapter")
    if active != asked and (active or asked):
        found.append(f"The lab asked adapter {asked or 'none'}; active is {active or 'none'}.")
    if document.get("limit"):
        found.append(f"The lab asked a sample of {lab.questions} of {document.get('test_set')} questions.")
    return tuple(found)
