"""The shorter form of `make trial NAME=webhooks`: webhooks in any order, doubled, lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import UnknownEvent
from chalicelib.recording import lifecycle
from tests.carriers.posted import calls
from trials.webhooks.permutations import LIFE, Order, Telling, faults, orders

CALLS = calls()


@given(order=orders())
@settings(max_examples=150)
def test_neither_order_nor_repetition_shows(order: Order) -> None:
    """Up to seven documented webhooks of a call in any order, up to five of them again, around its
    media or without: one state, and one terminal callback a recording at most."""

    assert [] == faults(order)


@pytest.mark.parametrize("carrier", sorted(CALLS))
def test_the_straight_order_ends_every_recording(carrier: str) -> None:
    """What the permutations are compared with is a call that was recorded, and told."""

    said = CALLS[carrier]
    telling = Telling(said)

    telling.go_through(Order(carrier=carrier, steps=(*LIFE, *said.bodies)).straight())

    recordings = list(telling.desk.core.store.recordings.values())
    assert 1 + len(said.files) == len(recordings)
    assert all(lifecycle.is_terminal(one.state) for one in recordings)
    assert dict.fromkeys((one.recording_id for one in recordings), 1) == telling.seen()["callbacks"]


@pytest.mark.parametrize("carrier", sorted(CALLS))
def test_the_bodies_are_understood(carrier: str) -> None:
    """All but one of the webhooks mean something: what is unknown changes nothing anyway."""

    said = CALLS[carrier]
    events = {
        name: registry.carrier(carrier).webhooks.parse(body) for name, body in said.bodies.items()
    }

    unknown = [name for name, event in events.items() if isinstance(event, UnknownEvent)]
    assert ["something new"] == unknown
