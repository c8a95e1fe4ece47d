import asyncio

import pytest

from core.arms import parse_arm
from core.chat import Question
from core.errors import ServeError
from core.turns import Turn
from tests.fakes import FakeService
from ui.contest import compete
from ui.writing import Writing


@pytest.fixture
def service(tmp_path):
    return FakeService(tmp_path)


def turn(arm="rag", text="When do I prune a quince?"):
    return Turn(question=Question(text=text, arm=parse_arm(arm)))


def ended(service, turns, writings=None):
    async def collect():
        return [states async for states in compete(service, turns, writings or [Writing() for _ in turns])]

    return asyncio.run(collect())


def test_all_answer_in_their_places(service):
    states = ended(service, [turn("rag"), turn("base", "Which plants grow in shade?")])
    last = states[-1]
    assert [one.state for one in last] == ["done", "done"]
    assert [one.question.arm.name for one in last] == ["rag", "base"]
    assert last[0].answer.citations
    assert "Woodruff" in last[1].text


def test_they_answer_at_the_same_time(service):
    service.slow(0.05)
    seen = ended(service, [turn("rag"), turn("base")])
    assert any(all(one.text and one.running for one in states) for states in seen)


def test_a_failure_of_all_is_each_ones_own(service):
    service.error = ServeError("vLLM has stopped; start it again")
    assert [one.state for one in ended(service, [turn(), turn("base")])[-1]] == ["failed", "failed"]


def test_one_is_stopped_and_the_other_goes_on(service):
    service.slow(0.01)
    turns = [turn(text="an endless story about sage"), turn("base")]
    writings = [Writing(), Writing()]

    async def scene():
        last = ()
        async for states in compete(service, turns, writings):
            last = states
            if "word2" in states[0].text:
                writings[0].stop()
        return last

    first, second = asyncio.run(scene())
    assert (first.state, second.state) == ("stopped", "done")
    assert first.text.startswith("word0 word1")


def test_leaving_stops_all(service):
    service.slow(0.01)

    async def scene():
        stream = compete(service, [turn(text="endless"), turn(text="endless")], [Writing(), Writing()])
        async for states in stream:
            if all("word2" in one.text for one in states):
                break
        await stream.aclose()

    asyncio.run(scene())
    assert service.log.count("cancelled") == 2
