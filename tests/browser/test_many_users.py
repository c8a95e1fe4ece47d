"""Twenty users who chat at once, some in browsers, and whose words are all different: nobody gets to see another's."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from playwright.sync_api import expect
from pydantic import PrivateAttr

from core.conversations import ConversationStore
from core.user_database import UserDatabase
from tests.browser import steps
from tests.fakes import FakeService, ScriptedModel
from tests.support.http_user import HttpUser
from tests.support.running_app import running
from ui.mount import DomainPage, mount

USERS, BROWSERS, QUESTIONS = 20, 3, 3
_PATIENCE_SECONDS = 100
MARKERS = [f"tulip{number:02d}bed" for number in range(USERS)]


def repeat(messages: Sequence[BaseMessage]) -> str:
    """An answer that says what was asked."""
    return f"You asked: {messages[-1].text.rpartition('Question: ')[2]} That is in the leaflet. [1]"


class Choir(ScriptedModel):
    """Begins to write only when so many answers are waiting: then all of them are written at once."""

    voices: int
    _come: int = PrivateAttr(0)

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        self._come += 1
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._come < self.voices:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async for chunk in super()._astream(messages, stop, run_manager, **kwargs):
            yield chunk


@dataclass
class House:
    """The page, and where it keeps what its users leave behind."""

    url: str
    conversations: ConversationStore


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    service, users = FakeService(tmp_path / "garden"), UserDatabase(tmp_path / "users.sqlite")
    service.model = Choir(script=repeat, delay=0.02, voices=USERS)
    service.pipeline.retriever.documents = [(f"beds/{marker}.md", marker, f"{marker} only.") for marker in MARKERS]
    with running(mount(FastAPI(), [DomainPage(service)], users)) as url:
        yield House(url, ConversationStore(users, "garden"))


def question(marker: str, number: int) -> str:
    return f"{marker} number{number} please"


def others(marker: str, text: str) -> list[str]:
    """Markers of others in a text."""
    return [other for other in MARKERS if other != marker and other in text]


def chat(user: HttpUser, marker: str) -> None:
    for number in range(QUESTIONS):
        answer = user.ask(question(marker, number))
        assert f"You asked: {question(marker, number)} That is in the leaflet." in answer
        assert f"beds/{marker}.md" in answer


def assert_kept(conversations: ConversationStore, user: str, marker: str) -> None:
    (found,) = conversations.find(user)
    turns = conversations.read(user, found.id).turns
    assert [turn.question.text for turn in turns] == [question(marker, number) for number in range(QUESTIONS)]
    for turn in turns:
        assert turn.state == "done"
        assert turn.text.startswith(f"You asked: {turn.question.text} ")
        assert [passage.source for passage in turn.passages or ()] == [f"beds/{marker}.md"]
        assert others(marker, turn.model_dump_json()) == []


def test_twenty_users_at_once_see_their_own_words_only(browser, house):
    by_http = dict(zip(MARKERS[BROWSERS:], [HttpUser(house.url) for _ in MARKERS[BROWSERS:]], strict=True))
    pages = {marker: steps.new_page(browser) for marker in MARKERS[:BROWSERS]}
    for page in pages.values():
        steps.open_page(page, house.url)
        steps.wait_until_ready(page)
    with ThreadPoolExecutor(len(by_http)) as pool:
        chats = [pool.submit(chat, user, marker) for marker, user in by_http.items()]
        for number in range(QUESTIONS):
            for marker, page in pages.items():
                steps.start_asking(page, question(marker, number))
            for marker, page in pages.items():
                steps.wait_for_answer(page)
                assert steps.answer_text(page).startswith(f"You asked: {question(marker, number)} ")
        for done in chats:
            done.result()

    for marker, user in by_http.items():
        assert question(marker, 0) in user.open_page()  # the list of conversations
        assert len(user.export()["conversations"]) == 1
        assert others(marker, user.heard) == []
        assert_kept(house.conversations, user.cookie.partition(".")[0], marker)
        user.close()
    for marker, page in pages.items():
        assert [source["file"] for source in steps.sources(page)] == [f"beds/{marker}.md"]
        assert others(marker, page.content()) == []
        steps.open_page(page, house.url)
        page.wait_for_selector("#listing label")
        expect(page.locator("#listing label")).to_have_text([question(marker, 0)])
        assert others(marker, page.content()) == []
        (cookie,) = (cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "graft_user")
        assert_kept(house.conversations, cookie.partition(".")[0], marker)
        page.context.close()
