"""Nothing that strangers write runs in the page or tells anybody: hundreds of payloads in a real browser.

In answers of every format, questions, passages, citations, file names and titles. Two walls are tested, each by itself:
all text is escaped, and the content security policy stops what would get past that.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence

import pytest
import yaml
from langchain_core.documents import Document
from playwright.sync_api import expect

from core.arms import parse_arm
from core.chat import Question
from core.turns import Turn
from core.types import FORMATS, Answer, Citation, Passage
from tests.browser import steps
from tests.support.payloads import Payload, payloads
from tests.support.poisoned_house import PoisonedHouse, poisoned_house
from tests.support.spy_server import SpyServer, spying
from tests.support.victim import UNESCAPED, WATCHED, Victim


@pytest.fixture(scope="module")
def spy() -> Iterator[SpyServer]:
    with spying() as server:
        yield server


@pytest.fixture(scope="module")
def all_payloads(spy: SpyServer) -> list[Payload]:
    made = payloads(spy.url)
    assert len({payload.text for payload in made}) == len(made) >= 300
    return made


@pytest.fixture(scope="module")
def texts(all_payloads: list[Payload]) -> list[str]:
    return [payload.text for payload in all_payloads]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Iterator[PoisonedHouse]:
    with poisoned_house(tmp_path_factory.mktemp("poisoned"), texts) as served:
        yield served


@pytest.fixture
def victim(browser, house: PoisonedHouse, spy: SpyServer) -> Iterator[Victim]:
    """Somebody on the page, who has asked nothing yet."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    spy.forget()
    victim = Victim(context, house.url, spy)
    victim.come()
    yield victim
    context.close()


def batches(texts: Sequence[str], longest: int = 3800) -> list[list[str]]:
    """The texts in groups that a box for questions takes."""
    found: list[list[str]] = [[]]
    for text in texts:
        if sum(len(one) + 1 for one in found[-1]) + len(text) > longest:
            found.append([])
        found[-1].append(text)
    return found


def documents(texts: Sequence[str], count: int = 6) -> list[Document]:
    """Passages that are payloads through and through."""
    return [
        Document(
            page_content="\n".join(texts[number::count]),
            metadata={"source": texts[number], "locator": " > ".join(texts[number : number + 2]), "corpus": "garden"},
        )
        for number in range(count)
    ]


def in_json(texts: Sequence[str]) -> str:
    return json.dumps({"citations": [1], "answer": {"plant": "\n".join(texts), "prune": texts[0], "sun": True}})


def in_yaml(texts: Sequence[str]) -> str:
    return yaml.safe_dump({"citations": [1], "answer": {"plant": "\n".join(texts), "prune": texts[0], "sun": True}})


def as_keys(texts: Sequence[str]) -> str:
    return json.dumps({"citations": [1], "answer": {text: {text: [text]} for text in texts}})


def as_it_is(texts: Sequence[str]) -> str:
    return "\n\n".join([*texts, "The end [1]"])


@pytest.mark.parametrize(
    ("format", "write"),
    [
        ("Text", as_it_is),
        ("Markdown", as_it_is),
        ("JSON", in_json),
        ("JSON", as_keys),
        ("JSON", as_it_is),
        ("YAML", in_yaml),
        ("YAML", as_it_is),
    ],
)
def test_what_a_model_writes_is_text(victim, house, spy, texts, format: str, write: Callable[[Sequence[str]], str]):
    page, groups = victim.page, batches(texts)
    house.say(write(texts), documents(texts))
    steps.choose(page, "Format", format)
    if format in ("JSON", "YAML") and write in (as_keys, as_it_is):
        page.wait_for_selector("#constrained", state="visible")
        steps.choose(page, "Guarantee the shape", "off")
    steps.ask(page, " ".join(groups[len(format) % len(groups)]))
    answer = page.locator("#conversation .answer").last.text_content()
    assert "parent.__ran.push(0)" in answer
    assert f"{spy.url}/{len(texts) - 4}" in answer
    assert len(steps.sources(page)) == 6
    victim.assert_unharmed()


def test_all_of_it_can_be_read(victim, house, texts):
    house.say(as_it_is(texts), documents(texts))
    steps.ask(victim.page, "What does the poison say?")
    answer = victim.page.locator("#conversation .answer .plain").last.text_content()
    # A mark `[1]` is a link, of which the number alone can be read.
    assert [text for text in texts if text not in answer and "[1" not in text] == []
    shown = {text for source in steps.sources(victim.page) for text in source["text"].split("\n")}
    assert len(shown & {line for text in texts for line in text.split("\n")}) > 300


def stored_turns(texts: Sequence[str]) -> list[Turn]:
    """A conversation in which everything is a payload: questions, answers, passages, places, citations, errors."""
    turns = []
    for number, few in enumerate(batches(texts)):
        group = [*few, *texts[:6]]
        format, joined = FORMATS[number % len(FORMATS)], "\n\n".join(group)
        places = [
            {"number": one, "source": group[one], "locator": " > ".join(group[one : one + 2]), "corpus": group[-one]}
            for one in range(1, 6)
        ]
        passages = [Passage(**place, place=joined, text=joined) for place in places]
        citations = [Citation(**place, quote=group[place["number"]]) for place in places[:3]]
        answer = Answer(text=joined, format=format, valid=number % 3 > 0, schema=group[0], model=group[1] + "@1")
        turns.append(
            Turn(
                question=Question(text=joined, arm=parse_arm("rag"), format=format, schema_name=group[0]),
                corpus="+".join(group[:2]),
                state="failed" if number % 5 == 4 else "done",
                passages=tuple(passages),
                text=f"{joined} [1] [2, 3]",
                answer=answer.model_copy(update={"citations": citations}),
                error=joined,
            )
        )
    return turns


def open_stored(victim: Victim, house: PoisonedHouse, turns: Sequence[Turn]) -> None:
    house.conversations.create(victim.user, turns)
    victim.come()
    victim.page.locator("#listing input").first.check(force=True)
    victim.page.wait_for_function(
        "count => document.querySelectorAll('#conversation .answer').length === count", arg=len(turns)
    )


def test_a_kept_conversation_with_its_passages_citations_and_files_is_text(victim, house, spy, texts):
    turns = stored_turns(texts)
    open_stored(victim, house, turns)
    page = victim.page
    expect(page.locator("#conversation .user .plain")).to_have_count(len(turns))
    expect(page.locator("#sources .source.cited")).to_have_count(3 * len(turns))
    page.evaluate("document.querySelectorAll('#sources details').forEach((details) => (details.open = true))")
    # The files that were added to it stand below it.
    assert page.locator("#chips .chips li").count() > 50
    page.locator("#conversation a.mark").first.click()
    page.wait_for_selector("#viewer [role=alert]")  # there is no such document
    victim.assert_unharmed()
    # What a conversation is saved as runs nowhere either.
    conversation = house.conversations.find(victim.user)[0].id
    for suffix in ("md", "json"):
        headers = page.request.get(f"{house.url}/mine/conversations/{conversation}.{suffix}").headers
        assert headers["content-disposition"].startswith("attachment")
        assert "sandbox" in headers["content-security-policy"]


def test_titles_are_text(victim, house, spy, texts):
    page, store = victim.page, house.conversations
    for first in range(0, len(texts), 150):  # so many are listed at once
        for text in texts[first : first + 150]:
            store.create(victim.user, [Turn(question=Question(text=text, arm=parse_arm("base")), state="done")])
        victim.come()
        page.wait_for_selector("#listing label")
        expect(page.locator("#listing label")).to_have_count(len(texts[first : first + 150]))
        page.locator("#listing input").first.check(force=True)
        page.wait_for_selector("#conversation .user .plain")
        page.wait_for_function("document.querySelector('#title :is(input, textarea)').value !== ''")
        victim.assert_unharmed()
        store.delete_all(victim.user)


def test_a_document_is_text_beside_the_chat_and_in_a_tab(victim, house, spy, texts):
    page = victim.page
    passage = Document(
        page_content="\n".join(texts[:20]),
        metadata={"source": house.document, "locator": texts[0], "corpus": "garden", "start": 0, "end": 40},
    )
    house.say("It says so. [1]", [passage])
    steps.ask(page, "What does the poison say?")
    page.get_by_role("button", name="Show the document").first.click()
    page.wait_for_selector("#viewer .document-text")
    expect(page.locator("#viewer .document-text")).to_contain_text(texts[3])
    victim.assert_unharmed()
    with page.context.expect_page() as opened:
        page.locator("#sources a.document").first.evaluate("link => link.click()")
    document = opened.value
    document.wait_for_load_state()
    expect(document.locator("body")).to_contain_text(texts[3])
    document.wait_for_timeout(500)
    assert document.evaluate("window.__ran") == []
    victim.assert_unharmed()


def test_names_of_files_are_text_among_the_documents(victim, house, spy, texts):
    page = victim.page
    steps.open_tab(page, "Documents")
    page.wait_for_selector("#documents table")
    expect(page.locator("#documents")).to_contain_text("parent.__ran.push(0)", use_inner_text=True)
    expect(page.locator("#documents tbody tr")).to_have_count(50)
    page.fill("#desk-question textarea", "What does the poison say?")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("#hits table")
    page.locator("#documents tbody tr").first.get_by_role("button").first.click()
    page.wait_for_selector("section.opened .chunks")
    victim.assert_unharmed()


def test_answers_side_by_side_are_text(victim, house, spy, texts):
    page = victim.page
    house.say(as_it_is(texts), documents(texts))
    house.service.publish()
    victim.come()
    steps.open_tab(page, "Arena")
    page.wait_for_selector("#contestants .token")
    page.fill("#arena-question textarea", " ".join(batches(texts)[1]))
    page.press("#arena-question textarea", "Enter")
    page.wait_for_selector("#votes", state="visible")
    page.get_by_role("button", name="A is best").click()
    page.wait_for_selector(".card.won")
    expect(page.locator(".card >> nth=0")).to_contain_text("parent.__ran.push(0)", use_inner_text=True)
    victim.assert_unharmed()


def test_the_payloads_bite_where_nothing_holds_them(browser, spy, all_payloads):
    page = steps.new_page(browser)
    page.add_init_script(WATCHED)
    page.goto(spy.url)
    spy.forget()
    page.evaluate(UNESCAPED, [payload.text for payload in all_payloads if not payload.leaving])
    page.wait_for_timeout(3000)
    ran = set(page.evaluate("window.__ran"))
    loaded = {int(found[1]) for path in spy.paths if (found := re.match(r"/(\d+)", path))}
    page.context.close()
    print(f"payloads that bite where nothing holds them: {len(ran)} run, {len(loaded)} load")  # noqa: T201
    assert len(ran) > 100
    assert len(loaded) > 50


def test_the_policy_stops_what_would_get_past_the_escaping(victim, house, spy, all_payloads):
    page = victim.page
    page.evaluate(UNESCAPED, [payload.text for payload in all_payloads if not payload.leaving])
    page.wait_for_timeout(3000)
    assert page.evaluate("window.__ran") == []
    assert spy.paths == []
    assert victim.dialogs == []
    stopped = page.evaluate("window.__stopped")
    assert len(stopped) > 100
    assert {"img-src", "script-src-elem", "script-src-attr", "style-src-elem", "frame-src"} <= set(stopped)


def test_the_policy_names_nobody_else(victim, house):
    for path in ("/", "/zh/"):
        answer = victim.page.request.get(house.url + path, headers={"accept": "text/html"})
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["connect-src"] == policy["frame-src"] == "'self'"
        assert policy["object-src"] == "'none'"
        assert "'unsafe-inline'" not in policy["script-src"]
        # Source by source: a script's hash is base64, which may hold a "//" of its own.
        for source in " ".join(policy.values()).split():
            assert re.fullmatch(r"'(self|none|unsafe-(inline|eval)|sha256-[A-Za-z0-9+/]{43}=)'|data:|blob:", source)
