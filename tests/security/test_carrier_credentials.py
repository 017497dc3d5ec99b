"""What an operator puts into a profile's secret."""

from __future__ import annotations

import json

import pytest

from chalicelib.errors import Forbidden
from chalicelib.security.carrier_credentials import (
    Basic,
    CarrierSecret,
    OAuth2,
    parse_carrier_secret,
)


def test_a_text_is_a_signing_key() -> None:
    """As it is."""

    assert CarrierSecret(signing_key="PSK_1") == parse_carrier_secret("PSK_1")


def test_an_object_holds_what_it_names() -> None:
    """Any part may be missing, and what we don't know is left."""

    whole = {
        "signing_key": "PSK_1",
        "basic": {"username": "u", "password": "p"},
        "oauth2": {"client_id": "c", "client_secret": "s"},
        "note": "mine",
    }

    expected = CarrierSecret(
        signing_key="PSK_1",
        basic=Basic(username="u", password="p"),
        oauth2=OAuth2(client_id="c", client_secret="s"),
    )
    assert expected == parse_carrier_secret(json.dumps(whole))
    assert CarrierSecret() == parse_carrier_secret("{}")


def test_basic_is_the_header_of_its_rfc() -> None:
    """RFC 7617's own example, and its letters beyond ASCII in UTF-8."""

    aladdin = Basic(username="Aladdin", password="open sesame")

    assert "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" == aladdin.header
    assert "Basic dGVzdDoxMjPCow==" == Basic(username="test", password="123£").header


@pytest.mark.parametrize(
    ("header", "is_said"),
    [
        ("Basic dTpw", True),
        ("basic  dTpw ", True),
        ("Basic dTpx", False),
        ("Bearer dTpw", False),
        ("dTpw", False),
        ("Basic é", False),
        ("", False),
    ],
)
def test_a_header_names_a_user_or_doesn_t(header: str, is_said: bool) -> None:
    """Scheme in any case, the pair to the letter."""

    assert is_said == Basic(username="u", password="p").is_said_by(header)


@pytest.mark.parametrize("text", ["{", '{"basic": "u:p"}', '{"signing_key": 7}', ' {"oauth2": {}}'])
def test_what_can_t_be_read_is_not_quoted(text: str) -> None:
    """A secret doesn't stand in an error's message."""

    with pytest.raises(Forbidden) as refused:
        parse_carrier_secret(text)

    assert ("bad_secret", None) == (refused.value.code, refused.value.__cause__)
    assert text not in refused.value.message


@pytest.mark.parametrize(
    ("told", "keys"),
    [('"a"', ("a",)), ('["b", "a"]', ("b", "a")), ('["b", ""]', ("b",)), ('""', ())],
)
def test_signing_keys_are_good_side_by_side(told: str, keys: tuple[str, ...]) -> None:
    """One, or several while one takes the other's place."""

    assert keys == parse_carrier_secret(f'{{"signing_key": {told}}}').signing_keys
    assert ("PSK_1",) == parse_carrier_secret("PSK_1").signing_keys


def test_users_are_good_side_by_side() -> None:
    """One, several, or nobody."""

    one, two = ({"username": name, "password": "p"} for name in ("a", "b"))
    users = tuple(Basic(username=name, password="p") for name in ("a", "b"))

    def read(told: object) -> tuple[Basic, ...]:
        return parse_carrier_secret(json.dumps({"webhook_basic": told})).webhook_users

    assert [users[:1], users, ()] == [read(one), read([one, two]), read(None)]


@pytest.mark.parametrize("header", ["Basic \ud800", "\u2003Basic dTpw", "Basic \u2003dTpw"])
def test_no_character_breaks_the_comparison(header: str) -> None:
    """Half a surrogate pair, a blank that is none."""

    assert not Basic(username="u", password="p").is_said_by(header)
