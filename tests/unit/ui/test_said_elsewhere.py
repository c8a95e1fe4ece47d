"""What the rest of Graft says to people reaches the page in their language: its errors, reasons, states and advice."""

from fnmatch import fnmatch

import pytest
import yaml

from serve.vllm_failure import _CAUSES, _SIGNALS, find_cause
from serve.vllm_process import _STAGES
from tests.support.said_elsewhere import Sentences, sample, untranslated
from ui.catalogue import FOLDER, catalogue
from ui.language import ENGLISH, LANGUAGES

ROOT = FOLDER.parents[1]
STAGES = ("core", "graft", "ingest", "retriever", "finetune", "evaluation", "advisor", "serve")
OTHERS = [code for code in LANGUAGES if code != ENGLISH]
# Modules whose errors no page shows, and why. A module that is not named here is looked through.
ELSEWHERE = {
    # The terminal alone
    "graft/cli*.py": "commands: they talk to a terminal",
    "graft/adapters.py": "graft adapters import and export",
    "graft/init_pack.py": "graft init",
    "graft/distill.py": "graft distill",
    "graft/doctor.py": "graft doctor",
    "graft/teacher_answers.py": "graft distill",
    "graft/drill.py": "graft lab drill",
    "graft/reranking.py": "graft retriever train",
    "evaluation/drill.py": "graft lab drill",
    "evaluation/labels.py": "graft lab label",
    "evaluation/table.py": "the table that graft lab prints; the page has its own",
    "finetune/admission/*.py": "graft adapters import",
    "finetune/adapter_diff.py": "graft adapters diff",
    "finetune/adapter_merge.py": "graft adapters merge",
    "finetune/distillation.py": "graft distill",
    "retriever/asked.py": "graft retriever tune",
    "retriever/reranker_training.py": "graft retriever train",
    # Before the page is open
    "core/settings.py": "read before anything starts",
    "core/workspace.py": "opened before anything starts",
    "graft/console.py": "a command line is read before anything starts",
    "graft/up.py": "refuses a second server before it starts one",
    "serve/access.py": "checked before the page opens",
    "serve/http_server.py": "the page itself could not start",
    "serve/listeners.py": "the page itself could not start",
    # The gateway alone, whose answers are English as those of other such endpoints
    "serve/admission.py": "the gateway's",
    "serve/answer_desk.py": "the gateway's",
    "serve/chat_request.py": "the gateway's",
    "serve/client_schema.py": "the gateway's",
    "serve/gateway.py": "the gateway's",
    "serve/model_names.py": "the gateway's",
    "retriever/where.py": "filters, which the page has none of",
    # Nobody reads them
    "advisor/methods.py": "a defect of a file that ships with Graft",
    "advisor/rules.py": "a defect of a file that ships with Graft",
    "finetune/fast_*.py": "why the other way of training was taken, which the log says",
    "finetune/synthesis/quality.py": "counted reasons, which the command prints",
    "finetune/synthesis/verify.py": "counted reasons, which the command prints",
    "graft/endpoint_model.py": "a defect",
    "ingest/landlock.py": "protections of the parser, which graft doctor tells",
    "ingest/sandbox.py": "protections of the parser, which graft doctor tells",
    "retriever/fast_bert*.py": "why the other way of embedding was taken, which graft doctor tells",
    "retriever/float_bert.py": "why the other way of embedding was taken, which graft doctor tells",
    "retriever/memory.py": "a retriever for tests and scripts",
    "serve/fake_*.py": "stands in for vLLM in tests",
    "serve/vllm_server.py": "runs inside vLLM",
}
# Those that are looked through all the same: what they run has a process of its own, whose last word the page shows.
SHOWN = ("graft/cli_lab_runs.py",)
# Modules whose every sentence is for people.
WHOLE = (
    *("advisor/ladder.py", "advisor/questions.py", "advisor/reasons.py", "advisor/recommendation.py"),
    *("core/feedback.py", "core/without_model.py", "evaluation/frozen.py", "evaluation/misses.py"),
    *("finetune/dataset_check/*.py", "finetune/example_flaws.py"),
    *("graft/chat_files.py", "graft/corpus_desk.py", "graft/corpus_folders.py", "graft/corpora.py"),
    *("graft/example_desk.py", "graft/lab_desk.py", "graft/training_desk.py", "graft/training_record.py"),
    *("graft/watching.py", "graft/whole_models.py"),
    *("ingest/files.py", "ingest/findings.py", "ingest/mail.py", "ingest/partition.py"),
    *("ingest/pdf.py", "ingest/pool.py", "ingest/process.py", "ingest/sheets.py", "ingest/signatures.py"),
    *("ingest/worker.py", "ingest/xml_text.py", "serve/vllm_chat.py"),
)
# What is prose in these and yet no sentence for people.
APART = {
    *("(no subject)", "entity loop"),  # a title, what libxml2 says
    *(", the best arm without training", "more than", "less than"),  # parts of sentences
    "Not measured yet: a guess from the questions. «1»",
}

# Keys of the advisor's files whose values are shown. Names of methods may be the same in every language.
READ = {
    *("question", "yes", "no", "evidence", "because", "step", "what", "why", "text"),
    *("cost", "accuracy", "edge_cases", "customisation", "new_tasks", "data", "update", "upkeep", "suits"),
}


def modules() -> list[str]:
    """All that are looked through."""
    found = (path.relative_to(ROOT).as_posix() for stage in STAGES for path in sorted((ROOT / stage).rglob("*.py")))
    return [name for name in found if name in SHOWN or not any(fnmatch(name, pattern) for pattern in ELSEWHERE)]


def sentences(module: str) -> list[tuple[int, str]]:
    """Line and sample of what a module says to people."""
    found = Sentences((ROOT / module).read_text())
    said = found.of_errors()
    if any(fnmatch(module, pattern) for pattern in WHOLE):
        said += [one for one in found.all_prose() if one[1] not in APART]
    return said


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("module", modules())
def test_what_a_module_says_is_translated(module, code):
    missing = sorted(set(untranslated(sentences(module), catalogue(code).sentence)))
    assert missing == [], (
        f"add them to ui/languages/{code}/said/*.yaml, with {{name}} in the place of «1»; "
        "or name the module in ELSEWHERE if no page shows them"
    )


@pytest.mark.parametrize("code", OTHERS)
def test_advice_is_translated(code):
    texts = [(0, text) for text in sorted(advice_texts())]
    assert len(texts) > 150
    assert list(untranslated(texts, catalogue(code).sentence)) == [], f"add them to ui/languages/{code}/said/advice*"


@pytest.mark.parametrize("code", OTHERS)
def test_causes_of_vllms_failures_are_translated(code):
    causes = [*(cause for _, cause in _CAUSES), *_SIGNALS.values(), find_cause("", 3), find_cause("")]
    stages = [stage for _, stage in _STAGES]
    samples = [(0, sample(text)) for text in [*causes, *stages]]
    assert list(untranslated(samples, catalogue(code).sentence)) == []


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_modules_that_are_left_out_are_there(pattern):
    assert list(ROOT.glob(pattern)), "take it off the list"


def test_sentences_are_found_in_the_source():
    source = """
GONE = "it is gone: choose another"

def _why(name):
    if name:
        return f"{name} is taken by {name}"
    return "it has no name"

def f(name, path, many):
    log.info("nobody reads this one")
    who = f" ({name})" if many else ""
    raise RequestError(f"no {'files' if many else 'file'} for {path!r}{who}")
    raise RequestError(GONE)
    raise RequestError(_why(name))
    raise AssertionError("a defect of ours")
"""
    assert [text for _, text in Sentences(source).of_errors()] == [
        "no files for «1» («2»)",
        "no files for «1»",
        "no file for «1» («2»)",
        "no file for «1»",
        "it is gone: choose another",
        "it has no name",
        "«2» is taken by «2»",
    ]


def test_prose_is_found_in_the_source():
    source = '''
"""What this does."""
log.info("nobody reads this one")
FOUND = [("part", "it is not whole"), "SELECT a FROM b", f"{1} of them" + " are gone"]
'''
    assert [text for _, text in Sentences(source).all_prose()] == ["«1» of them are gone", "it is not whole"]


def test_what_stays_english_is_found():
    said = {
        "nobody knows this one": "nobody knows this one",
        "it failed: look into it": "失败：look into it",
        "run graft ingest --domain «1» first": "请先运行 graft ingest --domain «1»",
    }
    samples = [(1, text) for text in [*said, "graft index repair --domain «1»"]]
    assert list(untranslated(samples, lambda text: said[text])) == [
        "1: nobody knows this one",
        "1: it failed: look into it -> 失败：look into it",
    ]


def advice_texts() -> set[str]:
    """All texts of the advisor's rules and of its table of methods, with marks for facts."""
    read = {name: yaml.safe_load((ROOT / "advisor" / f"{name}.yaml").read_text()) for name in ("rules", "methods")}
    return {sample(text) for name, content in read.items() for text in _texts(content) if text}


def _texts(node: object, key: str = "") -> list[str]:
    """Every text below a node whose key is one that people read."""
    if isinstance(node, dict):
        return [text for name, value in node.items() for text in _texts(value, str(name))]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value, key)]
    return [node] if key in READ and isinstance(node, str) else []
