"""Whose webhooks are whose."""

from __future__ import annotations

import pytest

from chalicelib.dialects.signatures import SCHEMES
from chalicelib.dialects.webhooks import registry
from chalicelib.errors import NotFound


@pytest.mark.parametrize(("carrier", "status"), [("signalwire", 200), ("bandwidth", 204)])
def test_each_carrier_gets_the_answer_it_asks_for(carrier: str, status: int) -> None:
    """SignalWire is answered 200, Bandwidth 204."""

    dialect = registry.dialect(carrier)

    assert (carrier, status) == (dialect.carrier, dialect.answer_status)


def test_every_scheme_exists() -> None:
    """A row's signature scheme is a row of the schemes, or none."""

    named = {row.signature_scheme for row in registry.DIALECTS.values()} - {""}

    assert set() == named - set(SCHEMES)


@pytest.mark.parametrize("carrier", ["", "twilio", "SignalWire", "x" * 500])
def test_others_are_not_found(carrier: str) -> None:
    """A carrier without a row has no hooks."""

    with pytest.raises(NotFound) as refused:
        registry.dialect(carrier)

    assert "unknown_path" == refused.value.code
