"""What all stream dialects share."""

from __future__ import annotations

import pytest

from chalicelib.carriers.contract import stream


@pytest.mark.parametrize("text", ["a", "c-2a913f94-7fa91773-a426", "~" * 128])
def test_an_id_is_visible_ascii(text: str) -> None:
    """What carriers call a call fits."""

    assert stream.is_carrier_id(text)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\x00", "é", "a" * 129])
def test_an_id_is_nothing_else(text: str) -> None:
    """Empty, white, foreign and endless texts name nothing."""

    assert not stream.is_carrier_id(text)


def test_close_codes_are_sendable() -> None:
    """Every close code is one that RFC 6455 lets an endpoint send."""

    assert {1003, 1007, 1008} == set(stream.CLOSE_CODES.values())
