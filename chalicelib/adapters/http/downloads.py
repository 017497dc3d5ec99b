"""Downloads carriers' files through the URL guard, in constant memory.

Each redirect is checked like the first URL, and only the first URL's own origin (scheme, host,
port) receives the credentials. An incomplete answer is refused: its bytes are counted against what
its head announces.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException, HTTPResponse
from math import inf
from typing import IO
from urllib.parse import urljoin

from chalicelib.adapters.http.exchange import Deadline, Wire, ask
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
from chalicelib.errors import (
    Forbidden,
    NotFound,
    TapedeckError,
    TooLarge,
    Unavailable,
    UrlRefused,
)
from chalicelib.media.sound_file import SoundFile
from chalicelib.ports.values import DownloadedFile, SendFault
from chalicelib.security.url_guard import GuardedUrl, Purpose, UrlPolicy

MAX_SIZE = 2 * 1024**3
"""bytes: twelve hours of stereo PCM at 8 kHz have 1.4 GB, and Assemble's disk 4"""
MAX_REDIRECTS = 5

_READ_SIZE = 1024 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})
_REFUSALS = frozenset({SendFault.URL, SendFault.ADDRESS})


class GuardedDownloads:
    """Implements the port Downloads.

    `deadline_s` bounds everything together: Assemble has 900 s, and stores the file in the rest.
    `idle_s` bounds each wait for more bytes.
    """

    def __init__(
        self,
        policy: UrlPolicy,
        *,
        max_size: int = MAX_SIZE,
        deadline_s: float = 600.0,
        idle_s: float = 30.0,
        connect_s: float = 5.0,
        folder: str | None = None,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        tls: Callable[[], ssl.SSLContext] = public_tls,
    ) -> None:
        self._connector = GuardedConnector(
            policy,
            Purpose.CARRIER_RECORDING,
            connect_s=connect_s,
            resolve=resolve,
            connect=connect,
            tls=tls,
        )
        self._max_size = max_size
        self._deadline_s = deadline_s
        self._idle_s = idle_s
        self._folder = folder

    @contextmanager
    def get(self, url: str, authorization: str) -> Iterator[DownloadedFile]:
        """Yield the file that lies at a URL; it lasts as long as the context."""
        with ExitStack() as files:
            try:
                file = files.enter_context(
                    tempfile.NamedTemporaryFile(prefix="download-", dir=self._folder)
                )
                downloaded = self._download(url, authorization, file)
                file.flush()
            except Failed as failure:
                raise _translated(failure) from failure
            except OSError as error:
                raise Unavailable(words(error)) from error
            yield downloaded

    def _download(self, url: str, authorization: str, file: IO[bytes]) -> DownloadedFile:
        deadline = Deadline(self._deadline_s)
        origin: tuple[str, str, int] | None = None
        for _ in range(MAX_REDIRECTS + 1):
            guarded = self._connector.parse(url)
            origin = origin or _origin(guarded)
            if _origin(guarded) != origin:
                authorization = ""  # and it stays away, should a later redirect lead back
            with self._connector.open(guarded, deadline) as sock, faults(EXCHANGE_FAULTS):
                wire = Wire(sock, deadline, max_read=inf, idle_s=self._idle_s)
                response = ask(wire, guarded, "GET", None, _headers(authorization))
                if response.status not in _REDIRECTS:
                    return self._read(response, file)
                url = _joined(url, response.getheader("Location", ""))
        raise Unavailable(f"more than {MAX_REDIRECTS} redirects")

    def _read(self, response: HTTPResponse, file: IO[bytes]) -> DownloadedFile:
        """Write an answer's body. Raises TapedeckError, OSError, HTTPException."""
        _verify(response)
        announced = response.length
        if announced is not None and announced > self._max_size:
            raise TooLarge(f"{announced} bytes, at most {self._max_size}")
        digest, sound, size = hashlib.sha256(), SoundFile(), 0
        while octets := response.read(_READ_SIZE):
            size += len(octets)
            if size > self._max_size:
                raise TooLarge(f"more than {self._max_size} bytes")
            file.write(octets)
            digest.update(octets)
            sound.feed(octets)
        if announced is not None and size != announced:
            raise HTTPException(f"{size} bytes of {announced}")
        return DownloadedFile(
            path=file.name, size=size, sha256=digest.hexdigest(), sound=sound.facts()
        )


def _origin(url: GuardedUrl) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads to; the guard has yet to judge it."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise UrlRefused("a redirect to what is no URL") from None


def _headers(authorization: str) -> dict[str, str]:
    said = {"Accept": "*/*"}
    return said | {"Authorization": authorization} if authorization else said


def _verify(response: HTTPResponse) -> None:
    """Raise what an answer other than the file means."""
    status = response.status
    fact = f"HTTP {status}"
    if status == 200:
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise Unavailable("the file came encoded, although nobody asked for that")
        return
    if status == 404:
        raise NotFound(fact)
    if status == 410:
        raise NotFound(fact, code="gone")
    if 400 <= status < 500 and status not in _PASSING:
        raise Forbidden(fact)
    raise Unavailable(fact)


def _translated(failure: Failed) -> TapedeckError:
    if failure.fault in _REFUSALS:
        return UrlRefused(failure.detail)
    return Unavailable(f"{failure.fault}: {failure.detail}")
