"""In which order files are run, and what the whole run says at its end."""

import re

import compiled
import pytest

SLOWEST = (
    *("faults", "random_kills", "escape", "soak", "evaluator", "conformance", "install", "live"),
    *("install_engine", "roles", "install_command", "browser_client", "browser_testpage", "walls"),
    *("uploads", "limits_reached", "pages", "templates", "browser_app", "simulated_year", "docs"),
    "fuzz",
)
"""Files that take longest, longest first: what begins last should not take long."""
REPLAY = "replay"
"""Property of a test: the closing line of one replay of recorded exchanges."""


def pytest_configure(config: pytest.Config) -> None:
    """Has what engines compile kept from one test to the next."""
    assert config.cache is not None
    compiled.kept = config.cache.mkdir("compiled")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the slowest files first, and leaves the others in their order behind them."""
    places = {f"test_{name}": place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Adds up the replayer's closing lines: one line over the whole corpus."""
    lines = [
        str(value)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == REPLAY and getattr(report, "when", "") == "call"
    ]
    counts = [re.fullmatch(r"(\d+) passed, (\d+) failed.*", line) for line in lines]
    found = [(int(count[1]), int(count[2])) for count in counts if count]
    if found:
        passed, failed = (sum(column) for column in zip(*found, strict=True))
        terminalreporter.write_line(
            f"recorded OpenCPU exchanges, {len(found)} topics: {passed} passed, {failed} failed"
        )
