"""The guarded sender against real sockets on loopback."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from threading import Event

import pytest

from chalicelib.adapters.http.guarded_socket import connect, public_tls, resolve
from chalicelib.adapters.http.sender import GuardedSender
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.security.url_guard import STRICT, Address, UrlPolicy
from tests.adapters.receivers import (
    Answer,
    drips,
    make_certificate,
    pours,
    receiver,
    resets,
    says,
    stays_silent,
)

LOCAL = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network("127.0.0.0/8"),))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NAME = "hooks.example.com"
DEADLINE_S = 0.4
SLACK_S = 0.4


class Resolver:
    """A name server that answers differently each time, as a rebinding attacker's does."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0)


class Connector:
    """Remembers which addresses a sender connects to, and may connect elsewhere instead."""

    def __init__(self, *, instead: int | None = None) -> None:
        self._instead = instead
        self.asked: list[str] = []
        self.timeouts_s: list[float] = []

    def __call__(self, address: Address, port: int, timeout_s: float) -> socket.socket:
        self.asked.append(str(address))
        self.timeouts_s.append(timeout_s)
        if self._instead is None:
            raise TimeoutError
        return socket.create_connection(("127.0.0.1", self._instead))


def post(url: str, *, body: bytes = b"{}", sender: GuardedSender | None = None) -> HttpReply:
    return (sender or GuardedSender(LOCAL)).post(url, body, {"webhook-id": "msg_1"})


def post_to(answer: Answer, *, deadline_s: float = 5.0) -> HttpReply:
    with receiver(answer) as server:
        sender = GuardedSender(LOCAL, deadline_s=deadline_s)
        return post(f"http://127.0.0.1:{server.port}/", sender=sender)


def timed(send: Callable[[], HttpReply]) -> tuple[HttpReply, float]:
    begun = time.monotonic()
    reply = send()
    return reply, time.monotonic() - begun


# --- what is sent


def test_sends_the_body_and_the_headers() -> None:
    """The receiver gets one POST with the body as it is, our headers, and no others than needed."""

    with receiver(says(OK)) as server:
        reply = post(f"http://127.0.0.1:{server.port}/a?b=c#d", body=b'{"a":1}')

    assert HttpReply(status=200, body_head=b"ok") == reply
    assert [
        "POST /a?b=c HTTP/1.1",
        "Accept-Encoding: identity",
        "Connection: close",
        "Content-Length: 7",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: Tapedeck",
        "webhook-id: msg_1",
    ] == [server.head()[0], *sorted(server.head()[1:])]
    assert server.requests[0].endswith(b'\r\n\r\n{"a":1}')


def test_says_the_name_to_the_address() -> None:
    """The connection goes to the resolved address, the Host header keeps the name."""

    resolver = Resolver(["127.0.0.1"])
    with receiver(says(OK)) as server:
        sender = GuardedSender(LOCAL, resolve=resolver)
        post(f"http://{NAME}:{server.port}/", sender=sender)

    assert [NAME] == resolver.asked
    assert f"Host: {NAME}:{server.port}" in server.head()


def test_keeps_no_cookies() -> None:
    """A cookie that one answer sets isn't in the next request."""

    with receiver(says(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n")) as server:
        sender = GuardedSender(LOCAL)
        for _ in range(2):
            post(f"http://127.0.0.1:{server.port}/", sender=sender)

    assert 2 == len(server.requests)
    assert b"cookie" not in server.requests[1].lower()


def test_knows_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies in the environment are nothing to it."""

    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")

    assert os.environ["http_proxy"]
    assert 200 == post_to(says(OK)).status


# --- what comes back


def test_follows_no_redirect() -> None:
    """A redirect is an answer like any other: nobody asks the place that it points to."""

    with receiver(says(OK)) as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n"
        reply = post_to(says(f"HTTP/1.1 307 Elsewhere\r\n{location}\r\n".encode()))

    assert 307 == reply.status
    assert [] == elsewhere.requests


def test_passes_retry_after_on() -> None:
    """The header comes back as it stands, cut to a sane length."""

    short = post_to(says(b"HTTP/1.1 503 No\r\nRetry-After: 120\r\n\r\n"))
    long = post_to(says(b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 5_000 + b"\r\n\r\n"))

    assert (503, "120") == (short.status, short.retry_after)
    assert "9" * 64 == long.retry_after


def test_keeps_a_kilobyte() -> None:
    """Of a long answer the first KB is kept."""

    reply = post_to(says(b"HTTP/1.1 500 No\r\n\r\n" + b"x" * 30_000))

    assert (500, b"x" * 1_024) == (reply.status, reply.body_head)


def test_stops_reading_an_endless_answer() -> None:
    """An answer without an end is read for 64 KB; its status counts."""

    reply, took_s = timed(
        lambda: post_to(pours(b"x" * 8_192, after=b"HTTP/1.1 200 OK\r\n\r\n"), deadline_s=5.0)
    )

    assert (200, 1_024) == (reply.status, len(reply.body_head))
    assert took_s < 2


def test_reads_chunks() -> None:
    """A chunked answer is read like any other, and a broken chunk leaves the status."""

    chunked = b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert b"abcde" == post_to(says(chunked + b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")).body_head
    assert 400 == post_to(says(chunked + b"zz\r\nab")).status


@pytest.mark.parametrize(
    "answer",
    [
        says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        says(b"\r\n\r\n"),
        says(b"HTTP/1.1 twohundred OK\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 66_000 + b"\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
        pours(b"x"),
    ],
    ids=["ssh", "nothing", "no number", "long header", "many headers", "endless line"],
)
def test_tells_what_is_no_answer(answer: Answer) -> None:
    """What isn't HTTP, or too much of it, is a malformed answer."""

    assert SendFault.MALFORMED is post_to(answer).fault


def test_gives_up_on_endless_interim_answers() -> None:
    """`100 Continue` without an end uses up what may be read."""

    reply = post_to(pours(b"HTTP/1.1 100 Continue\r\n\r\n"))

    assert reply.status is None


@pytest.mark.parametrize("answer", [resets, says(b"")], ids=["reset", "closed"])
def test_tells_a_broken_connection(answer: Answer) -> None:
    """A connection that ends without an answer is broken."""

    assert SendFault.BROKEN is post_to(answer).fault


# --- how long it takes


@pytest.mark.paced
@pytest.mark.parametrize(
    "answer", [drips(OK * 9), stays_silent], ids=["a byte now and then", "silence"]
)
def test_cuts_a_slow_answer(answer: Answer) -> None:
    """The deadline is one for everything, not one for each byte."""

    reply, took_s = timed(lambda: post_to(answer, deadline_s=DEADLINE_S))

    assert (None, SendFault.DEADLINE) == (reply.status, reply.fault)
    assert DEADLINE_S <= took_s + 0.01
    assert took_s < DEADLINE_S + SLACK_S


@pytest.mark.paced
def test_takes_the_status_of_a_dripping_body() -> None:
    """Once the status is there, the rest of the answer can only lose its own time."""

    slow_body = drips(b"x" * 999, after=b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")

    reply, took_s = timed(lambda: post_to(slow_body, deadline_s=DEADLINE_S))

    assert 200 == reply.status
    assert took_s < DEADLINE_S + SLACK_S


@pytest.mark.paced
def test_waits_for_no_handshake() -> None:
    """A receiver that never speaks TLS is cut at the deadline."""

    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        sender = GuardedSender(LOCAL, deadline_s=DEADLINE_S)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        reply, took_s = timed(lambda: post(url, sender=sender))

    assert SendFault.DEADLINE is reply.fault
    assert took_s < DEADLINE_S + SLACK_S


def test_shares_the_time_to_connect_among_the_addresses() -> None:
    """Three addresses at most are tried, and together they get the time to connect."""

    connector = Connector()
    sender = GuardedSender(
        LOCAL,
        connect_s=3.0,
        resolve=Resolver([f"127.0.0.{number}" for number in range(1, 6)]),
        connect=connector,
    )

    reply = post(f"http://{NAME}/", sender=sender)

    assert (SendFault.CONNECT, "no answer in time") == (reply.fault, reply.detail)
    assert ["127.0.0.1", "127.0.0.2", "127.0.0.3"] == connector.asked
    assert [1.0, 1.5, 3.0] == [round(timeout_s, 1) for timeout_s in connector.timeouts_s]


@pytest.mark.paced
def test_waits_for_no_name_server() -> None:
    """A resolution that hangs is left behind after the time to connect."""

    over = Event()

    def hang(host: str, port: int) -> list[str]:
        over.wait(5)
        return []

    sender = GuardedSender(LOCAL, connect_s=0.2, resolve=hang)
    reply, took_s = timed(lambda: post(f"http://{NAME}/", sender=sender))
    over.set()

    assert SendFault.NAME is reply.fault
    assert took_s < 0.2 + SLACK_S


def test_counts_connecting_as_time() -> None:
    """Where resolving has used up everything, nothing is connected to."""

    def resolve_slowly(host: str, port: int) -> list[str]:
        time.sleep(0.1)
        return ["127.0.0.1"]

    connector = Connector()
    sender = GuardedSender(LOCAL, deadline_s=0.11, resolve=resolve_slowly, connect=connector)
    first = post(f"http://{NAME}/", sender=sender)
    sender = GuardedSender(LOCAL, deadline_s=0.0, connect=connector)
    second = post("http://127.0.0.1/", sender=sender)

    assert first.fault in {SendFault.NAME, SendFault.DEADLINE, SendFault.CONNECT}
    assert SendFault.DEADLINE is second.fault


# --- where it goes


def test_asks_nobody_about_a_refused_url() -> None:
    """A URL that the guard refuses isn't even resolved."""

    resolver = Resolver()

    reply = post(f"http://{NAME}:22/", sender=GuardedSender(STRICT, resolve=resolver))

    assert SendFault.URL is reply.fault
    assert [] == resolver.asked


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.170.2"],
        ["127.0.0.1"],
        ["1.1.1.1", "10.0.0.1"],
        ["10.0.0.1", "1.1.1.1"],
        ["2606:4700::1111", "::ffff:169.254.169.254"],
        ["fe80::1%2"],
        ["::1"],
    ],
)
def test_connects_to_nobody_where_one_address_is_private(addresses: list[str]) -> None:
    """Every address of a name must pass; one that doesn't closes the door to all."""

    connector = Connector()
    sender = GuardedSender(STRICT, resolve=Resolver(addresses), connect=connector)

    reply = post(f"https://{NAME}/", sender=sender)

    assert SendFault.ADDRESS is reply.fault
    assert [] == connector.asked


def test_resolves_once() -> None:
    """A name that turns private between judgement and connection gains nothing: the address that
    was judged is the one that is connected to."""

    resolver = Resolver(["1.1.1.1"], ["127.0.0.1"])
    connector = Connector()
    sender = GuardedSender(STRICT, resolve=resolver, connect=connector)

    post(f"https://{NAME}/", sender=sender)

    assert [NAME] == resolver.asked
    assert ["1.1.1.1"] == connector.asked


def test_compares_the_peer() -> None:
    """A socket that ended up at another address than judged is closed unused."""

    with receiver(says(OK)) as server:
        connector = Connector(instead=server.port)
        sender = GuardedSender(LOCAL, resolve=Resolver(["127.0.0.2"]), connect=connector)
        reply = post(f"http://{NAME}/", sender=sender)

    assert SendFault.ADDRESS is reply.fault
    assert [] == server.requests


def test_tries_the_next_address() -> None:
    """An address where nobody listens isn't the end while there is another."""

    with receiver(says(OK)) as server:
        sender = GuardedSender(LOCAL, resolve=Resolver(["127.0.0.2", "127.0.0.1"]))
        reply = post(f"http://{NAME}:{server.port}/", sender=sender)

    assert 200 == reply.status


def test_tells_when_nobody_listens() -> None:
    """A refused connection is told as such."""

    with receiver(says(OK)) as server:
        port = server.port

    reply = post(f"http://127.0.0.1:{port}/")

    assert (SendFault.CONNECT, "Connection refused") == (reply.fault, reply.detail)


def raises(error: Exception) -> Callable[[str, int], Sequence[str]]:
    def resolve_not(host: str, port: int) -> Sequence[str]:
        raise error

    return resolve_not


@pytest.mark.parametrize(
    "resolver",
    [
        raises(socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
        raises(UnicodeError("label too long")),
        Resolver([]),
    ],
    ids=["unknown", "unspeakable", "without addresses"],
)
def test_tells_a_name_that_leads_nowhere(resolver: Callable[[str, int], Sequence[str]]) -> None:
    """A name without an address is its own fault."""

    reply = post(f"http://{NAME}/", sender=GuardedSender(LOCAL, resolve=resolver))

    assert SendFault.NAME is reply.fault


def test_resolves_with_the_systems_resolver() -> None:
    """The usual resolver gives the addresses of a name, each once."""

    addresses = resolve("localhost", 80)

    assert set(addresses) <= {"127.0.0.1", "::1"}
    assert len(set(addresses)) == len(addresses)


def test_connects_by_either_family() -> None:
    """Both address families work, and a failure leaves no socket behind."""

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connect(IPv4Address("127.0.0.1"), port, 1.0).close()

    for unreachable in (IPv4Address("127.0.0.1"), IPv6Address("::1")):
        with pytest.raises(OSError, match=r".+"):
            connect(unreachable, port, 1.0)


# --- TLS


def tls_server(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def trusting(file: Path) -> Callable[[], ssl.SSLContext]:
    return lambda: ssl.create_default_context(cafile=str(file))


def test_encrypts_to_a_verified_name(tmp_path: Path) -> None:
    """The certificate is verified for the URL's name, which the server hears as SNI."""

    file = make_certificate(tmp_path, NAME)
    context = tls_server(file)
    heard: list[str | None] = []
    context.sni_callback = lambda _, name, __: heard.append(name)
    with receiver(says(OK), tls=context) as server:
        sender = GuardedSender(LOCAL, resolve=Resolver(["127.0.0.1"]), tls=trusting(file))
        reply = post(f"https://{NAME}:{server.port}/", sender=sender)

    assert (200, [NAME]) == (reply.status, heard)


def test_refuses_another_names_certificate(tmp_path: Path) -> None:
    """A trusted certificate of another name isn't this receiver's."""

    file = make_certificate(tmp_path, "other.example.com")
    with receiver(says(OK), tls=tls_server(file)) as server:
        sender = GuardedSender(LOCAL, resolve=Resolver(["127.0.0.1"]), tls=trusting(file))
        reply = post(f"https://{NAME}:{server.port}/", sender=sender)

    assert SendFault.TLS is reply.fault
    assert reply.detail.startswith("Hostname mismatch")
    assert [] == server.requests


def test_refuses_an_unknown_authority(tmp_path: Path) -> None:
    """By default only the system's authorities count."""

    file = make_certificate(tmp_path, NAME)
    with receiver(says(OK), tls=tls_server(file)) as server:
        sender = GuardedSender(LOCAL, resolve=Resolver(["127.0.0.1"]))
        reply = post(f"https://{NAME}:{server.port}/", sender=sender)

    assert SendFault.TLS is reply.fault
    assert [] == server.requests


@pytest.mark.paced
def test_cuts_a_dripping_answer_inside_tls(tmp_path: Path) -> None:
    """The deadline holds through encryption as well."""

    file = make_certificate(tmp_path, NAME)
    with receiver(drips(OK * 9), tls=tls_server(file)) as server:
        sender = GuardedSender(
            LOCAL, deadline_s=DEADLINE_S, resolve=Resolver(["127.0.0.1"]), tls=trusting(file)
        )
        reply, took_s = timed(lambda: post(f"https://{NAME}:{server.port}/", sender=sender))

    assert SendFault.DEADLINE is reply.fault
    assert took_s < DEADLINE_S + SLACK_S


def test_verifies_by_default() -> None:
    """The context for the world checks names and certificates and speaks HTTP/1.1."""

    context = public_tls()

    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
