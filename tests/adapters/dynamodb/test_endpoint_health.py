"""The contract of the port Receivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import PreconditionFailed
from chalicelib.recording.endpoint_health import EndpointHealth, expires_at, failed, gone
from tests.samples import STATUS_URL, later

FAILING = EndpointHealth(
    account="main", url=STATUS_URL, failing_since=later(1), failed_at=later(3600)
)
GONE = gone(FAILING, "main", STATUS_URL, later(3700))


class TestReceivers:
    """The port Receivers."""

    def test_knows_who_fails(self, core: Any) -> None:
        """By account and URL; the last word counts; of one that is well there is no row."""

        core.receivers.put(replace(FAILING, failed_at=later(5)))
        core.receivers.put(FAILING)
        assert FAILING == core.receivers.get("main", STATUS_URL)
        assert core.receivers.get("other", STATUS_URL) is None
        assert core.receivers.get("main", STATUS_URL + "?") is None
        for _ in range(2):
            core.receivers.forget("main", STATUS_URL)
        assert core.receivers.get("main", STATUS_URL) is None

    def test_a_late_failure_starts_nobody_again(self, core: Any) -> None:
        """Who was stopped stays so, until it is forgotten or its time is over."""

        core.receivers.put(GONE)
        with pytest.raises(PreconditionFailed):
            core.receivers.put(failed(FAILING, "main", STATUS_URL, later(3701)))
        assert GONE == core.receivers.get("main", STATUS_URL)
        anew = failed(GONE, "main", STATUS_URL, expires_at(GONE) + timedelta(seconds=1))
        core.receivers.put(anew)
        assert anew == core.receivers.get("main", STATUS_URL)
