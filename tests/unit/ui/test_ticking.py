import asyncio

import pytest

from ui.ticking import batches


async def numbers(count, log, error=None):
    try:
        for number in range(count):
            await asyncio.sleep(0)
            yield number
        if error:
            raise error
        log.append("finished")
    finally:
        log.append("closed")


async def forever(log):
    try:
        yield 0
        await asyncio.Event().wait()
    finally:
        log.append("closed")


def test_all_items_come_in_order():
    log = []

    async def collect():
        return [item async for batch in batches(numbers(50, log), pause=0) for item in batch]

    assert asyncio.run(collect()) == list(range(50))
    assert log == ["finished", "closed"]


def test_items_that_come_together_are_one_batch(monkeypatch):
    rest, over = asyncio.Event(), asyncio.Event()

    async def in_two_goes():
        yield 0
        await rest.wait()
        yield 1
        over.set()

    async def pause(_seconds):
        # Lasts until the rest has come: a time would be too short for a busy machine.
        rest.set()
        await over.wait()

    async def first():
        stream = batches(in_two_goes())
        batch = await anext(stream)
        await stream.aclose()
        return batch

    monkeypatch.setattr("ui.ticking.asyncio.sleep", pause)
    assert asyncio.run(first()) == [0, 1]


def test_error_comes_after_the_items_before_it():
    async def collect(seen):
        async for batch in batches(numbers(3, [], error=ValueError("no")), pause=0):
            seen += batch

    seen = []
    with pytest.raises(ValueError, match="no"):
        asyncio.run(collect(seen))
    assert seen == [0, 1, 2]


def test_silence_ticks_and_closing_closes_the_source():
    log = []

    async def collect():
        stream = batches(forever(log), pause=0, tick=0.01)
        seen = [await anext(stream) for _ in range(3)]
        await stream.aclose()
        return seen

    assert asyncio.run(collect()) == [[0], [], []]
    assert log == ["closed"]


def test_cancelling_the_reader_closes_the_source():
    log = []

    async def scene():
        async def read():
            async for _ in batches(forever(log), pause=0):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(scene())
    assert log == ["closed"]


@pytest.mark.parametrize("steps", [0, 1])
def test_started_hands_out_a_way_to_end_it(steps):
    log = []

    async def collect():
        handles, seen = [], []
        stream = batches(forever(log), handles.append, pause=0, tick=30)
        if steps == 0:
            # Cancelled before its first step: nothing of the source has run.
            first = asyncio.ensure_future(anext(stream, None))
            await asyncio.sleep(0)
            handles[0]()
            return await first
        seen.append(await anext(stream))
        handles[0]()
        return [*seen, *[batch async for batch in stream]]

    assert asyncio.run(collect()) == ([[0]] if steps else None)
    assert log == (["closed"] if steps else [])
