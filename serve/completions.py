"""Answers in OpenAI's words: completions, chunks, annotations, model entries. Data in, data out; knows no HTTP."""

import json
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from core.answer_text import mark_spans
from core.types import STRUCTURED, Answer, Citation
from serve.model_names import ModelEntry

DONE = "data: [DONE]\n\n"


class Completion:
    """One answer on its way out: the identity that its chunks share. `model` is the name the client asked for."""

    def __init__(self, model: str, refusal: str, corpus: str) -> None:
        self.model, self._refusal, self._corpus = model, refusal, corpus
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.created = int(time.time())
        # Pieces of text are many: only the text in them is written anew.
        self._text_chunk = self._chunk({"content": ""}).split('"content": ""')

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The body of an answer in one piece."""
        message = {"role": "assistant", "content": answer.text, **self._beside(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(answer)}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage(answer),
            **self._own(answer),
        }

    def first_chunk(self) -> str:
        """The chunk that names the speaker."""
        return self._chunk({"role": "assistant", "content": ""})

    def text_chunk(self, text: str) -> str:
        """A chunk of text."""
        return f'"content": {json.dumps(text)}'.join(self._text_chunk)

    def last_chunks(self, answer: Answer, *, include_usage: bool) -> str:
        """What ends a stream: citations and the reason it ended, token counts if asked for, the end mark."""
        last = self._chunk(self._beside(answer), finish_reason(answer), **self._own(answer))
        if include_usage:
            last += _event({**self._head("chat.completion.chunk"), "choices": [], "usage": usage(answer)})
        return last + DONE

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, **own: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return _event({**self._head("chat.completion.chunk"), "choices": [choice], **own})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _beside(self, answer: Answer) -> dict[str, Any]:
        """What stands beside the text in a message. A refusal in json or yaml is the text `null`, and is said here."""
        refused = answer.refused and answer.format in STRUCTURED
        return {
            "refusal": self._refusal if refused else None,
            "annotations": annotations(answer, self._corpus),
            "citations": [citation.model_dump(exclude_defaults=True) for citation in answer.citations],
        }

    def _own(self, answer: Answer) -> dict[str, Any]:
        """Graft's own fields. Citations stand here too, for clients that drop what they do not know in a message."""
        return {
            "citations": [citation.model_dump(exclude_defaults=True) for citation in answer.citations],
            "graft": {
                "arm": answer.arm,
                "model": answer.model,
                "format": answer.format,
                "schema": answer.schema_name,
                "refused": answer.refused,
                "degraded": answer.degraded,
                "seconds": round(answer.seconds, 3),
                "seconds_to_first_token": answer.seconds_to_first_token and round(answer.seconds_to_first_token, 3),
            },
        }


def annotations(answer: Answer, corpus: str) -> list[dict[str, Any]]:
    """One `url_citation` per mark (`text[start_index:end_index]`); json and yaml have no marks, only citations."""
    by_number = {citation.number: citation for citation in answer.citations}
    if answer.format in STRUCTURED:
        return [_annotation(citation, corpus, 0, 0) for citation in answer.citations]
    return [
        _annotation(by_number[number], corpus, start, end)
        for number, start, end in mark_spans(answer.text)
        if number in by_number
    ]


def citation_url(citation: Citation, corpus: str) -> str:
    """An identifier of the passage's place as a URL. Documents have no web address; the scheme is Graft's own."""
    place = f"#{quote(citation.locator)}" if citation.locator else ""
    return f"graft://{citation.corpus or corpus}/{quote(citation.source)}{place}"


def finish_reason(answer: Answer) -> str:
    """OpenAI's word for why the text ends."""
    return "length" if answer.finish_reason == "length" else "stop"


def usage(answer: Answer) -> dict[str, int]:
    """Token counts as the serving model gave them."""
    counts = answer.usage.model_dump()
    return {**counts, "total_tokens": sum(counts.values())}


def model_list(entries: Sequence[ModelEntry], started: float) -> list[dict[str, Any]]:
    """Entries of /v1/models. `started` (Unix seconds) dates those that are no published adapter."""
    return [
        {
            "id": entry.name,
            "object": "model",
            "created": int(datetime.fromisoformat(entry.created).timestamp() if entry.created else started),
            "owned_by": "graft",
            "description": entry.description,
        }
        for entry in entries
    ]


def _annotation(citation: Citation, corpus: str, start: int, end: int) -> dict[str, Any]:
    title = f"{citation.source}, {citation.locator}" if citation.locator else citation.source
    place = {"start_index": start, "end_index": end, "title": title, "url": citation_url(citation, corpus)}
    return {"type": "url_citation", "url_citation": place}


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
