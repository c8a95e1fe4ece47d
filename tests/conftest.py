"""For all tests: quick ones first, and `--no-skips` for CI, where a skipped test is a test that did not pass.

What this processor cannot do is left out there: unlike a missing package, nobody can install it.
"""

import pytest

pytest_plugins = ["tests.support.fixtures"]

# What costs least comes first, so that a broken build says so in seconds. One vLLM serves `served` and `browser`.
_STAGES = ("integration", "served", "browser", "destructive")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail when a test was skipped")
    parser.addoption("--real-vllm", action="store_true", help="walk the newcomer's way with a real vLLM, not its fake")
    parser.addoption("--guide-images", metavar="FOLDER", help="write the pictures of docs/guide.md to this folder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def stage(item: pytest.Item) -> int:
        return max((n for n, name in enumerate(_STAGES, start=1) if item.get_closest_marker(name)), default=0)

    items.sort(key=stage)  # stable: the order inside a stage stays


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips") and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--no-skips") and _skipped(config):
        terminalreporter.section("skipped tests, which count as failures here", red=True)
        for name in _skipped(config):
            terminalreporter.line(name)


def _skipped(config: pytest.Config) -> list[str]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    return sorted({report.nodeid for report in skipped if "this processor has" not in str(report.longrepr)})
