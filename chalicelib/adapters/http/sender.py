"""Sends one request to a foreign address through the URL guard, within a deadline.

No proxies, no redirects, no cookies, no reuse; which address it is: see `guarded_socket`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

from chalicelib.adapters.http.exchange import KEPT, Deadline, Wire, exchange
from chalicelib.adapters.http.guarded_socket import (
    EXCHANGE_FAULTS,
    Connect,
    Failed,
    GuardedConnector,
    Resolve,
    connect,
    faults,
    public_tls,
    resolve,
    words,
)
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.security.url_guard import Purpose, UrlPolicy


class GuardedSender:
    """A `Sender` for status callbacks.

    `connect_s` bounds the resolution and, again, the connection; `deadline_s` bounds everything
    together, however slowly the bytes come; `kept` is how many bytes of an answer are kept.
    """

    def __init__(
        self,
        policy: UrlPolicy,
        *,
        purpose: Purpose = Purpose.STATUS_URL,
        connect_s: float = 3.0,
        deadline_s: float = 15.0,
        kept: int = KEPT,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        tls: Callable[[], ssl.SSLContext] = public_tls,
    ) -> None:
        self._connector = GuardedConnector(
            policy, purpose, connect_s=connect_s, resolve=resolve, connect=connect, tls=tls
        )
        self._deadline_s = deadline_s
        self._kept = kept

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send once and return the answer or the fault."""
        return self.send("POST", url, body, headers)

    def send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HttpReply:
        """Send any request once and return the answer or the fault."""
        deadline = Deadline(self._deadline_s)
        try:
            guarded = self._connector.parse(url)
            with self._connector.open(guarded, deadline) as sock, faults(EXCHANGE_FAULTS):
                wire = Wire(sock, deadline)
                return exchange(wire, guarded, body, headers, self._kept, method)
        except Failed as failure:
            return HttpReply(fault=failure.fault, detail=failure.detail)
        except TimeoutError as error:
            return HttpReply(fault=SendFault.DEADLINE, detail=words(error))
