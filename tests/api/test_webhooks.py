from __future__ import annotations

import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.api.webhooks import ask_for_credentials
from chalicelib.recording.model import CallRef, Profile, State
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from tests.api.conftest import KEYS, PUBLIC_URL, Api, an_api, error_of
from tests.carriers.needed import needs
from tests.carriers.samples import sample
from tests.samples import T0, a_profile

needs("bandwidth", "signalwire")

SIGNALWIRE = a_profile(name="sw", dialect="signalwire-tap", carrier="signalwire")
BANDWIDTH = a_profile(name="bw")
KEY = bytes.fromhex(KEYS["token_keys"][0])

BANDWIDTH_CALL = "c-95ac912f-68aacdd7-4a8e-4223-a7fd-020e02fa6bf2"
STARTED = sample("bandwidth", "media-stream-started")


def tapping(uri: str, state: str = "tapping") -> dict[str, Any]:
    return {
        "event_type": "calling.call.tap",
        "event_channel": "swml:be38",
        "timestamp": 1640000000.123,
        "project_id": "p-1",
        "space_id": "s-1",
        "params": {
            "call_id": "2e1e66e5",
            "node_id": "node-1",
            "segment_id": "seg-1",
            "control_id": "tap_001",
            "state": state,
            "tap": {"type": "audio", "params": {"direction": "speak"}},
            "device": {"type": "ws", "params": {"uri": uri, "codec": "PCMA"}},
        },
    }


def token_of(hook: str) -> str:
    return hook.rsplit("/", 1)[1]


def test_bandwidth_s_event_is_durable_and_answered_204(api: Api) -> None:
    """The documented event is stored, and its call waits for media."""

    response = api.post_hook(api.hook(BANDWIDTH), STARTED)

    assert (204, b"") == (response.status_code, response.body)
    ref = CallRef(account="main", carrier="bandwidth", call_id=BANDWIDTH_CALL)
    assert [State.PENDING] == [r.state for r in api.core.recordings.of_call(ref.key)]
    assert ["mediaStreamStarted"] == [e.event_type for e in api.core.inbox.events(ref.key)]


def test_signalwire_s_event_is_durable_and_answered_200(api: Api) -> None:
    """The tap's event joins its stream by the path that it names."""

    hook = api.hook(SIGNALWIRE)
    uri = f"wss://sink.example.com/signalwire-tap/{token_of(hook)}/2e1e66e5/speak"

    response = api.post_hook(hook, tapping(uri))

    assert 200 == response.status_code
    ref = CallRef(account="main", carrier="signalwire", call_id="2e1e66e5")
    (said,) = api.core.inbox.carrier_reports(ref.key)
    assert ("2e1e66e5/speak", "node-1", "seg-1") == (
        said.carrier_stream_id,
        said.facts.node_id,
        said.facts.carrier_segment_id,
    )


def test_a_stored_event_holds_no_token(api: Api) -> None:
    """What would let a reader stream or post is redacted before it is stored."""

    hook = api.hook(SIGNALWIRE)
    uri = f"wss://sink.example.com/signalwire-tap/{token_of(hook)}/2e1e66e5/speak"

    api.post_hook(hook, tapping(uri))

    (stored,) = api.core.store.inbound.values()
    assert token_of(hook) not in stored.body
    assert token_of(hook) not in repr(api.core.store.announcements)


def test_the_same_event_again_is_answered_the_same(api: Api) -> None:
    """A carrier's repetition changes nothing."""

    hook = api.hook(BANDWIDTH)

    assert [204, 204] == [api.post_hook(hook, STARTED).status_code for _ in range(2)]
    assert 1 == len(api.core.store.inbound)


def test_an_event_that_we_don_t_know_is_stored_and_acknowledged(api: Api) -> None:
    """Tomorrow's event types must not make a carrier repeat itself."""

    assert 200 == api.post_hook(api.hook(SIGNALWIRE), {"event_type": "calling.call.x"}).status_code
    assert ["unknown"] == [event.event_type for event in api.core.store.inbound.values()]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "not_json"),
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[]", "wrong_type"),
        (b"{}", "missing_field"),
        ({**STARTED, "mediaStream": None}, "wrong_type"),
        ({key: value for key, value in STARTED.items() if key != "callId"}, "missing_field"),
        ({**STARTED, "callId": 7}, "wrong_type"),
    ],
)
def test_a_body_that_says_nothing_is_a_400(api: Api, body: object, code: str) -> None:
    """The answer has a stable code, and nothing is stored."""

    assert (400, code) == error_of(api.post_hook(api.hook(BANDWIDTH), body))
    assert {} == api.core.store.inbound


def test_64_kib_are_taken_and_one_byte_more_is_not(api: Api) -> None:
    """The limit is exact, and comes before everything else: even a wrong token isn't looked at."""

    hook = api.hook(BANDWIDTH)
    text = json.dumps(STARTED).encode()
    full = text[:-1] + b" " * (64 * 1024 - len(text)) + b"}"

    assert 204 == api.post_hook(hook, full).status_code
    assert (413, "too_large") == error_of(api.post_hook(hook, full + b" "))
    assert (413, "too_large") == error_of(api.post_hook("/hooks/bandwidth/x", full + b" "))


def test_a_token_that_isn_t_ours_opens_nothing(api: Api) -> None:
    """A changed, an expired and a recording's token are all refused before the body is read."""

    token = token_of(api.hook(BANDWIDTH))
    expired = tokens.issue([KEY], TokenKind.PROFILE, "main", "bw", T0 - timedelta(days=9999))
    recording = tokens.issue([KEY], TokenKind.RECORDING, "main", "bw", T0 + timedelta(days=99999))

    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", expired, recording):
        response = api.post_hook(f"/hooks/bandwidth/{wrong}", b"not json")
        assert 401 == response.status_code, wrong
    assert {} == api.core.store.inbound


def test_a_deleted_profile_s_token_opens_nothing(api: Api) -> None:
    """Deleting the profile takes its tokens back."""

    hook = api.hook(BANDWIDTH)
    api.core.profiles.delete("main", "bw")

    assert (401, "token_invalid") == error_of(api.post_hook(hook, STARTED))


def test_a_profile_s_token_opens_its_carrier_s_hook_only(api: Api) -> None:
    """Another carrier's events don't come in under it."""

    token = token_of(api.hook(BANDWIDTH))

    response = api.post_hook(f"/hooks/signalwire/{token}", {"event_type": "x"})

    assert (403, "wrong_carrier") == error_of(response)


def signed(api: Api, hook: str, body: bytes, key: str, digest: str = "sha256") -> dict[str, str]:
    made = hmac.new(key.encode(), (PUBLIC_URL + hook).encode() + body, digest).hexdigest()
    name = "X-Signalwire-SHA256-Signature" if digest == "sha256" else "X-SignalWire-Signature"
    return {name: made}


def with_signing_key(api: Api, secret: str = '{"signing_key": "PSK_1"}') -> str:
    api.texts.texts["tapedeck/main/sw-key"] = secret
    profile: Profile = a_profile(
        name="signed",
        dialect="signalwire-tap",
        carrier="signalwire",
        secret_id="tapedeck/main/sw-key",
    )
    return api.hook(profile)


@pytest.mark.parametrize("secret", ['{"signing_key": "PSK_1"}', "PSK_1"])
@pytest.mark.parametrize("digest", ["sha256", "sha1"])
def test_a_right_signature_is_taken(api: Api, digest: str, secret: str) -> None:
    """Over the configured public URL and the raw body, whichever of the two digests is sent."""

    hook, body = with_signing_key(api, secret), b'{"event_type": "x", "n": 1.0}'

    response = api.post_hook(hook, body, signed(api, hook, body, "PSK_1", digest))

    assert 200 == response.status_code


def test_two_signing_keys_are_good_while_one_replaces_the_other(api: Api) -> None:
    """The carrier may sign with either; with a third it may not."""

    hook, body = with_signing_key(api, '{"signing_key": ["new", "old"]}'), b'{"event_type": "x"}'

    statuses = [
        api.post_hook(hook, body, signed(api, hook, body, key)).status_code
        for key in ("old", "new", "other")
    ]

    assert [200, 200, 403] == statuses


def test_a_wrong_signature_is_a_403_even_with_a_good_token(api: Api) -> None:
    """A present signature decides, whatever the token."""

    hook, body = with_signing_key(api), b'{"event_type": "x"}'

    response = api.post_hook(hook, body, signed(api, hook, body, "PSK_2"))

    assert (403, "bad_signature") == error_of(response)
    assert {} == api.core.store.inbound


def test_the_raw_body_is_what_is_signed(api: Api) -> None:
    """The same JSON in other bytes has another signature."""

    hook = with_signing_key(api)
    headers = signed(api, hook, b'{"event_type": "x"}', "PSK_1")

    assert 403 == api.post_hook(hook, b'{"event_type":"x"}', headers).status_code


def test_a_callback_without_a_signature_has_its_token(api: Api) -> None:
    """The carrier doesn't say that it signs status callbacks: the token stands alone."""

    assert 200 == api.post_hook(with_signing_key(api), {"event_type": "x"}).status_code


def test_a_signature_that_nobody_can_check_is_no_reason_to_refuse(api: Api) -> None:
    """Without a signing key in the profile, the token stands alone."""

    headers = {"X-Signalwire-SHA256-Signature": "00"}

    assert 200 == api.post_hook(api.hook(SIGNALWIRE), {"event_type": "x"}, headers).status_code


def test_a_secret_without_a_signing_key_checks_nothing(api: Api) -> None:
    """It may hold what opens recordings, and no more."""

    hook = with_signing_key(api, '{"basic": {"username": "u", "password": "p"}}')

    response = api.post_hook(hook, {"event_type": "x"}, {"X-SignalWire-Signature": "00"})

    assert 200 == response.status_code


BASIC = {"Authorization": "Basic YnctdXNlcjpwYXNz"}


def with_credentials(api: Api) -> str:
    secret = {"webhook_basic": {"username": "bw-user", "password": "pass"}}
    api.texts.texts["tapedeck/main/bw-key"] = json.dumps(secret)
    return api.hook(a_profile(name="bw", secret_id="tapedeck/main/bw-key"))


def test_two_users_are_good_while_one_replaces_the_other(api: Api) -> None:
    """Calls that began before still say the old password."""

    users = [{"username": "bw-user", "password": password} for password in ("new", "pass")]
    hook = with_credentials(api)
    api.texts.texts["tapedeck/main/bw-key"] = json.dumps({"webhook_basic": users})
    said = [BASIC, {"Authorization": "Basic YnctdXNlcjpuZXc="}, {"Authorization": "Basic eDp4"}]

    assert [204, 204, 403] == [api.post_hook(hook, STARTED, one).status_code for one in said]


@pytest.mark.parametrize("door", ["bandwidth", "bandwidth-basic"])
def test_a_profile_can_want_user_and_password(api: Api, door: str) -> None:
    """Nothing said is asked for, something else is refused, at both doors alike."""

    hook = with_credentials(api).replace("/bandwidth/", f"/{door}/")

    silent = api.post_hook(hook, STARTED)
    wrong = api.post_hook(hook, STARTED, {"Authorization": "Basic YnctdXNlcjpub3Bl"})
    other = api.post_hook(hook, STARTED, {"Authorization": "Bearer YnctdXNlcjpwYXNz"})

    assert 401 == silent.status_code
    if door == "bandwidth":  # at the other, API Gateway answers by itself
        assert (401, "credentials_needed") == error_of(silent)
        assert 'Basic realm="tapedeck"' == silent.headers["WWW-Authenticate"]
    assert [(403, "wrong_credentials")] * 2 == [error_of(wrong), error_of(other)]
    assert {} == api.core.store.inbound
    assert 204 == api.post_hook(hook, STARTED, BASIC).status_code


def test_a_profile_that_wants_none_takes_any(api: Api) -> None:
    """The token alone is the proof, whatever is said besides."""

    hook = api.hook(a_profile(name="plain"))
    api.texts.texts["tapedeck/main/other"] = '{"basic": {"username": "u", "password": "p"}}'
    other = api.hook(a_profile(name="other", secret_id="tapedeck/main/other"))

    assert 204 == api.post_hook(hook, STARTED, BASIC).status_code
    assert 204 == api.post_hook(other, STARTED).status_code


def test_api_gateway_asks_in_our_place() -> None:
    """Presented credentials pass to where they are verified, on the routes with Basic only."""

    event = {
        "type": "TOKEN",
        "authorizationToken": "Basic x",
        "methodArn": "arn:aws:execute-api:eu-west-1:1:abc/api/POST/hooks/bandwidth-basic/t",
    }

    policy = ask_for_credentials(event, None)["policyDocument"]

    base = "arn:aws:execute-api:eu-west-1:1:abc/api/*"
    assert [f"{base}/hooks-basic/*", f"{base}/hooks/bandwidth-basic/*"] == [
        resource for statement in policy["Statement"] for resource in statement["Resource"]
    ]


def test_a_recording_of_the_carrier_s_own_is_fetched(api: Api) -> None:
    """Its event makes a recording that finalizes; every further event of it is the same one."""

    hook = api.hook(BANDWIDTH)

    for name in ("recording-available", "record-complete", "recording-available"):
        assert 204 == api.post_hook(hook, sample("bandwidth", name)).status_code

    (recording,) = api.core.store.recordings.values()
    assert (State.FINALIZING, "carrier") == (recording.state, recording.source)
    assert [(recording.recording_id, 1)] == api.workflows.finalizations
    listed = api.get("/v1/recordings").json_body["recordings"]
    assert ["carrier"] == [one["source"] for one in listed]


def test_what_can_t_be_made_durable_is_a_503(api: Api) -> None:
    """Never 2xx before it is stored; 5xx only when it isn't."""

    hook = api.hook(BANDWIDTH)
    api.core.faults.down()

    response = api.post_hook(hook, STARTED)

    assert (503, "unavailable") == error_of(response)
    assert {} == api.core.store.inbound


def test_no_webhook_is_answered_2xx_before_it_is_stored() -> None:
    """Whichever port call fails: the event is stored, or the answer is one to come again for."""

    with an_api() as smooth:
        hook = smooth.hook(BANDWIDTH)
        begun = smooth.core.faults.calls
        smooth.post_hook(hook, STARTED)
        calls = smooth.core.faults.calls - begun

    answers = []
    for number in range(1, calls + 1):
        with an_api() as api:
            hook = api.hook(BANDWIDTH)
            api.core.faults.before(number)
            status = api.post_hook(hook, STARTED).status_code
            answers.append((status, len(api.core.store.inbound)))

    assert {(503, 0)} == set(answers)


def test_any_content_type_is_read_as_json(api: Api) -> None:
    """The parser tells what is wrong with a body, not its content type."""

    response = api.post_hook(api.hook(BANDWIDTH), STARTED, {"Content-Type": "text/plain"})

    assert 204 == response.status_code
