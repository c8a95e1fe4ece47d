"""What is counted and logged of each request: numbers and names, no content."""

import json
import logging

import pytest

from core.errors import ModelDownError
from core.settings import ServeSettings
from serve.admission import Admission
from serve.gateway import create_app
from serve.rate_limit import RateLimit
from serve.request_record import logger
from tests.support.scripted_service import ScriptedService

QUESTION = [{"role": "user", "content": "When do I prune quince?"}]


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger.name)
    logger.propagate = True
    return lambda: [json.loads(r.getMessage()) for r in caplog.records if r.name == logger.name]


def client(service, settings=None, engine=dict):
    from starlette.testclient import TestClient

    return TestClient(create_app([service], settings or ServeSettings(), engine), base_url="http://127.0.0.1:7860")


def post(http, **fields):
    return http.post("/v1/chat/completions", json={"model": "garden", "messages": QUESTION, **fields})


def test_answers_are_counted_by_model_arm_and_status():
    http = client(ScriptedService("In February. [1]", "Yes."))
    post(http)
    post(http, stream=True)
    post(http, model="nobody")
    text = http.get("/metrics").text
    assert 'graft_requests_total{arm="hybrid",model="garden",status="200"} 2.0' in text
    assert 'graft_requests_total{arm="",model="",status="404"} 1.0' in text
    assert 'graft_tokens_total{arm="hybrid",kind="completion",model="garden"} 16.0' in text
    for name in ("retrieval", "queue", "first_token"):
        counts = [line for line in text.splitlines() if line.startswith(f"graft_{name}_seconds_count")]
        assert counts[0].endswith(" 2.0"), name
    assert "graft_answering 0.0" in text
    assert 'graft_ready{domain="garden",part="model"} 1.0' in text
    assert "prefix_cache" not in text


def test_cache_hits_are_vllms_own():
    engine = lambda: {"prefix_cache_queries": 200.0, "prefix_cache_hits": 150.0}  # noqa: E731
    text = client(ScriptedService(), engine=engine).get("/metrics").text
    assert "graft_prefix_cache_hit_rate 0.75" in text
    assert "graft_prefix_cache_hits_total 150.0" in text


def test_each_request_is_one_line_without_its_words(lines):
    http = client(ScriptedService("In February. [1]"))
    response = post(http)
    (line,) = lines()
    assert line["id"] == response.headers["X-Request-Id"]
    assert (line["model"], line["arm"], line["status"]) == ("garden", "hybrid", 200)
    assert (line["prompt_tokens"], line["completion_tokens"]) == (40, 8)
    assert line["retrieval_seconds"] >= 0
    assert "quince" not in json.dumps(line)
    assert "February" not in json.dumps(line)


def test_words_are_logged_when_asked_for(lines):
    post(client(ScriptedService("In February. [1]"), ServeSettings(log_content=True)))
    (line,) = lines()
    assert (line["question"], line["answer"]) == ("When do I prune quince?", "In February. [1]")


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"model": "nobody"}, 404, "model_not_found"),
        ({"n": 3}, 400, "invalid_request"),
        ({"format": "json"}, 503, "model_down"),
    ],
)
def test_refusals_are_logged_with_their_code(lines, fields, status, error):
    service = ScriptedService()
    service.script.error = ModelDownError("it restarts")
    post(client(service), **fields)
    (line,) = lines()
    assert (line["status"], line["error"]) == (status, error)


def test_rate_limit_fills_evenly():
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    assert [limit.seconds_to_wait("a", 2) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert limit.seconds_to_wait("b", 2) == 0.0
    now[0] = 30.0
    assert limit.seconds_to_wait("a", 2) == 0.0
    assert limit.seconds_to_wait("a", 2) == 30.0


def test_queue_counts():
    import asyncio

    async def go():
        queue = Admission(1, 1)
        async with queue.admit() as waited:
            assert waited >= 0
            assert queue.counts() == {"waiting": 0, "answering": 1}
        assert queue.counts() == {"waiting": 0, "answering": 0}

    asyncio.run(go())


def test_metrics_need_a_key_where_there_are_keys(tmp_path):
    from serve.api_keys import add_key

    key = add_key(tmp_path / "keys", "prometheus")
    http = client(ScriptedService(), ServeSettings(api_keys_file=tmp_path / "keys"))
    assert http.get("/metrics").status_code == 401
    assert http.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200
