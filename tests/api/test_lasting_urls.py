"""Every URL that any version ever handed out still leads where it led.

Customers have pasted them at their carriers, and stored them. `tests/carriers/<carrier>/urls.json`
lists a carrier's; lines are added there, and none is changed or removed. An `rtp://` URL is not
among them: it names a port that one call has claimed, and goes with the call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.carriers import registry
from chalicelib.carriers.contract.document import Sides
from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Profile
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.services.calls.instructions import Deployment, Wish, describe
from tests.api.conftest import Api
from tests.api.test_recordings import KEY, RECORDING_ID, finished, keep
from tests.samples import T0, a_profile

CARRIERS = Path(__file__).parents[1] / "carriers"
LISTS = {name: json.loads((CARRIERS / name / "urls.json").read_text()) for name in registry.ROWS}
ANY_EVENT = {"event_type": "new", "eventType": "new"}
DOWNLOADS = (
    "/v1/recordings/{recording}/download",
    "/v1/recordings/{recording}/download/{token}",
)
WITHOUT_BASIC = ["nobody", *(name for name, row in registry.ROWS.items() if not row.asks_basic)]
PUBLIC, SINK = "https://api.example.com/api", "wss://sink.example.com"


def listed(kind: str) -> list[tuple[str, str]]:
    return [(name, url) for name, urls in LISTS.items() for url in urls[kind]]


def profile_of(name: str) -> Profile:
    return a_profile(carrier=name, dialect=next(iter(registry.ROWS[name].streams)))


def token_of(hook: str) -> str:
    return hook.rsplit("/", 1)[1]


@pytest.mark.parametrize(("name", "url"), listed("hooks"))
def test_a_hook_takes_its_carrier_s_webhooks(api: Api, name: str, url: str) -> None:
    """Its own URL and that of all carriers take the same event."""
    token = token_of(api.hook(profile_of(name)))
    status = registry.carrier(name).webhooks.answer_status

    for path in (url, f"/hooks/{name}/{{token}}"):
        assert status == api.post_hook(path.format(token=token), ANY_EVENT).status_code
    assert 1 == len(api.core.store.inbound)


@pytest.mark.parametrize(("name", "url"), listed("hooks_with_basic"))
def test_a_hook_with_basic_is_opened_by_what_is_presented(api: Api, name: str, url: str) -> None:
    """API Gateway lets credentials through, and asks for them where there are none."""
    token = token_of(api.hook(profile_of(name)))
    status = registry.carrier(name).webhooks.answer_status

    for template in (url, f"/hooks-basic/{name}/{{token}}"):
        path = template.format(token=token)
        told = api.post_hook(path, ANY_EVENT, {"Authorization": "Basic eDp5"})
        assert (status, 401) == (told.status_code, api.post_hook(path, ANY_EVENT).status_code)


@pytest.mark.parametrize("name", WITHOUT_BASIC)
def test_no_other_carrier_has_a_hook_with_basic(api: Api, name: str) -> None:
    """Where a carrier can't present credentials, asking for them would lose its events."""
    answer = api.post_hook(f"/hooks-basic/{name}/t", ANY_EVENT, {"Authorization": "Basic eDp5"})

    assert 404 == answer.status_code


def test_a_carrier_without_a_row_has_no_hook(api: Api) -> None:
    """The one route for all carriers answers for those that are known."""

    assert 404 == api.post_hook("/hooks/nobody/t", ANY_EVENT).status_code


@pytest.mark.parametrize(("name", "url"), listed("streams"))
def test_a_stream_s_path_reaches_its_dialect(name: str, url: str) -> None:
    """With the call that SWML or the API filled in, with or without a generation in front."""
    for generation in (1, 7, 20_000):
        path = url.format(token="t-1", call="c%2F1", generation=generation)
        route = registry.route(path)

        assert (name, "t-1") == (registry.carrier_of(route.dialect), route.token)
        assert route.dialect == registry.parser(route).name
        assert "{call}" not in url or "c/1" == route.parameters["call_id"]


@pytest.mark.parametrize("name", registry.ROWS)
@pytest.mark.parametrize("sink", [SINK, f"{SINK}/g7"])
def test_what_is_handed_out_today_is_listed(name: str, sink: str) -> None:
    """A new form of URL is a new line of the list."""
    known = {
        url.format(token="…", call="…", generation=7)
        for urls in LISTS[name].values()
        for url in urls
    }

    assert set(handed_out(profile_of(name), sink)) <= known


def handed_out(profile: Profile, sink: str) -> Iterator[str]:
    """Yield the paths of every URL in every document, with `…` for tokens and calls."""
    deployment = Deployment(public_url=PUBLIC, sink_url=sink, token_keys=[b"k" * 32])
    for sides in Sides:
        try:
            told = describe(profile, Wish(sides=sides, labels={}), deployment, T0)
        except InvalidRequest:  # not every carrier can mix
            continue
        for url in re.findall(rf"(?:{PUBLIC}|{SINK})(/[^\s\"'\\]+)", json.dumps(told)):
            yield re.sub(r"\$\{[^}]*\}|[A-Za-z0-9_-]{64,}", "…", url)


@pytest.mark.parametrize("url", DOWNLOADS)
def test_a_download_leads_to_the_audio(api: Api, url: str) -> None:
    """For the account's key, and for whoever holds the token."""
    recording = keep(api, finished())
    expires_at = T0.replace(year=T0.year + 10)
    token = tokens.issue([KEY], TokenKind.RECORDING, "main", RECORDING_ID, expires_at)
    path = url.format(recording=recording.recording_id, token=token)

    assert 302 == api.get(path, {} if "{token}" in url else None).status_code
