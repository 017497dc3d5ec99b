"""Guarded downloads against real sockets on loopback."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from threading import Event

import pytest

from chalicelib.adapters.http.downloads import MAX_REDIRECTS, GuardedDownloads
from chalicelib.errors import (
    Forbidden,
    NotFound,
    TapedeckError,
    TooLarge,
    Unavailable,
    UrlRefused,
)
from chalicelib.media.sound_facts import SoundFacts
from chalicelib.ports.values import DownloadedFile
from chalicelib.security.url_guard import STRICT, UrlPolicy
from tests.adapters.receivers import (
    Answer,
    Receiver,
    drips,
    make_certificate,
    receiver,
    resets,
    says,
    stays_silent,
)
from tests.carrier_host import AUDIO

LOCAL = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
SECRET = "Basic dTpw"
NAME = "files.example.com"


def answer(
    body: bytes = b"", status: str = "200 OK", *, length: int | None = None, head: str = ""
) -> bytes:
    """Return an HTTP answer."""
    said = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {said}\r\n{head}\r\n".encode() + body


def moved(to: str, status: str = "302 Found") -> Answer:
    """Answer with a redirect."""
    return says(answer(status=status, head=f"Location: {to}\r\n"))


def url_of(server: Receiver, path: str = "/r.wav") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def get(url: str, downloads: GuardedDownloads | None = None) -> tuple[DownloadedFile, bytes]:
    """Return a download's facts, and what lies in its file."""
    with (downloads or GuardedDownloads(LOCAL)).get(url, SECRET) as file:
        return file, Path(file.path).read_bytes()


def get_from(answer_: Answer, **settings: float) -> bytes:
    """Return what a server's answer comes to."""
    with receiver(answer_) as server:
        return get(url_of(server), GuardedDownloads(LOCAL, **settings))[1]  # type: ignore[arg-type]  # by name


def told(server: Receiver) -> list[bool]:
    """Tell of each request whether it had the credentials."""
    return [SECRET.encode() in request for request in server.requests]


def test_the_file_comes_as_it_is(tmp_path: Path) -> None:
    """Size, digest and sound are those of the bytes; afterwards the file is gone."""

    with receiver(says(answer(AUDIO))) as server:
        downloads = GuardedDownloads(LOCAL, folder=str(tmp_path))
        file, octets = get(url_of(server, "/a?b=c"), downloads)

    assert AUDIO == octets
    assert (len(AUDIO), hashlib.sha256(AUDIO).hexdigest()) == (file.size, file.sha256)
    assert SoundFacts(kind="wav", rate_hz=8000, channels=2, duration_ms=1000) == file.sound
    assert [] == list(tmp_path.iterdir())
    assert [
        "GET /a?b=c HTTP/1.1",
        "Accept-Encoding: identity",
        "Accept: */*",
        f"Authorization: {SECRET}",
        "Connection: close",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: Tapedeck",
    ] == [server.head()[0], *sorted(server.head()[1:])]


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    """Without credentials there is no header."""

    with receiver(says(answer(AUDIO))) as server, GuardedDownloads(LOCAL).get(url_of(server), ""):
        pass

    assert not [line for line in server.head() if line.startswith("Authorization")]


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n\r\nabc",
    ],
    ids=["chunks", "until the close", "identity"],
)
def test_a_length_may_be_missing(octets: bytes) -> None:
    """Then the end of the answer is the end of the file."""

    assert b"abc" == get_from(says(octets))


def test_a_large_file_takes_no_memory(tmp_path: Path) -> None:
    """What is as long as a call streams to the disk."""

    def pour(connection: socket.socket, _: Event) -> None:
        connection.sendall(answer(length=256 * 2**20))
        for _ in range(256):
            connection.sendall(bytes(2**20))

    with receiver(pour) as server:
        downloads = GuardedDownloads(LOCAL, folder=str(tmp_path))
        tracemalloc.start()
        with downloads.get(url_of(server), "") as file:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert 256 * 2**20 == file.size
    assert peak < 16 * 2**20


# --- what isn't the file


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("404 Not Found", NotFound, "not_found"),
        ("410 Gone", NotFound, "gone"),
        ("401 Unauthorized", Forbidden, "forbidden"),
        ("403 Forbidden", Forbidden, "forbidden"),
        ("400 Bad Request", Forbidden, "forbidden"),
        ("429 Too Many Requests", Unavailable, "unavailable"),
        ("408 Request Timeout", Unavailable, "unavailable"),
        ("500 Oops", Unavailable, "unavailable"),
        ("503 Service Unavailable", Unavailable, "unavailable"),
        ("204 No Content", Unavailable, "unavailable"),
        ("206 Partial Content", Unavailable, "unavailable"),
        ("304 Not Modified", Unavailable, "unavailable"),
    ],
)
def test_a_status_has_its_meaning(status: str, kind: type[TapedeckError], code: str) -> None:
    """Gone, refused, or to be tried again; the message is the status."""

    with pytest.raises(kind) as raised:
        get_from(says(answer(b"sorry", status)))

    assert (code, f"HTTP {status[:3]}") == (raised.value.code, raised.value.message)


def test_a_carrier_that_comes_back_is_heard() -> None:
    """503, then the file: nothing of the first answer stays."""

    answers = [answer(b"later", "503 Service Unavailable"), answer(AUDIO)]
    with receiver(lambda connection, _: connection.sendall(answers.pop(0))) as server:
        downloads = GuardedDownloads(LOCAL)
        with pytest.raises(Unavailable):
            get(url_of(server), downloads)

        assert AUDIO == get(url_of(server), downloads)[1]


@pytest.mark.parametrize(
    "cut",
    [
        says(answer(AUDIO[:-1], length=len(AUDIO))),
        says(answer(AUDIO[:0], length=len(AUDIO))),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        says(b""),
        says(b"SSH-2.0-x\r\n"),
        resets,
        says(answer(AUDIO, head="Content-Encoding: gzip\r\n")),
    ],
    ids=["a byte short", "no byte", "a chunk short", "nothing", "not HTTP", "reset", "encoded"],
)
def test_what_came_in_part_is_no_file(cut: Answer) -> None:
    """It is tried again, never taken for whole."""

    with pytest.raises(Unavailable):
        get_from(cut)


@pytest.mark.parametrize(
    "large",
    [
        says(answer(length=101)),
        says(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(101)),
    ],
    ids=["announced", "found out"],
)
def test_what_is_too_large_is_left(large: Answer) -> None:
    """At its announcement, else at the first byte too many."""

    with pytest.raises(TooLarge):
        get_from(large, max_size=100)


def test_a_disk_that_is_full_is_tried_again(tmp_path: Path) -> None:
    """It is nobody's fault but ours."""

    downloads = GuardedDownloads(LOCAL, folder=str(tmp_path / "missing"))

    with receiver(says(answer(AUDIO))) as server, pytest.raises(Unavailable):
        get(url_of(server), downloads)


# --- how long it takes


@pytest.mark.parametrize(
    ("slow", "settings"),
    [
        (drips(bytes(999), after=answer(length=999)), {"deadline_s": 0.4}),
        (drips(answer(AUDIO)), {"deadline_s": 0.4}),
        (stays_silent, {"deadline_s": 0.4}),
        (stays_silent, {"idle_s": 0.4}),
    ],
    ids=["a body that drips", "a head that drips", "silence", "idle"],
)
def test_a_slow_carrier_is_cut(slow: Answer, settings: dict[str, float]) -> None:
    """The deadline is one for everything; each wait has its own bound besides."""

    begun = time.monotonic()

    with pytest.raises(Unavailable):
        get_from(slow, **settings)

    assert 0.39 < time.monotonic() - begun < 1.2


# --- where it leads


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
def test_a_redirect_is_followed(status: str) -> None:
    """Here on the same origin, which knows the credentials already."""

    answers = [answer(status=status, head="Location: /b?c=d\r\n"), answer(AUDIO)]
    with receiver(lambda connection, _: connection.sendall(answers.pop(0))) as server:
        assert AUDIO == get(url_of(server))[1]

    assert server.requests[1].startswith(b"GET /b?c=d HTTP/1.1\r\n")
    assert [True, True] == told(server)


def test_credentials_stay_with_the_first_origin() -> None:
    """Another port, another name, and the way back: none of them is told."""

    with ExitStack() as stack:
        answers = [b"", answer(AUDIO)]
        first = stack.enter_context(
            receiver(lambda connection, _: connection.sendall(answers.pop(0)))
        )
        other = stack.enter_context(receiver(moved(url_of(first, "/back"))))
        answers[0] = answer(status="302 x", head=f"Location: {url_of(other)}\r\n")

        assert AUDIO == get(url_of(first))[1]

    assert ([True, False], [False]) == (told(first), told(other))


def test_another_name_for_the_same_address_is_another_origin() -> None:
    """Names count, not where they lead."""

    answers = [b"", answer(AUDIO)]
    with receiver(lambda connection, _: connection.sendall(answers.pop(0))) as server:
        answers[0] = answer(status="302 x", head=f"Location: http://{NAME}:{server.port}/\r\n")
        downloads = GuardedDownloads(LOCAL, resolve=lambda host, port: ["127.0.0.1"])

        assert AUDIO == get(url_of(server), downloads)[1]

    assert [True, False] == told(server)


@pytest.mark.parametrize(
    "to",
    [
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x",
        "http://2130706433/x",
        "ftp://files.example.com/x",
        "file:///etc/passwd",
        "http://[bad/x",
        "http://user:hunter2@127.0.0.1/x",
    ],
)
def test_a_redirect_to_where_we_don_t_go_is_refused(to: str) -> None:
    """Each step is judged like the first."""

    with pytest.raises(UrlRefused) as refused:
        get_from(moved(to))

    assert "hunter2" not in refused.value.message


def test_a_name_that_leads_inside_is_refused() -> None:
    """Every address of a name must be public, whatever the others are."""

    downloads = GuardedDownloads(
        UrlPolicy(http_allowed=True), resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"]
    )

    with pytest.raises(UrlRefused):
        get(f"http://{NAME}/x", downloads)


def test_a_name_that_nobody_knows_is_tried_again() -> None:
    """It may be a name server's bad day."""

    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Unavailable):
        get(f"http://{NAME}/x", GuardedDownloads(LOCAL, resolve=resolve))


def test_a_circle_is_left() -> None:
    """After so many redirects."""

    with receiver(moved("/again")) as server:
        with pytest.raises(Unavailable, match="redirects"):
            get(url_of(server))

        assert MAX_REDIRECTS + 1 == len(server.requests)


def test_a_redirect_to_nowhere_is_a_circle() -> None:
    """Without a Location there is nowhere to go."""

    with pytest.raises(Unavailable):
        get_from(says(answer(status="302 x")))


def test_http_isn_t_called_unless_allowed() -> None:
    """Not even at first."""

    with pytest.raises(UrlRefused):
        get("http://voice.bandwidth.com/x", GuardedDownloads(STRICT))


# --- TLS


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context, and that of who trusts it."""
    certificate = make_certificate(tmp_path, NAME)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    return server, ssl.create_default_context(cafile=str(certificate))


def over_tls(name: str, server: ssl.SSLContext, client: Callable[[], ssl.SSLContext]) -> bytes:
    """Return what a server says under a name."""
    with receiver(says(answer(AUDIO)), tls=server) as running:
        downloads = GuardedDownloads(LOCAL, resolve=lambda host, port: ["127.0.0.1"], tls=client)
        return get(f"https://{name}:{running.port}/r.wav", downloads)[1]


def test_tls_is_verified(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A certificate of the name, by an authority that we trust: the file comes."""

    server, client = contexts

    assert AUDIO == over_tls(NAME, server, lambda: client)


@pytest.mark.parametrize("name", ["other.example.com", NAME])
def test_a_certificate_that_proves_nothing_gets_no_credentials(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], name: str
) -> None:
    """Another's name, or an authority that nobody knows: nothing is said at all."""

    server, client = contexts
    trusting = ssl.create_default_context() if name == NAME else client

    with pytest.raises(Unavailable, match="tls_failed"):
        over_tls(name, server, lambda: trusting)
