"""Every carrier's documented webhooks, through the app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.carriers import registry
from chalicelib.carriers.contract.webhook import UnknownEvent
from chalicelib.errors import InvalidRequest
from tests.api.conftest import Api
from tests.carriers.samples import encoded, names, sample
from tests.samples import a_profile


def documented() -> Iterator[tuple[str, str]]:
    """Yield those samples of each carrier that are events: others are messages of a stream."""
    for carrier in registry.ROWS:
        parse = registry.carrier(carrier).webhooks.parse
        for name in names(carrier):
            try:
                event = parse(encoded(sample(carrier, name)))
            except InvalidRequest:
                continue
            if not isinstance(event, UnknownEvent):
                yield carrier, name


@pytest.mark.parametrize(("carrier", "name"), list(documented()))
def test_every_documented_webhook_is_taken(api: Api, carrier: str, name: str) -> None:
    """Whatever the carriers' pages show gets its 2xx and is stored."""
    dialect = next(iter(registry.ROWS[carrier].streams))
    hook = api.hook(a_profile(carrier=carrier, dialect=dialect))

    response = api.post_hook(hook, sample(carrier, name))

    assert registry.carrier(carrier).webhooks.answer_status == response.status_code
    assert 1 == len(api.core.store.inbound)


@pytest.mark.parametrize("carrier", registry.ROWS)
def test_every_carrier_has_documented_webhooks(carrier: str) -> None:
    """A carrier without samples would not be tested at all."""

    assert carrier in {of for of, _ in documented()}
