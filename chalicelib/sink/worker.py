"""What all calls of a worker share."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.sink.control import Control
from chalicelib.sink.health import Health
from chalicelib.sink.limits import Limits
from chalicelib.sink.relay import Relay
from chalicelib.sink.segments import Segments
from chalicelib.sink.senders import Senders
from chalicelib.sink.writer import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process of the sink."""

    name: str
    """new at every start"""
    limits: Limits
    health: Health
    control: Control
    journal: Journal
    segments: Segments
    relay: Relay
    senders: Senders
