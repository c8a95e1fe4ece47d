"""The chat pipeline over a scripted model: what is sent, what comes back, for which arm."""

import asyncio
import json
from contextlib import contextmanager

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever

from core.arms import parse_arm
from core.chat import ChatPipeline, Delta, Done, Found, Question, Searching
from core.errors import AdapterError, RequestError
from core.icl import ExampleSelector
from core.pack import DomainPack, PackFile
from core.settings import GenerateSettings
from core.types import Example, Passage

SCHEMA = {
    "type": "object",
    "properties": {"sun": {"type": "string"}},
    "required": ["sun"],
    "additionalProperties": False,
}


class OneDocument(BaseRetriever):
    """Finds the same document for every question, and remembers the questions."""

    asked: list[str]

    def _get_relevant_documents(self, query, *, run_manager):
        self.asked.append(query)
        return [Document(page_content="Thyme wants full sun.", metadata={"source": "thyme.md", "locator": "Thyme"})]


class Scripted(GenericFakeChatModel):
    """Says one thing, word by word, and remembers what it was sent."""

    sent: list

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        self.sent.append((messages, kwargs))
        for chunk in self._stream(messages, stop, None, **kwargs):
            yield chunk


@pytest.fixture
def pack(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "care.json").write_text(json.dumps(SCHEMA))
    return DomainPack(tmp_path, PackFile(name="garden", persona="P.", corpus=("corpus/",)), tmp_path)


@pytest.fixture
def ask(pack):
    """Asks one question of a model that says `says`; returns events, what the model was sent, and its name."""

    def run(says, *, arm="rag", active="garden@1", retriever=None, **changes):
        model, names = Scripted(messages=iter([AIMessage(says)]), sent=[]), []
        examples = [Example(id="e", question="Mint?", answer="Half sun.")]
        pipeline = ChatPipeline(
            pack=pack,
            model_for=lambda name: (names.append(name), model)[1],
            base_model="base",
            active_adapter=lambda: active,
            count_tokens=lambda text: len(text.split()),
            generate=GenerateSettings(),
            retriever=retriever,
            examples=ExampleSelector(examples, DeterministicFakeEmbedding(size=8)),
        )
        question = Question(**{"text": "How much sun for thyme?", "arm": parse_arm(arm), **changes})

        async def collect():
            return [event async for event in pipeline.stream(question)]

        return asyncio.run(collect()), model.sent, names

    return run


def test_rag_searches_then_writes_then_cites(ask):
    events, sent, names = ask("Full sun. [1]", retriever=OneDocument(asked=[]))
    assert [type(event) for event in events] == [Searching, Found, *[Delta] * (len(events) - 3), Done]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "Full sun. [1]"
    answer = events[-1].answer
    assert [(c.number, c.source, c.quote) for c in answer.citations] == [(1, "thyme.md", "Thyme wants full sun.")]
    assert "Thyme wants full sun." in sent[0][0][-1].content
    assert names == ["base"]


def test_given_passages_stand_in_for_a_search(ask):
    retriever = OneDocument(asked=[])
    given = (Passage(number=1, source="sage.md", locator="", text="Sage wants rain."),)
    events, sent, _ = ask("Rain. [1]", retriever=retriever, given=given)
    assert retriever.asked == []
    assert "Sage wants rain." in sent[0][0][-1].content
    assert [c.source for c in events[-1].answer.citations] == ["sage.md"]
    _, sent, _ = ask("Full sun.", arm="base", given=given)
    assert "Sage" not in sent[0][0][-1].content


def test_closed_book_arms_search_nothing(ask):
    retriever = OneDocument(asked=[])
    events, sent, names = ask("Full sun.", arm="lora", retriever=retriever)
    assert retriever.asked == []
    assert names == ["garden@1"]
    assert "Passages" not in sent[0][0][-1].content
    assert events[-1].answer.citations == []


def test_a_named_adapter_beats_the_active_one(ask):
    assert ask("x", arm="lora", adapter="garden@0")[2] == ["garden@0"]
    events, _, names = ask("x", arm="hybrid", retriever=OneDocument(asked=[]))
    assert names == ["garden@1"]
    assert events[-1].answer.model == "garden@1"


def test_icl_shows_worked_examples(ask):
    _, sent, _ = ask("x", arm="icl")
    assert [m.type for m in sent[0][0]] == ["system", "human", "ai", "human"]


def test_history_only_makes_the_question_standalone(ask):
    retriever = OneDocument(asked=[])
    _, sent, _ = ask(
        "x", text="And how much water does it want?", history=("Hello", "Tell me about thyme."), retriever=retriever
    )
    assert retriever.asked == ["Tell me about thyme. And how much water does it want?"]
    assert "Hello" not in str(sent[0][0])


def test_structured_answers_come_in_one_piece_without_the_envelope(ask):
    raw = '{"citations": [1], "answer": {"sun": "full"}}'
    events, sent, _ = ask(raw, format="json", schema_name="care", retriever=OneDocument(asked=[]))
    (delta,) = [event for event in events if isinstance(event, Delta)]
    assert json.loads(delta.text) == {"sun": "full"}
    assert events[-1].answer.valid
    assert events[-1].answer.raw == raw
    assert "extra_body" not in sent[0][1]


def test_constrained_yaml_is_decoded_as_json_and_written_as_yaml(ask):
    raw = '{"citations": [], "answer": {"sun": "full"}}'
    events, sent, _ = ask(raw, arm="rag+schema", format="yaml", schema_name="care", retriever=OneDocument(asked=[]))
    assert events[-1].answer.text == "sun: full"
    grammar = sent[0][1]["extra_body"]["structured_outputs"]["json"]
    assert grammar["properties"]["citations"]["items"]["maximum"] == 1


def test_constraints_do_nothing_to_prose(ask):
    _, sent, _ = ask("x", arm="rag+schema", retriever=OneDocument(asked=[]))
    assert "extra_body" not in sent[0][1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"arm": "rag"}, RequestError, "no index yet: run graft ingest --domain garden"),
        ({"arm": "lora", "active": None}, AdapterError, "no active adapter.*graft train"),
        ({"arm": "base", "format": "json", "schema_name": "x"}, RequestError, "no schema 'x': it has care"),
    ],
)
def test_what_is_missing_is_named_with_the_remedy(ask, changes, error, message):
    with pytest.raises(error, match=message):
        ask("x", **changes)


def test_icl_without_examples_is_an_error_that_says_so(pack):
    pipeline = ChatPipeline(
        pack=pack,
        model_for=lambda name: Scripted(messages=iter([]), sent=[]),
        base_model="base",
        active_adapter=lambda: None,
        count_tokens=len,
        generate=GenerateSettings(),
    )
    with pytest.raises(RequestError, match="no training examples"):
        asyncio.run(pipeline.answer(Question(text="Q?", arm=parse_arm("icl"))))


def test_training_yields_while_an_answer_is_written_and_not_after(pack):
    marks = []

    @contextmanager
    def mark():
        marks.append("in")
        yield
        marks.append("out")

    class Watching(Scripted):
        async def _astream(self, *arguments, **kwargs):
            assert marks == ["in"]
            async for chunk in super()._astream(*arguments, **kwargs):
                yield chunk

    pipeline = ChatPipeline(
        pack=pack,
        model_for=lambda name: Watching(messages=iter([AIMessage("Yes.")]), sent=[]),
        base_model="base",
        active_adapter=lambda: None,
        count_tokens=len,
        generate=GenerateSettings(),
        while_answering=mark,
    )
    assert asyncio.run(pipeline.answer(Question(text="Q?", arm=parse_arm("base")))).text == "Yes."
    assert marks == ["in", "out"]
