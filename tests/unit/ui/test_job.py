import asyncio

from core.errors import IngestError
from ui.conversation import UNEXPECTED
from ui.job import Job


def follow(work):
    job = Job(work)

    async def collect():
        return [seen async for seen in job.follow(look=0.01)]

    return job, asyncio.run(collect())


def test_progress_is_told_and_the_result_kept():
    async def work(tell):
        await asyncio.to_thread(tell, "parse", 0.5)
        await asyncio.sleep(0.05)
        return "done"

    job, seen = follow(work)
    assert ("parse", 0.5) in seen
    assert (job.result, job.error) == ("done", "")


def test_errors_are_sentences():
    async def known(tell):
        raise IngestError("no disk; free some")

    async def unknown(tell):
        raise ZeroDivisionError("secret")

    assert follow(known)[0].error == "no disk; free some"
    assert follow(unknown)[0].error == UNEXPECTED


def test_work_goes_on_when_its_follower_leaves():
    done = []

    async def work(tell):
        await asyncio.sleep(0.03)
        done.append(True)

    async def scene():
        stream = Job(work).follow(look=0.01)
        await anext(stream)
        await stream.aclose()
        await asyncio.sleep(0.1)

    asyncio.run(scene())
    assert done == [True]
