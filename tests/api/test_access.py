from __future__ import annotations

import pytest
from chalice.test import HTTPResponse

from app import app
from chalicelib.services.accounts.api_keys import create_key
from tests.api.conftest import Api, error_of
from tests.samples import CALL, T0, a_call, a_profile, a_recording, an_event, later

PROTECTED = sorted(
    (method, path)
    for path, methods in app.routes.items()
    for method in methods
    if path.startswith("/v1/")
    and path
    not in ("/v1/health", "/v1/openapi.json", "/v1/recordings/{recording_id}/download/{token}")
)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer nonsense", "Bearer tdk_000000000000_" + "0" * 63 + "1", "Basic YTpi"],
)
def test_every_route_of_an_account_wants_its_key(
    api: Api, method: str, path: str, authorization: str
) -> None:
    """Without a key that we know, nothing of `/v1` answers."""

    headers = {"Authorization": authorization} if authorization else {}
    response = api.client.http.request(method, path, headers=headers)

    assert (401, "unauthenticated") == refusal_of(method, response)


@pytest.mark.parametrize(("method", "path"), PROTECTED)
def test_the_key_is_asked_for_first(api: Api, method: str, path: str) -> None:
    """Who has no key doesn't learn what is wrong with a request."""

    headers = {"Content-Type": "application/json"}
    response = api.client.http.request(method, path, headers=headers, body=b"{")

    assert (401, "unauthenticated") == refusal_of(method, response)


def refusal_of(method: str, response: HTTPResponse) -> tuple[int, str]:
    """Return an error's status and code; the answer to a HEAD has no body to tell its code in."""
    if method == "HEAD":
        assert b"" == response.body
        return response.status_code, "unauthenticated"
    return error_of(response)


def test_a_revoked_key_opens_nothing(api: Api) -> None:
    """Revoking a key works at once."""

    (key,) = api.core.api_keys.listing("main")
    api.core.api_keys.revoke("main", key.key_id, later(1))

    assert (401, "unauthenticated") == error_of(api.get("/v1/profiles"))


def test_a_key_reaches_only_its_account(api: Api) -> None:
    """What belongs to another account looks as if it weren't there."""

    recording = a_recording()
    api.core.recordings.create(recording, an_event(recording), None)
    api.core.calls.ensure(a_call())
    api.core.profiles.create(a_profile())
    other = create_key(api.core.api_keys, "other", T0, lambda size: b"\x07" * size)
    headers = {"Authorization": f"Bearer {other.text}"}

    for path in (
        f"/v1/recordings/{recording.recording_id}",
        f"/v1/recordings/{recording.recording_id}/events",
        f"/v1/recordings/{recording.recording_id}/download",
        f"/v1/calls/{CALL.call_id}",
        "/v1/profiles/front",
        "/v1/profiles/front/instructions",
    ):
        assert 200 == api.get(path).status_code or "download" in path
        assert 404 == api.get(path, headers=headers).status_code, path
    for file in ("download", "proof"):
        path = f"/v1/recordings/{recording.recording_id}/{file}"
        assert (409, 404) == (api.head(path).status_code, api.head(path, headers).status_code)
    assert [] == api.get("/v1/recordings", headers=headers).json_body["recordings"]
    assert [] == api.get("/v1/calls", headers=headers).json_body["calls"]
    assert [] == api.get("/v1/profiles", headers=headers).json_body["profiles"]
