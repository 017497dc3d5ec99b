"""Bandwidth's row: its paths, its answer, and its signature."""

from __future__ import annotations

import pytest

from chalicelib.carriers import registry
from chalicelib.carriers.bandwidth.carrier import CARRIER
from chalicelib.carriers.contract.stream_path import Route
from chalicelib.errors import NotFound


def test_the_path_names_only_the_token() -> None:
    """The path gives the token; the call is named by the stream's first message."""

    assert Route(dialect="bandwidth", token="t", parameters={}) == registry.route("/bandwidth/t")


@pytest.mark.parametrize("path", ["/bandwidth", "/bandwidth/", "/bandwidth/t/", "/bandwidth/t/a"])
def test_other_paths_are_not_found(path: str) -> None:
    """A path without exactly a token is not found."""

    with pytest.raises(NotFound) as refused:
        registry.route(path)

    assert "unknown_path" == refused.value.code


def test_an_event_is_answered_204() -> None:
    """Bandwidth's documents ask for an answer without a body."""

    assert 204 == CARRIER.webhooks.answer_status


def test_nothing_is_signed() -> None:
    """Bandwidth has no signature header: a user and a password can prove it instead."""

    assert () == CARRIER.signature
    assert registry.ROWS["bandwidth"].asks_basic
