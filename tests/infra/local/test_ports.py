"""Ports of a local run."""

from __future__ import annotations

import socket

import pytest

from infra.local.failures import RunFailed
from infra.local.ports import HOST, choose_port

VARIABLE = "TESTED_PORT"


def test_any_free_port_is_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wish the run can't collide with anything."""
    monkeypatch.delenv(VARIABLE, raising=False)

    assert 1 <= choose_port(VARIABLE) <= 65535


def test_a_taken_port_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the port, the variable, and what to do."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(VARIABLE, str(port))

        with pytest.raises(RunFailed, match=rf"Port {port} \({VARIABLE}\) can't be used: .*unset"):
            choose_port(VARIABLE)


@pytest.mark.parametrize("wish", ["0", "65536", "http", "-1", "８０"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    """A number from 1 to 65535 in plain digits, or nothing."""
    monkeypatch.setenv(VARIABLE, wish)

    with pytest.raises(RunFailed, match="must be a port number"):
        choose_port(VARIABLE)
