"""Tokens of OAuth 2 for clients (RFC 6749, 4.4), kept as long as they are good.

By hand: one POST, which has to go through the URL guard; a client library opens its own
connections.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import msgspec

from chalicelib.errors import Forbidden, Unavailable
from chalicelib.ports.aws import Sender
from chalicelib.ports.values import HttpReply
from chalicelib.security.carrier_credentials import Basic, OAuth2

_MARGIN_S = 60.0
_DEFAULT_S = 300.0
_SHORTEST_S = 1.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


_Visible = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z", max_length=16_384)]
"""what a header can hold: nothing else would be said without an error that quotes it"""


class _Grant(msgspec.Struct):
    access_token: _Visible
    expires_in: float = _DEFAULT_S


class OAuth2Grants:
    """Implements the port TokenGrants, over a sender that keeps all of an answer."""

    def __init__(self, sender: Sender, clock: Callable[[], float] = time.monotonic) -> None:
        self._sender = sender
        self._clock = clock
        self._kept: dict[tuple[str, OAuth2], tuple[float, str]] = {}
        """until when each is good"""

    def token(self, url: str, client: OAuth2) -> str:
        """Return a token. Raises Forbidden where the client is refused, Unavailable."""
        good_until, token = self._kept.get((url, client), (0.0, ""))
        if token and self._clock() < good_until:
            return token
        grant = self._ask(url, client)
        lasts_s = max(_SHORTEST_S, grant.expires_in - _MARGIN_S)
        self._kept[url, client] = (self._clock() + lasts_s, grant.access_token)
        return grant.access_token

    def _ask(self, url: str, client: OAuth2) -> _Grant:
        who = Basic(username=client.client_id, password=client.client_secret)
        headers = {**_FORM, "Authorization": who.header}
        reply = self._sender.post(url, b"grant_type=client_credentials", headers)
        if reply.status != 200:
            raise _refusal(reply)
        try:
            return msgspec.json.decode(reply.body_head, type=_Grant)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unavailable("the token's answer can't be read") from None


def _refusal(reply: HttpReply) -> Forbidden | Unavailable:
    fact = f"no token: {reply.fault or f'HTTP {reply.status}'}"
    is_final = reply.status is not None and 400 <= reply.status < 500 and reply.status != 429
    return Forbidden(fact) if is_final else Unavailable(fact)
