"""Processes that live, and one that does not any more."""

import os
import subprocess
import sys

from core.processes import is_alive


def test_a_process_lives_until_it_has_been_waited_for() -> None:
    assert is_alive(os.getpid())
    assert is_alive(1)  # somebody else's, perhaps
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not is_alive(child.pid)
