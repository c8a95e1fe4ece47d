"""What every retriever of Graft promises: over embedded Chroma, over a Chroma server, and the public fake in memory."""

import asyncio
import threading

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from core.errors import RetrievalError
from core.settings import IngestSettings, RetrieveSettings
from ingest.pipeline import ingest_corpus
from retriever.hybrid import open_retriever, together
from retriever.memory import InMemoryRetriever
from tests.support.chroma_server import ChromaServer
from tests.support.corpora import HashEmbedder

pytestmark = pytest.mark.integration

PAGES = {
    "pumps/errors.md": "# Errors\n\n## pump.E001\n\nThe inlet filter is blocked by sand.\n\n"
    "## pump.E002\n\nThe motor draws too much current.\n",
    "pumps/care.md": "# Care\n\n## Winter\n\nBefore the first frost, drain the housing.\n",
    "pumps/copy.md": "# Care\n\n## Winter\n\nBefore the first frost, drain the housing.\n",
    "lamps/colours.md": "# Colours\n\nThe lamp shines red while it is charging.\n",
    "lamps/steckbrief.md": "# Steckbrief\n\nDas Gehäuse der Leuchte ist aus Aluminium.\n",
    "lamps/notes.txt": "充电时指示灯为红色。\n",
}


def write(root):
    for name, text in PAGES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def index(root, **options):
    target = root / "corpora" / "things"
    ingest_corpus(
        [write(root / "corpus")], target, HashEmbedder(), IngestSettings(chunk_tokens=64, workers=1), **options
    )
    return target


def documents():
    found = []
    for source, text in PAGES.items():
        for part in text.split("\n## ")[1:] or [text]:
            suffix = source.rpartition(".")[2]
            kind = {"md": "markdown", "txt": "text"}[suffix]
            found.append(Document(page_content=part.strip(), metadata={"source": source, "format": kind}))
    return found


@pytest.fixture(scope="module", params=["embedded", "server", "memory"])
def retriever(request, tmp_path_factory):
    if request.param == "memory":
        yield InMemoryRetriever(documents=documents())
        return
    root = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        found = open_retriever(index(root), HashEmbedder(), RetrieveSettings())
        yield found
        found.close()
        return
    with ChromaServer(root / "server") as server:
        settings = RetrieveSettings(chroma_url=server.url)
        found = open_retriever(index(root, chroma_url=server.url), HashEmbedder(), settings)
        yield found
        found.close()


def sources(found):
    return [document.metadata["source"] for document in found]


def test_the_best_comes_first_with_falling_scores_between_zero_and_one(retriever):
    found = retriever.invoke("What does pump.E001 say about the blocked inlet filter?")
    assert found[0].metadata["source"] == "pumps/errors.md"
    assert "inlet filter" in found[0].page_content
    scores = [document.metadata["score"] for document in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_k_is_the_most_there_is(retriever):
    assert len(retriever.invoke("the housing, the motor, the lamp", k=2)) == 2
    assert 0 < len(retriever.invoke("the housing, the motor, the lamp", k=50)) <= 7


def test_a_text_that_stands_twice_is_found_once(retriever):
    found = retriever.invoke("drain the housing before the first frost", k=6)
    assert sum("first frost" in document.page_content for document in found) == 1


@pytest.mark.parametrize(
    ("where", "inside"),
    [
        ({"source": "lamps/colours.md"}, {"lamps/colours.md"}),
        ({"source": "lamps/*"}, {"lamps/colours.md", "lamps/steckbrief.md", "lamps/notes.txt"}),
        ({"source": {"$in": ["pumps/care.md", "lamps/colours.md"]}}, {"pumps/care.md", "lamps/colours.md"}),
        ({"format": "text"}, {"lamps/notes.txt"}),
        ({"source": "nowhere/*"}, set()),
    ],
)
def test_a_filter_leaves_only_what_fits(retriever, where, inside):
    asked = "Before the first frost the lamp shines red, Das Gehäuse, 充电"
    assert set(sources(retriever.invoke(asked, k=20, where=where))) <= inside
    if inside:
        assert retriever.invoke(asked, k=20, where=where)


def test_wrong_filters_and_empty_questions_say_what_is_wrong(retriever):
    with pytest.raises(RetrievalError, match="cannot filter by 'colour': use source"):
        retriever.invoke("red", where={"colour": "red"})
    with pytest.raises(RetrievalError, match="empty"):
        retriever.invoke("   ")


@pytest.mark.parametrize(
    ("question", "source"),
    [("Aus was ist das Gehäuse?", "lamps/steckbrief.md"), ("充电时是什么颜色？", "lamps/notes.txt")],
)
def test_other_languages_are_found_by_their_words(retriever, question, source):
    assert sources(retriever.invoke(question))[0] == source


def test_alone_together_and_later_give_the_same(retriever):
    questions = ["pump.E002", "Which colour has the lamp while it is charging?"]
    alone = [sources(retriever.invoke(question)) for question in questions]
    assert [sources(found) for found in retriever.batch(questions)] == alone

    async def later():
        return [sources(await retriever.ainvoke(question)) for question in questions]

    assert asyncio.run(later()) == alone


def test_many_threads(retriever):
    wrong = []

    def ask():
        if "current" not in retriever.invoke("pump.E002")[0].page_content:
            wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_it_drops_into_a_langchain_chain(retriever):
    prompt = ChatPromptTemplate.from_template("{context}\n\n{question}")
    joined = RunnableLambda(lambda found: "\n".join(document.page_content for document in found))
    chain = (
        {"context": retriever | joined, "question": RunnablePassthrough()}
        | prompt
        | RunnableLambda(lambda value: value.to_string())
        | StrOutputParser()
    )
    text = chain.invoke("Which colour has the lamp while it is charging?")
    assert "The lamp shines red" in text
    assert text.endswith("charging?")


def test_without_documents_it_says_so(tmp_path):
    with pytest.raises(RetrievalError, match="no documents"):
        InMemoryRetriever(documents=[]).invoke("x")
    with pytest.raises(RetrievalError, match="no index yet"):
        open_retriever(tmp_path / "nothing", HashEmbedder(), RetrieveSettings())


def test_several_corpora_in_one_question_each_hit_naming_its_own(tmp_path):
    parts = []
    for name, text in (("pumps", "# Care\n\nDrain the housing.\n"), ("lamps", "# Care\n\nWipe the shade.\n")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "care.md").write_text(text)
        target = tmp_path / "corpora" / name
        ingest_corpus([folder], target, HashEmbedder(), IngestSettings(workers=1))
        parts.append(open_retriever(target, HashEmbedder(), RetrieveSettings()))
    both = together(parts)
    assert both.corpora == ["pumps", "lamps"]
    for words, corpus in (("Drain the housing", "pumps"), ("Wipe the shade", "lamps")):
        assert both.invoke(words)[0].metadata["corpus"] == corpus
    assert {document.metadata["corpus"] for document in both.invoke("care, housing, shade")} == {"pumps", "lamps"}
    only = both.invoke("care, housing, shade", where={"corpus": "lamps"})
    assert {document.metadata["corpus"] for document in only} == {"lamps"}
    both.close()


def test_neighbours_become_one_passage_whose_span_is_that_of_the_whole(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    sentences = [
        f"The {word} valve of the cellar pump opens by itself at night." for word in ("first", "second", "third")
    ]
    text = "# Valves\n\n" + "\n\n".join(sentences) + "\n"
    (folder / "valves.md").write_text(text)
    target = tmp_path / "corpora" / "d"
    ingest_corpus([folder], target, HashEmbedder(), IngestSettings(chunk_tokens=16, workers=1))
    retriever = open_retriever(target, HashEmbedder(), RetrieveSettings())
    (found,) = retriever.invoke("Which valve of the cellar pump opens at night?")
    assert [part["ordinal"] for part in found.metadata["parts"]] == [0, 1, 2]
    assert text[found.metadata["start"] : found.metadata["end"]] == found.page_content
    assert all(sentence in found.page_content for sentence in sentences)
    retriever.close()
