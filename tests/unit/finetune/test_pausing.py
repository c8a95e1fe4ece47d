"""A training waits while an answer is written, and says so."""

import threading
import time

from core.activity import answering
from finetune.callbacks import Pacing, Reporting
from finetune.job import Job, read_status


def test_the_status_says_that_it_waits_and_the_waiting_does_not_count(tmp_path):
    job = Job(domain="d", base="b", base_name="b", rows="r", data_hash="", prompt_hash="",
              activity_folder=str(tmp_path))  # fmt: skip
    pacing = Pacing(job, tmp_path)
    reporting = Reporting(tmp_path, pacing, pid=1)
    reporting.write("training", 3, 9)
    pacing.on_pause = reporting.pause
    pacing.give_way()
    assert pacing.waited == 0
    waiting = threading.Thread(target=pacing.give_way)
    with answering(tmp_path):
        waiting.start()
        while read_status(tmp_path).state != "paused":
            time.sleep(0.01)
        assert read_status(tmp_path).step == 3
        time.sleep(0.05)
    waiting.join()
    assert (read_status(tmp_path).state, read_status(tmp_path).steps) == ("training", 9)
    assert pacing.waited >= 0.05
