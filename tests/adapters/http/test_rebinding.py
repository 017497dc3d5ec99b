"""A name that changes where it leads: what counts is the address that is connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picows import WSListener

from chalicelib.adapters.http.downloads import GuardedDownloads
from chalicelib.adapters.http.sender import GuardedSender
from chalicelib.errors import Unreachable, UrlRefused
from chalicelib.ports.values import HttpReply, SendFault
from chalicelib.security.url_guard import DENIED_NETWORKS, STRICT, Address, UrlPolicy
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.taps.dialer import Dialer
from tests.adapters.receivers import receiver, says

OK = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
PUBLIC, PRIVATE = "127.0.0.1", "127.0.0.2"
"""what stands for them on one machine"""
POLICY = UrlPolicy(http_allowed=True, ports=None, allowed_networks=(ip_network(PUBLIC),))
NAME = "flipping.example.com"


class Trap:
    """A service that must never be reached."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server((PRIVATE, port))
        self.listener.setblocking(False)

    def visits(self) -> list[bytes]:
        """Return what each connection brought so far."""
        found = []
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return found
            with connection:
                connection.settimeout(1)
                found.append(connection.recv(65_536))


@contextmanager
def trap(port: int) -> Iterator[Trap]:
    """Listen where nobody may go."""
    found = Trap(port)
    try:
        yield found
    finally:
        found.listener.close()


def flipping(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """Return a name server that gives each answer once, then the last one for ever."""
    left = list(answers)
    return lambda _host, _port: left.pop(0) if len(left) > 1 else left[0]


def fetched(downloads: GuardedDownloads, port: int) -> bool:
    """Whether a file came."""
    try:
        with downloads.get(f"http://{NAME}:{port}/rec.wav", ""):
            return True
    except UrlRefused:
        return False


def post(port: int, resolve: Callable[[str, int], Sequence[str]]) -> HttpReply:
    """Send to the name that flips."""
    return GuardedSender(POLICY, resolve=resolve).post(f"http://{NAME}:{port}/", b"{}", {})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from([PUBLIC, PRIVATE]), min_size=1, max_size=3), min_size=1))
def test_no_answer_of_a_name_server_leads_inside(answers: list[list[str]]) -> None:
    """However often and in whatever order a name flips, only what was judged is connected to."""

    with receiver(OK) as public, trap(public.port) as private:
        resolve = flipping(*answers)
        replies = [post(public.port, resolve) for _ in answers]
        visits = private.visits()

    expected = [SendFault.ADDRESS if PRIVATE in answer else None for answer in answers]
    assert expected == [reply.fault for reply in replies]
    assert expected.count(None) == len(public.requests)
    assert [] == visits


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from([PUBLIC, PRIVATE]), min_size=1, max_size=3), min_size=1))
def test_no_answer_leads_a_download_inside(answers: list[list[str]]) -> None:
    """A carrier's file is fetched from what was judged, however often its name flips."""

    with receiver(OK) as public, trap(public.port) as private:
        downloads = GuardedDownloads(POLICY, resolve=flipping(*answers))
        outcomes = [fetched(downloads, public.port) for _ in answers]
        visits = private.visits()

    assert [PRIVATE not in answer for answer in answers] == outcomes
    assert [] == visits


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from([PUBLIC, PRIVATE]), min_size=1, max_size=3), min_size=1))
def test_no_answer_leads_a_tap_inside(answers: list[list[str]]) -> None:
    """A tap's websocket goes to what was judged; the receiver here is none, and refuses it."""

    async def dial(dialer: Dialer, port: int) -> list[str]:
        codes = []
        for _ in answers:
            with pytest.raises(Unreachable) as failure:
                await dialer.dial(f"ws://{NAME}:{port}/", WSListener())
            codes.append(failure.value.code)
        return codes

    with receiver(OK) as public, trap(public.port) as private:
        dialer = Dialer(policy=POLICY, limits=Limits(), resolve=flipping(*answers))
        codes = asyncio.run(dial(dialer, public.port))
        visits = private.visits()

    refused = ["address_refused" if PRIVATE in answer else "refused" for answer in answers]
    assert refused == codes
    assert [] == visits


def test_a_connection_that_leads_elsewhere_says_nothing() -> None:
    """Where the socket's peer isn't the judged address, it is closed before a byte is sent."""

    def connect(_address: Address, port: int, timeout_s: float) -> socket.socket:
        return socket.create_connection((PRIVATE, port), timeout_s)

    with receiver(OK) as public, trap(public.port) as private:
        sender = GuardedSender(POLICY, resolve=flipping([PUBLIC]), connect=connect)
        reply = sender.post(f"http://{NAME}:{public.port}/", b"{}", {})
        visits = private.visits()

    assert (SendFault.ADDRESS, [b""]) == (reply.fault, visits)


@pytest.mark.parametrize("network", DENIED_NETWORKS, ids=str)
def test_a_name_in_a_denied_network_is_not_connected_to(network: object) -> None:
    """Both ends of every denied network, alone and behind a public address, stop the sender."""

    asked: list[Address] = []

    def connect(address: Address, _port: int, _timeout_s: float) -> socket.socket:
        asked.append(address)
        raise TimeoutError

    denied = ip_network(str(network))
    answers = [
        answer
        for end in (str(denied[0]), str(denied[-1]))
        for answer in ([end], ["1.1.1.1", end], [end, "1.1.1.1"])
    ]
    sender = GuardedSender(STRICT, resolve=flipping(*answers), connect=connect)
    faults = [sender.post(f"https://{NAME}/", b"{}", {}).fault for _ in answers]

    assert ([SendFault.ADDRESS] * 6, []) == (faults, asked)
