from core.arms import parse_arm
from core.chat import Question
from core.standings import Standing
from core.turns import Turn
from core.types import Answer, Citation, Usage
from tests.fakes import FakeService
from ui.arena import Contest, offered_contestants
from ui.render_arena import cards_html, standings_html


def turn(arm="hybrid", model="garden@1", text="A <b>.", state="done", **fields):
    cited = [Citation(number=2, source="a&b.md", locator="", quote='He said "x".', corpus="garden", start=3, end=9)]
    usage = Usage(prompt_tokens=1200, completion_tokens=7)
    answer = Answer(text=text, format="text", model=model, citations=cited, usage=usage)
    question = Question(text="Q <i>?", arm=parse_arm(arm))
    return Turn(question=question, state=state, text=text, seconds=2.0, answer=answer, **fields)


def test_nobody_is_named_before_the_vote():
    blind = cards_html([turn(), turn("rag", "base")], revealed=False)
    for tell in ("garden@1", "Documents", "1,200", "2.0 s"):
        assert tell not in blind
    assert 'href="/documents/garden/a%26b.md?from=3&amp;to=9#quote"' in blind
    shown = cards_html([turn(), turn("rag", "base")], revealed=True, winner=1)
    assert "Documents + trained style, garden@1" in shown
    assert "2.0 s · 1,200 tokens read, 7 written" in shown
    assert shown.index("Your choice") > shown.index('class="letter">B')


def test_a_running_answer_does_not_tell_whether_it_searches():
    running = turn(state="searching", text="", passages=None).model_copy(update={"answer": None})
    assert "Searching" not in cards_html([running, running], revealed=False)
    assert "Searching" in cards_html([running, running], revealed=True)


def test_everything_is_escaped():
    drawn = cards_html([turn(), turn().model_copy(update={"state": "failed", "error": "<u>"})], revealed=True)
    assert "<b>" not in drawn
    assert "<i>?" not in drawn
    assert "<u>" not in drawn


def test_standings_show_rates_and_intervals():
    drawn = standings_html([Standing(arm="rag", adapter="", votes=12, rate=0.75, low=0.468, high=0.911)])
    assert "<td>12</td><td>75%</td>" in drawn
    assert "47 to 91%" in drawn
    assert "No votes yet" in standings_html([])


def test_votes_are_open_when_two_have_answered():
    failed = turn().model_copy(update={"state": "failed", "answer": None})
    assert Contest(turns=(turn(), turn())).open_to_votes
    assert not Contest(turns=(turn(), failed)).open_to_votes
    assert Contest(turns=(turn(), failed, turn())).open_to_votes
    assert not Contest(turns=(turn(), turn()), outcome="tie").open_to_votes


def test_each_version_of_an_adapter_can_compete(tmp_path):
    service = FakeService(tmp_path)
    assert [value for _, value in offered_contestants(service)] == ["rag|", "base|"]
    service.publish("garden@1")
    service.published.append(service.published[0].model_copy(update={"name": "garden@2", "active": False}))
    offered = [value for _, value in offered_contestants(service)]
    assert offered == ["hybrid|garden@1", "hybrid|garden@2", "rag|", "lora|garden@1", "lora|garden@2", "base|"]
