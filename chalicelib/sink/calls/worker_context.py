"""The parts of a worker that all its calls share."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.ports.call_owner import CallControl, LiveRecordings
from chalicelib.sink.calls.database import Database
from chalicelib.sink.forwarding.client import ForwardingClient
from chalicelib.sink.runtime.health import Health
from chalicelib.sink.runtime.limits import Limits
from chalicelib.sink.storage.journal import Journal
from chalicelib.sink.storage.segment_store import SegmentStore
from chalicelib.sink.taps.tap_senders import Senders


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerContext:
    """A worker, as its calls see it."""

    name: str
    """new at every start"""
    limits: Limits
    health: Health
    database: Database
    call_control: CallControl
    live_recordings: LiveRecordings
    journal: Journal
    segments: SegmentStore
    forwarding_client: ForwardingClient
    senders: Senders
