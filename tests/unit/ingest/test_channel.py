"""The wire to a parsing process: whole messages, open files, and an other side that ends, stalls or lies."""

import os
import socket
import struct

import pytest

from ingest.channel import ChannelClosed, receive_reply, receive_request, send_reply, send_request


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_request_brings_an_open_file(ends, tmp_path):
    (path := tmp_path / "x").write_text("content")
    with path.open() as file:
        send_request(ends[0], {"source": "näme\n" * 500}, file.fileno())
    request, handle = receive_request(ends[1])
    assert request == {"source": "näme\n" * 500}
    with os.fdopen(handle) as received:
        assert received.read() == "content"


def test_a_reply_of_any_length(ends):
    import threading

    reply = {"document": {"text": "ü" * 300_000}}
    thread = threading.Thread(target=send_reply, args=(ends[1], reply))
    thread.start()
    assert receive_reply(ends[0], 10, 1 << 20) == reply
    thread.join()


def test_an_end_is_told(ends):
    ends[1].close()
    with pytest.raises(ChannelClosed):
        receive_reply(ends[0], 10, 100)
    with pytest.raises(ChannelClosed):
        receive_request(ends[0])


def test_silence_is_told(ends):
    with pytest.raises(TimeoutError):
        receive_reply(ends[0], 0.01, 100)


@pytest.mark.parametrize(
    "message", [struct.pack(">Q", 1 << 40), struct.pack(">Q", 2) + b"[]", struct.pack(">Q", 1) + b"{"]
)
def test_nonsense_is_told(ends, message):
    ends[1].sendall(message)
    with pytest.raises(ValueError, match=r".+"):
        receive_reply(ends[0], 10, 1000)
