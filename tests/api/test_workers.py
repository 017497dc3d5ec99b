"""The operator's commands about workers."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

from chalicelib.api.workers import main
from tests.api.conftest import Api
from tests.services.recovery.test_generations import a_lease


def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command; return its exit code and what it says."""
    out, errors = StringIO(), StringIO()
    return main(arguments, out, errors), out.getvalue(), errors.getvalue()


def test_workers_are_listed(api: Api) -> None:
    """A line for each: whose it is, what it has, what it suffers from."""
    now = datetime.now(UTC)
    api.core.leases.renew(a_lease("w-2", 2, renewed_at=now, degraded="journal: unavailable"))
    api.core.leases.renew(a_lease("w-1", 1, calls=3, rtp_open=1))

    assert (
        0,
        "generation 1  w-1  3 calls  1 RTP ports  silent\n"
        "generation 2  w-2  0 calls  0 RTP ports  degraded: journal: unavailable\n",
        "",
    ) == run("list")


def test_a_generation_is_asked_whether_it_is_idle(api: Api) -> None:
    """The exit code says it; what hinders is told."""
    now = datetime.now(UTC)
    api.core.leases.renew(a_lease("w-1", 1, renewed_at=now, calls=3))
    api.core.leases.renew(a_lease("w-2", 2, renewed_at=now))

    assert (1, "", "w-1 has 3 calls and 0 RTP ports\n") == run("idle", "1")
    api.core.leases.renew(a_lease("w-1", 1, renewed_at=now))
    assert (0, "", "") == run("idle", "1")


def test_a_database_that_doesn_t_answer_lets_nobody_go(api: Api) -> None:
    """Nothing is known then."""
    api.core.faults.down()

    code, out, errors = run("idle", "1")

    assert (1, "") == (code, out)
    assert errors
