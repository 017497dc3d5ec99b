"""The same through the API's own doors: a request with a forged credential is answered 401, 403 or
404, and nothing is stored."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from chalicelib.recording.model import Format, Rendition, State
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from tests.api.conftest import KEYS, PUBLIC_URL, Api, an_api
from tests.samples import T0, a_profile, a_recording, an_event
from trials.forge.locks import LATER, Lock
from trials.forge.mutations import mutated

REFUSED = frozenset({400, 401, 403, 404})
BODY = b'{"event_type": "x"}'
_SIGNED = "x-signalwire-sha256-signature"
_KEY = bytes.fromhex(KEYS["token_keys"][0])
_WAV = Rendition(
    format=Format.WAV,
    key="recordings/main/r/recording.wav",
    size=44,
    duration_ms=0,
    channels=1,
    sha256="ab" * 32,
    created_at=T0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]


def _answers(api: Api, knock: Knock) -> bool:
    """Whether a door opened. Raises AssertionError where it broke, or something was stored."""
    before = len(api.core.store.inbound)
    sent = {"Content-Type": "application/json", **knock.headers}
    body = BODY if knock.method == "POST" else b""
    response = api.client.http.request(knock.method, knock.path, headers=sent, body=body)
    if response.status_code in REFUSED:
        assert before == len(api.core.store.inbound), knock
        return False
    assert response.status_code < 400, (response.status_code, knock)
    return True


@contextmanager
def doors(share: float) -> Iterator[list[Lock]]:
    """Yield the doors of an API, for as long as the block runs."""
    with an_api() as api:
        yield [
            _hook_door(api, share / 2),
            _account_door(api, share / 4),
            _link_door(api, share / 4),
        ]


def _hook_door(api: Api, share: float) -> Lock:
    api.texts.texts["tapedeck/main/sw-key"] = '{"signing_key": ["PSK_new", "PSK_old"]}'
    hook = api.hook(
        a_profile(
            name="sw",
            dialect="signalwire-tap",
            carrier="signalwire",
            secret_id="tapedeck/main/sw-key",
        )
    )
    base, _, token = hook.rpartition("/")
    covered = (PUBLIC_URL + hook).encode() + BODY
    right = [hmac.digest(key, covered, "sha256").hex() for key in (b"PSK_new", b"PSK_old")]

    def forge(random: Random) -> Knock:
        path, signature = hook, random.choice(right)
        if random.random() < 0.5:
            path = f"{base}/{quote(mutated(token, random), safe='')}"
        else:
            signature = mutated(signature, random)
        return Knock(method="POST", path=path, headers={_SIGNED: signature})

    return Lock(
        name="door: a carrier's hook",
        share=share,
        rights=[Knock(method="POST", path=hook, headers={_SIGNED: one}) for one in right],
        opens=lambda knock: _answers(api, knock),
        forge=forge,
    )


def _account_door(api: Api, share: float) -> Lock:
    key = api.headers["Authorization"].removeprefix("Bearer ")

    def forge(random: Random) -> Knock:
        said = {"Authorization": f"Bearer {mutated(key, random)}"}
        return Knock(method="GET", path="/v1/recordings", headers=said)

    return Lock(
        name="door: the account's API",
        share=share,
        rights=[Knock(method="GET", path="/v1/recordings", headers=api.headers)],
        opens=lambda knock: _answers(api, knock),
        forge=forge,
    )


def _link_door(api: Api, share: float) -> Lock:
    """A link that plays: 401 for a wrong token comes before anything is said of the recording."""
    finished = a_recording(state=State.FINISHED, renditions=(_WAV,))
    api.core.recordings.create(finished, an_event(finished), None)
    path = f"/v1/recordings/{a_recording().recording_id}/download"
    token = tokens.issue([_KEY], TokenKind.RECORDING, "main", a_recording().recording_id, LATER)

    def forge(random: Random) -> Knock:
        other = quote(mutated(token, random), safe="")
        return Knock(method="GET", path=f"{path}/{other}", headers={})

    return Lock(
        name="door: a link to the audio",
        share=share,
        rights=[Knock(method="GET", path=f"{path}/{token}", headers={})],
        opens=lambda knock: _answers(api, knock),
        forge=forge,
    )
