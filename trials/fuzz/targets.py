"""What is fuzzed: each target feeds bytes to one parser, which returns or raises what it may.

Whatever else is raised is a crash. A part of an input ends with `SEPARATOR` where a parser is fed
more than once; what is valid UTF-8 comes as text, the rest as bytes.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from chalicelib.capture import container
from chalicelib.carriers import registry
from chalicelib.carriers.contract.call_api import ApiDialect
from chalicelib.carriers.contract.stream_path import Route
from chalicelib.errors import CallerError, CorruptContainer, NewerForm, WireError
from chalicelib.media import rtp
from chalicelib.media.reception import Reception
from chalicelib.media.sound_file import SoundFile
from chalicelib.media.telephone_event import parse_telephone_event
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.security.url_guard import Purpose, UrlPolicy, parse_url
from chalicelib.sink.forwarding import messages as relay_wire
from chalicelib.swml import script as swml_script
from chalicelib.swml import text as swml_text

Target = Callable[[bytes], object]

SEPARATOR = b"\x1e"
_KEY = bytes(32)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_PARAMETERS = {"call_id": "c-1", "direction": "speak"}


def messages(dialect: str, given: bytes) -> None:
    """Feed one socket's messages."""
    parser = registry.parser(Route(dialect=dialect, token="t", parameters=_PARAMETERS))
    parser.open()
    for part in given.split(SEPARATOR):
        with contextlib.suppress(WireError):
            parser.receive(_message(part))


def stream_path(given: bytes) -> None:
    """Read the path of a socket's request, as the server decodes it."""
    with contextlib.suppress(CallerError):
        registry.parser(registry.route(given.decode("ascii", "replace")))


def webhook(carrier: str, given: bytes) -> None:
    """Read a webhook's body."""
    with contextlib.suppress(CallerError):
        registry.carrier(carrier).webhooks.parse(given)


def api_answer(api: ApiDialect, given: bytes) -> None:
    """Read what a carrier's API says of a call."""
    api.read_standing(given)


def rtp_packets(given: bytes) -> None:
    """Receive datagrams on one port, each 20 ms after the other."""
    reception = Reception()
    for number, part in enumerate(_datagrams(given)):
        with contextlib.suppress(WireError):
            packet = rtp.parse(part)
            assert packet == rtp.parse(rtp.build(packet))
            with contextlib.suppress(WireError):
                parse_telephone_event(packet.payload)
            reception.receive(packet, number * 20_000)


def relayed(given: bytes) -> None:
    """Read what another worker says, whole and in pieces: both must hear the same."""
    size = len(given) % 13 + 1
    pieces = [given[place : place + size] for place in range(0, len(given), size)]
    assert _heard([given]) == _heard(pieces)


def _heard(pieces: list[bytes]) -> list[object]:
    frames, heard = relay_wire.Frames(), []
    with contextlib.suppress(WireError):
        for piece in pieces:
            for said in frames.receive(piece):
                heard.append(said)  # an extend forgets what came before a failure
    return heard


def stored_object(given: bytes) -> None:
    """Read a stored object as it is."""
    with contextlib.suppress(CorruptContainer, NewerForm):
        container.decode(given)


def sealed_object(given: bytes) -> None:
    """Read a stored object whose checksums hold: the index is `given`, up to the separator."""
    index, _, payloads = given.partition(SEPARATOR)
    head = struct.pack(">4sII", b"TDK1", len(index), zlib.crc32(index)) + index
    with contextlib.suppress(CorruptContainer, NewerForm):
        container.decode(head + payloads + struct.pack(">I", zlib.crc32(head)))
    with contextlib.suppress(CorruptContainer, NewerForm):
        container.decode_index(head, "fuzzed")


def script(read: Callable[[bytes], object], given: bytes) -> None:
    """Read a SWML document."""
    reading = swml_script.ParseContext(policy=UrlPolicy(), new_id=lambda: "control")
    with contextlib.suppress(CallerError):
        swml_script.parse_script(read(given), reading)


def sound_file(given: bytes) -> None:
    """Read a carrier's file, whole and in pieces: both must say the same."""
    whole, parts = SoundFile(), SoundFile()
    whole.feed(given)
    size = len(given) % 97 + 1
    for place in range(0, len(given), size):
        parts.feed(given[place : place + size])
    assert whole.facts() == parts.facts()


def token(given: bytes) -> None:
    """Verify a token: nothing that is made without the key may pass."""
    with contextlib.suppress(CallerError):
        text = given.decode("ascii", "replace")
        raise AssertionError(tokens.verify([_KEY], text, TokenKind.PROFILE, _NOW))


def url(given: bytes) -> None:
    """Read a URL that somebody gave us."""
    for purpose in Purpose:
        with contextlib.suppress(CallerError):
            parse_url(given.decode("utf-8", "replace"), UrlPolicy(), purpose)


def _message(part: bytes) -> str | bytes:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part


def _datagrams(given: bytes) -> Iterator[bytes]:
    """Yield datagrams, each behind a byte that says its length."""
    place = 0
    while place < len(given):
        yield given[place + 1 : place + 1 + given[place]]
        place += 1 + given[place]


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        **{f"messages-{name}": partial(messages, name) for name in registry.DIALECTS},
        **{f"webhook-{name}": partial(webhook, name) for name in registry.ROWS},
        **{
            f"api-{name}": partial(api_answer, api)
            for name in registry.ROWS
            if (api := registry.carrier(name).call_api)
        },
        "rtp": rtp_packets,
        "relay": relayed,
        "stored-object": stored_object,
        "sealed-object": sealed_object,
        "swml-json": partial(script, swml_text.read_json),
        "swml-yaml": partial(script, swml_text.read_yaml),
        "sound-file": sound_file,
        "stream-path": stream_path,
        "token": token,
        "url": url,
    }
)
