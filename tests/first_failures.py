"""Shows how each test that was tried again failed at its first try, whatever came of it.

pytest-rerunfailures shows the last failure alone, and none of a test that passes in the end. The
first one is what happened; later tries may fail of what it left behind.
"""

from __future__ import annotations

import pytest

TITLE = "first failures of tests that were tried again"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the whole traceback of each, and what the test had written by then."""
    first: dict[str, pytest.TestReport] = {}
    for report in terminalreporter.getreports("rerun"):
        first.setdefault(report.nodeid, report)
    if not first:
        return
    terminalreporter.section(TITLE, yellow=True)
    for report in first.values():
        terminalreporter.write_sep("_", f"{report.nodeid} ({report.when})", yellow=True)
        terminalreporter.write_line(report.longreprtext)
        for name, written in report.sections:
            terminalreporter.write_sep("-", name)
            terminalreporter.write_line(written.rstrip())
