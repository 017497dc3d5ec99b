"""Tokens for clients, from a real answer over a socket and from odd ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from chalicelib.adapters.http.exchange import MAX_READ
from chalicelib.adapters.http.oauth2 import OAuth2Grants
from chalicelib.adapters.http.sender import GuardedSender
from chalicelib.errors import Forbidden, Unavailable
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.security.carrier_credentials import OAuth2
from chalicelib.security.url_guard import Purpose, UrlPolicy
from tests.adapters.receivers import receiver, says

CLIENT = OAuth2(client_id="c", client_secret="s")
URL = "https://api.example/token"


class Answering:
    """A sender whose receiver answers these."""

    def __init__(self, *replies: HttpReply) -> None:
        self.replies = list(replies)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Return the next."""
        return self.replies.pop(0)


def granted(token: str, **more: object) -> HttpReply:
    return HttpReply(status=200, body_head=json.dumps({"access_token": token, **more}).encode())


def test_a_token_is_asked_for_as_the_rfc_says() -> None:
    """A form, the client in Basic, and an answer that may be long."""

    token = "t" * 5000
    body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    policy = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
    with receiver(says(head + body)) as server:
        sender = GuardedSender(policy, purpose=Purpose.CARRIER_RECORDING, kept=MAX_READ)
        grants = OAuth2Grants(sender)
        url = f"http://127.0.0.1:{server.port}/api/v1/oauth2/token"

        assert [token, token] == [grants.token(url, CLIENT), grants.token(url, CLIENT)]

    (request,) = server.requests
    assert request.startswith(b"POST /api/v1/oauth2/token HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Basic Yzpz\r\n" in request
    assert b"\r\nContent-Type: application/x-www-form-urlencoded\r\n" in request
    assert request.endswith(b"\r\n\r\ngrant_type=client_credentials")


def test_a_token_is_kept_for_as_long_as_it_is_good() -> None:
    """A minute before its end another is asked for; each client has its own."""

    now = [1000.0]
    replies = Answering(granted("a", expires_in=120), granted("b"), granted("c", expires_in=1))
    grants = OAuth2Grants(replies, lambda: now[0])

    heard = [grants.token(URL, CLIENT)]
    now[0] += 59
    heard.append(grants.token(URL, CLIENT))
    now[0] += 2
    heard.append(grants.token(URL, CLIENT))
    heard.append(grants.token(URL, OAuth2(client_id="d", client_secret="s")))

    assert ["a", "a", "b", "c"] == heard


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (HttpReply(status=401), Forbidden),
        (HttpReply(status=400), Forbidden),
        (HttpReply(status=429), Unavailable),
        (HttpReply(status=503), Unavailable),
        (HttpReply(status=302), Unavailable),
        (HttpReply(fault=SendFault.DEADLINE), Unavailable),
        (HttpReply(status=200, body_head=b"<html>"), Unavailable),
        (HttpReply(status=200, body_head=b"{}"), Unavailable),
        (HttpReply(status=200, body_head=b'{"access_token":"\xd0"}'), Unavailable),
        (granted("a\r\nX-Other: b"), Unavailable),
        (granted("a\n"), Unavailable),
        (granted("é"), Unavailable),
        (granted(""), Unavailable),
    ],
)
def test_what_is_no_token_has_a_kind(reply: HttpReply, kind: type[Exception]) -> None:
    """A client that is refused, and a carrier that can't now."""

    with pytest.raises(kind):
        OAuth2Grants(Answering(reply)).token(URL, CLIENT)
