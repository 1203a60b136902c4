"""What the whole run says at its end."""

import re

import pytest

REPLAY = "replay"
"""Property of a test: the closing line of one replay of recorded exchanges."""


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
