"""Credentials go to the carrier's own hosts and nowhere else."""

from __future__ import annotations

import json

import pytest

from chalicelib.errors import Forbidden, UrlRefused
from chalicelib.ports.values import CarrierDoor
from chalicelib.recording.carrier_media import CarrierMedia
from chalicelib.recording.model import CallRef, Profile, Recording
from chalicelib.security.carrier_credentials import OAuth2
from chalicelib.security.url_guard import STRICT, UrlPolicy
from chalicelib.services.accounts.carrier_login import CarrierLogin
from chalicelib.services.accounts.carrier_secrets import SecretReader
from tests.carrier_host import URL
from tests.fakes import FakeCore, FakeCounters, FakeTexts
from tests.samples import a_profile, a_recording

BASIC = {"basic": {"username": "u", "password": "p"}}
CLIENT = {"oauth2": {"client_id": "c", "client_secret": "s"}}
HEADER = "Basic dTpw"
KEY = "tapedeck/main/key"


def carrier_secrets(**texts: str) -> SecretReader:
    return SecretReader(secrets=FakeTexts(**texts), shared=frozenset(), counters=FakeCounters())


class FakeGrants:
    """Gives a token that names who asked where."""

    def token(self, url: str, client: OAuth2) -> str:
        """Return it."""
        return f"{client.client_id}@{url}"


def at(url: str, carrier: str = "bandwidth") -> Recording:
    call = CallRef(account="main", carrier=carrier, call_id="c-1")
    return a_recording(call=call, carrier_media=CarrierMedia(url=url))


def said(
    recording: Recording,
    secret: object = BASIC,
    *,
    policy: UrlPolicy = STRICT,
    hosts: tuple[str, ...] = (),
    secret_id: str = KEY,
) -> str:
    core = FakeCore()
    core.profiles.create(a_profile(secret_id=secret_id))
    sign_in = CarrierLogin(
        profiles=core.profiles,
        secrets=carrier_secrets(**{KEY: json.dumps(secret)}),
        grants=FakeGrants(),
        policy=policy,
        trusted_hosts=hosts,
    )
    return sign_in.authorization(recording)


@pytest.mark.parametrize(
    ("url", "carrier"),
    [
        (URL, "bandwidth"),
        ("https://bandwidth.com/x", "bandwidth"),
        ("https://files.signalwire.com/s/p/recordings/r.wav", "signalwire"),
        ("https://my-space.SignalWire.com/api/v1/recordings/r/download", "signalwire"),
    ],
)
def test_a_carrier_s_host_is_told(url: str, carrier: str) -> None:
    """Its suffix alone counts."""

    assert HEADER == said(at(url, carrier))


@pytest.mark.parametrize(
    "url",
    [
        "https://bandwidth.com.evil.example/x",
        "https://evilbandwidth.com/x",
        "https://evil.example/bandwidth.com",
        "https://evil.example/?x=.bandwidth.com",
        "https://files.signalwire.com/x",
        "https://93.184.216.34/x",
    ],
)
def test_nobody_else_is(url: str) -> None:
    """Not a lookalike, not another carrier, not an address."""

    assert "" == said(at(url))


def test_nothing_is_said_in_the_clear() -> None:
    """Where a deployment allows http, a carrier's host is still told over https only."""

    policy = UrlPolicy(http_allowed=True)

    assert "" == said(at("http://voice.bandwidth.com/x"), policy=policy)


def test_an_operator_s_hosts_are_told_as_configured() -> None:
    """A space under a name of its own; over http where that is allowed."""

    policy = UrlPolicy(http_allowed=True)

    assert HEADER == said(at("https://pbx.example/x"), hosts=("pbx.example",))
    assert HEADER == said(at("http://pbx.example/x"), hosts=("pbx.example",), policy=policy)


def test_a_client_gets_a_token_where_its_carrier_gives_some() -> None:
    """Bandwidth's API credentials are an OAuth 2 client; SignalWire has none such."""

    both = {**BASIC, **CLIENT}

    assert "Bearer c@https://api.bandwidth.com/api/v1/oauth2/token" == said(at(URL), both)
    assert HEADER == said(at("https://files.signalwire.com/x", "signalwire"), both)


@pytest.mark.parametrize("secret", [{}, {"signing_key": "PSK_1"}])
def test_without_credentials_nothing_is_said(secret: object) -> None:
    """The file may be public."""

    assert "" == said(at(URL), secret)
    assert "" == said(at(URL), secret_id="")
    assert "" == said(a_recording(profile="gone", carrier_media=CarrierMedia(url=URL)))


def test_a_secret_that_isn_t_there_is_a_refusal() -> None:
    """Somebody meant to configure one."""

    with pytest.raises(Forbidden) as refused:
        said(at(URL), secret_id="tapedeck/main/other")

    assert "bad_secret" == refused.value.code


@pytest.mark.parametrize(
    "url", ["record.mp3", "http://voice.bandwidth.com/x", "https://10.0.0.1/x"]
)
def test_a_url_that_may_not_be_called_is_refused(url: str) -> None:
    """Before anything is looked up."""

    with pytest.raises(UrlRefused):
        said(at(url))


API = "https://my-space.signalwire.com"


def door(
    profile: Profile, secret: object, *, policy: UrlPolicy = STRICT, hosts: tuple[str, ...] = ()
) -> CarrierDoor | None:
    sign_in = CarrierLogin(
        profiles=FakeCore().profiles,
        secrets=carrier_secrets(**{KEY: json.dumps(secret)}),
        grants=FakeGrants(),
        policy=policy,
        trusted_hosts=hosts,
    )
    return sign_in.door(profile)


SIGNALWIRE = a_profile(carrier="signalwire", secret_id=KEY)


def test_an_api_is_opened_by_what_its_secret_names() -> None:
    """SignalWire's space, Bandwidth's account."""

    account = "https://voice.bandwidth.com/api/v2/accounts/9"
    bandwidth = a_profile(secret_id=KEY)

    assert CarrierDoor(carrier="signalwire", url=API, authorization=HEADER) == door(
        SIGNALWIRE, {**BASIC, "api_url": API + "/"}
    )
    opened = door(bandwidth, {**CLIENT, "api_url": account})
    assert opened is not None
    assert (account, "Bearer c@") == (opened.url, opened.authorization[:9])


@pytest.mark.parametrize(
    ("profile", "secret"),
    [
        (SIGNALWIRE, BASIC),
        (SIGNALWIRE, {"api_url": API}),
        (a_profile(carrier="signalwire"), {**BASIC, "api_url": API}),
    ],
)
def test_an_api_that_nothing_opens_isn_t_asked(profile: Profile, secret: object) -> None:
    """No place, no credentials, or no secret."""

    assert door(profile, secret) is None


@pytest.mark.parametrize(
    "url", ["https://evil.example", "https://signalwire.com.evil.example", "https://bandwidth.com"]
)
def test_an_api_elsewhere_is_told_nothing(url: str) -> None:
    """Only the carrier's own hosts, and those that the operator adds."""

    with pytest.raises(Forbidden):
        door(SIGNALWIRE, {**BASIC, "api_url": url})

    assert door(SIGNALWIRE, {**BASIC, "api_url": url}, hosts=(url.partition("//")[2],))


def test_an_api_in_the_clear_is_told_nothing() -> None:
    """Even where http is allowed for other things."""

    policy = UrlPolicy(http_allowed=True)

    with pytest.raises(Forbidden):
        door(SIGNALWIRE, {**BASIC, "api_url": API.replace("https", "http")}, policy=policy)


def test_credentials_show_nowhere() -> None:
    """Not in what Python says of a door."""

    assert "dTpw" not in repr(door(SIGNALWIRE, {**BASIC, "api_url": API}))
