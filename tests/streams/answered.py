"""A dialect whose messages are answered, and whose sound is a count of samples with told gaps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.capture.events import (
    Clock,
    Encoding,
    Media,
    Reply,
    StreamEvents,
    StreamStarted,
    StreamStopped,
    Track,
)
from chalicelib.carriers.contract.stream import is_carrier_id
from chalicelib.carriers.contract.stream_limits import LARGEST_MESSAGE_BYTES, StreamLimits
from chalicelib.errors import WireError

NAME = "answered"
BULKY = "bulky"
RATE_HZ = 8000


class _Parameters(msgspec.Struct, frozen=True, rename="camel"):
    conversation_id: str = ""
    discarded: int = 0
    """samples that the carrier kept to itself"""


class _Message(msgspec.Struct):
    type: str
    id: str = ""
    seq: int = 0
    parameters: _Parameters = _Parameters()


_decode = msgspec.json.Decoder(_Message, strict=False).decode


class Answered:
    """One stream's socket."""

    name = NAME
    clock = Clock.SAMPLES
    limits = StreamLimits()

    def __init__(self, _parameters: Mapping[str, str]) -> None:
        self._heard = 0
        self._answers = 0

    def open(self) -> StreamStarted | None:
        """Return None: the start comes in band."""
        return None

    def receive(self, message: str | bytes) -> StreamEvents:
        """Return what one message says. Raises WireError."""
        if isinstance(message, bytes):
            return self._sound(message)
        try:
            said = _decode(message)
        except (ValueError, RecursionError) as error:
            raise WireError(self.name, str(error)[:200], code="wrong_type") from error
        if said.type == "open":
            return self._start(said), self._reply(said, "opened")
        if said.type == "ping":
            return self._reply(said, "pong")
        if said.type == "close":
            return self._reply(said, "closed"), StreamStopped()
        if said.type == "discarded":
            self._heard += said.parameters.discarded
            return None
        raise WireError(self.name, f"type {said.type[:80]!r}", code="unknown_event")

    def play(self, pcm: bytes) -> bytes:
        """Return the message that plays sound to the party."""
        return pcm

    def _sound(self, message: bytes) -> StreamEvents:
        if len(message) % 2:
            raise WireError(self.name, "half a sample pair", code="bad_payload")
        offset = self._heard
        self._heard += len(message) // 2
        return (
            Media(Track.INBOUND, message[::2], offset=offset),
            Media(Track.OUTBOUND, message[1::2], offset=offset),
        )

    def _reply(self, said: _Message, type_: str) -> Reply:
        self._answers += 1
        return Reply(text(type_, self._answers, said.id))

    def _start(self, said: _Message) -> StreamStarted:
        call_id = said.parameters.conversation_id
        if not (is_carrier_id(call_id) and is_carrier_id(said.id)):
            raise WireError(self.name, "open: an id names nothing", code="bad_start")
        return StreamStarted(
            call_id=call_id,
            carrier_stream_id=said.id,
            tracks=(Track.INBOUND, Track.OUTBOUND),
            encoding=Encoding.PCMU,
            rate_hz=RATE_HZ,
        )


class Bulky(Answered):
    """The same, from a carrier that sends up to 30 s in one message when it catches up."""

    name = BULKY
    limits = StreamLimits(message_bytes=LARGEST_MESSAGE_BYTES)


def text(type_: str, seq: int = 1, id_: str = "s-1", **parameters: Any) -> str:
    """Return a text message, of either side."""
    return json.dumps({"type": type_, "id": id_, "seq": seq, "parameters": parameters})


def start(call_id: str = "c-1") -> str:
    """Return the message that begins a stream."""
    return text("open", conversationId=call_id)


def sound(inbound: bytes, outbound: bytes) -> bytes:
    """Return a message of both tracks."""
    return bytes(byte for pair in zip(inbound, outbound, strict=True) for byte in pair)
