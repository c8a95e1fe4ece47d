import pytest

from core.arms import parse_arm
from core.chat import Question
from core.service import PartStatus, ServiceStatus, TrainingStatus
from core.turns import Turn
from core.types import Answer, Citation, Passage, Place, Usage
from core.without_model import LABEL, NOTHING
from ui.language import speaking
from ui.render_answer import answer_html, messages
from ui.render_sources import sources_html
from ui.render_status import not_ready_reason, strip_html, turn_line
from ui.talk import Mark

PASSAGES = (
    Passage(number=1, source="a.md", locator="A > B", text="One thing."),
    Passage(number=2, source="b.md", locator="", text="Before. The  quoted\nwords. After."),
)
READY = PartStatus(state="ready")


def make(state="done", format="text", arm="rag", passages=PASSAGES, text="T", **answer):
    done = None
    if state == "done":
        done = Answer(text=text, format=format, passages=list(passages or ()), **answer)
    question = Question(text="Q <b>?", arm=parse_arm(arm), format=format)
    return Turn(question=question, state=state, passages=passages, text=text, answer=done, seconds=2.0)


def status(**fields):
    return ServiceStatus(domain="d", **({"model": READY, "corpus": READY} | fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"format": "json", "answer": {"a": 1}}, "Valid JSON"),
        ({"format": "yaml", "answer": {"a": 1}, "schema_name": "care_card"}, "Valid YAML: care card"),
        ({"format": "json", "valid": False}, "Not valid JSON"),
        ({"format": "json", "valid": False, "answer": {"a": 1}}, "JSON of the wrong shape"),
        ({"format": "json", "refused": True}, "Not in the documents (valid JSON)"),
        ({"refused": True}, "Not in the documents"),
        ({"finish_reason": "length"}, "Cut off at the length limit"),
    ],
)
def test_badges(fields, words):
    assert f">{words}</span>" in answer_html(make(**fields), 0)


def test_plain_answer_has_no_badge():
    assert "badge" not in answer_html(make(), 0)


def test_failed_turn_shows_its_error_escaped():
    failed = make(state="failed").model_copy(update={"error": "no <model>; do this"})
    assert "no &lt;model&gt;; do this" in answer_html(failed, 0)


def test_question_is_escaped():
    assert messages([make()])[0]["content"].startswith('<div class="plain">Q &lt;b&gt;?</div>')


def test_an_answer_shows_what_its_user_said_of_it():
    rated = make()
    drawn = messages([rated, make()], {rated.id: Mark(verdict="down", corrected=True)})
    assert 'rate-answer down on" value="0 down"' in drawn[1]["content"]
    assert 'correct on"' in drawn[1]["content"]
    assert ">Corrected</button>" in drawn[1]["content"]
    assert ' on"' not in drawn[3]["content"]
    assert "rate-answer" not in answer_html(make(degraded=True), 0)


def test_running_answer_has_no_foot():
    assert 'class="foot"' not in answer_html(make(state="writing"), 0)
    assert "Searching the documents" in answer_html(make(state="searching", text=""), 0)
    assert "Searching" not in answer_html(make(state="waiting", text="", arm="base"), 0)


def test_cited_source_comes_first_open_and_marked():
    cited = make(citations=[Citation(number=2, source="b.md", locator="", quote="The quoted words.")])
    drawn = sources_html([cited])
    assert drawn.index("b.md") < drawn.index("a.md")
    assert "<mark>The  quoted&#10;words.</mark>" in drawn
    assert drawn.count("<details open>") == 1
    assert "A › B" in drawn


def test_a_source_leads_to_its_document_and_names_its_corpus_among_several():
    manual = Passage(number=1, source="a.pdf", locator="page 3", text="One thing.", corpus="pumps", page=3)
    notes = Passage(number=2, source="b&.md", locator="", text="Two.", corpus="lamps", start=5, end=9)
    drawn = sources_html([make(passages=(manual, notes))])
    assert '<a class="document" href="/documents/pumps/a.pdf#page=3" target="_blank" rel="noopener">' in drawn
    assert "Show the document at page 3</button>" in drawn
    assert 'href="/documents/lamps/b%26.md?from=5&amp;to=9#quote"' in drawn
    assert '<span class="corpus">pumps</span>' in drawn
    assert 'class="corpus"' not in sources_html([make(passages=(manual,))])
    assert "Show the document" not in sources_html([make()])


def test_a_citation_leads_to_its_own_page_not_to_where_the_passage_begins():
    passage = Passage(number=1, source="a.pdf", locator="pages 3-4", text="One thing.", corpus="pumps", page=3)
    citation = Citation(number=1, source="a.pdf", locator="pages 3-4", quote="One thing.", corpus="pumps", page=4)
    assert "/documents/pumps/a.pdf#page=4" in sources_html([make(passages=(passage,), citations=[citation])])


def test_that_a_table_is_not_shown_whole_is_said():
    whole = Passage(number=1, source="a.csv", locator="", text="a,b\n1,2")
    narrow = whole.model_copy(update={"left_out": (Place(start=8, end=12),)})
    assert "are left out here" in sources_html([make(passages=(narrow,))])
    assert "are left out here" not in sources_html([make(passages=(whole,))])


def test_last_turn_is_current_and_ids_name_the_turn():
    drawn = sources_html([make(), make()])
    assert drawn.count(" current") == 1
    assert drawn.index('id="source-0-1"') < drawn.index(" current") < drawn.index('id="source-1-1"')


def test_why_there_are_no_sources():
    assert "uses no documents" in sources_html([make(arm="base", passages=None)])
    assert "Nothing in the documents" in sources_html([make(passages=())])


def test_strip_has_three_cells_in_every_state():
    training = TrainingStatus(state="training", progress=0.4, loss=1.0, seconds_left=120)
    for state in (
        status(),
        status(adapter="g@1"),
        status(training=training),
        status(model=PartStatus(state="failed", detail="no memory")),
        ServiceStatus(domain="d"),
    ):
        assert strip_html(state).count('class="cell ') == 3
    assert "training 40%, 2 min left, loss 1.00" in strip_html(status(training=training))
    starting = PartStatus(state="starting")
    assert "garden@1, loading" in strip_html(status(model=starting, loading="garden@1"))
    gone = PartStatus(state="failed", detail="no memory")
    assert "garden@1, not loaded" in strip_html(status(model=gone, loading="garden@1"))
    assert "none trained yet" in strip_html(status(model=starting))
    trained = TrainingStatus(state="done", detail="garden@1")
    assert "garden@1 trained, not in use" in strip_html(status(training=trained))
    assert 'role="alert">no memory</p>' in strip_html(status(model=PartStatus(state="failed", detail="no memory")))


def test_reason_names_the_part_that_is_not_ready():
    assert not_ready_reason(status()) is None
    reading = status(corpus=PartStatus(state="starting", progress=0.5))
    assert "documents are being read (50%)" in (not_ready_reason(reading) or "")
    assert "model is starting" in (not_ready_reason(status(model=PartStatus(state="starting"))) or "")
    failed = status(corpus=PartStatus(state="failed", detail="Do this."))
    assert not_ready_reason(failed) == "The index of the documents has failed; the reason stands above."


def test_passages_can_be_had_while_the_model_is_down():
    assert not_ready_reason(status(model=PartStatus(state="failed", detail="Do this."))) is None
    assert not_ready_reason(status(model=PartStatus(state="restarting"))) is None
    assert "model is not running" in answer_html(make(degraded=True), 0)


def test_that_the_model_is_down_is_said_in_the_readers_language():
    answer = make(degraded=True, text=f"{LABEL}\n\n[1] a.md\n{NOTHING}")
    assert "The model is not running" in answer_html(answer, 0)
    with speaking("zh"):
        said = answer_html(answer, 0)
        assert "模型未在运行" in said
        assert "These passages" not in said
        assert "no passage of the documents fits" in said
        assert "模型未在运行" in answer_html(make(degraded=True, text=NOTHING), 0)
        assert "These passages" in answer_html(make(text=LABEL), 0)


def test_line_tells_search_time_and_tokens():
    done = make(seconds=3.25, usage=Usage(prompt_tokens=1812, completion_tokens=40))
    done = done.model_copy(update={"search_seconds": 0.123})
    assert turn_line(done) == "2 passages in 0.12 s · answered in 3.2 s · 1,812 tokens read, 40 written"
    assert turn_line(make(state="waiting", passages=None)) == "Searching … 2.0 s"
