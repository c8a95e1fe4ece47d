import asyncio

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.errors import ServeError
from core.turns import Turn
from tests.fakes import FakeService
from ui.conversation import UNEXPECTED, run
from ui.writing import Writing


@pytest.fixture
def service(tmp_path):
    return FakeService(tmp_path)


def turn(text="When do I prune a quince?", arm="rag", **fields):
    return Turn(question=Question(text=text, arm=parse_arm(arm), **fields))


def states(service, asked, writing=None):
    async def collect():
        return [state async for state in run(service.stream, asked, writing or Writing())]

    return asyncio.run(collect())


def test_turn_ends_done_with_answer_and_passages(service):
    last = states(service, turn())[-1]
    assert last.state == "done"
    assert last.text == last.answer.text
    assert last.passages[0].source == "shrubs/quince.md"
    assert last.answer.citations[0].number == 1
    assert not last.running


def test_arm_without_documents_has_no_passages(service):
    seen = states(service, turn(arm="base"))
    assert seen[-1].passages is None
    assert "searching" not in {state.state for state in seen}


def test_structured_answer_comes_whole(service):
    last = states(service, turn(format="json", schema_name="care"))[-1]
    assert last.answer.answer == {"plant": "quince", "prune": "February", "sun": True}


def test_known_error_is_its_message(service):
    service.error = ServeError("vLLM has stopped; start it again")
    last = states(service, turn())[-1]
    assert (last.state, last.error) == ("failed", "vLLM has stopped; start it again")


def test_unknown_error_tells_nothing_of_the_inside(service):
    service.error = ZeroDivisionError("secret")
    assert states(service, turn())[-1].error == UNEXPECTED


def test_stop_keeps_the_text_and_frees_the_model(service):
    service.slow(0.01)
    writing = Writing()

    async def scene():
        seen = []
        async for state in run(service.stream, turn("an endless story about sage"), writing):
            seen.append(state)
            if "word2" in state.text:
                assert writing.stop()
        return seen

    last = asyncio.run(scene())[-1]
    assert last.state == "stopped"
    assert last.text.startswith("word0 word1 word2")
    assert service.log == ["started", "cancelled"]
    assert not writing.busy
    assert not writing.stop()


def test_writing_is_free_after_a_failure(service):
    service.error = ServeError("no")
    writing = Writing()
    writing.claim()
    states(service, turn(), writing)
    assert not writing.busy
