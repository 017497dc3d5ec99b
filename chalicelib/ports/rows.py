"""The ports to the database.

Every port raises Unavailable if the database doesn't answer or can't answer now. Each write is
conditional; its contract says what happens if another writer was faster.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from chalicelib.ports.values import (
    Due,
    InboundEvent,
    Lease,
    NewRecording,
    Page,
    RecordingFilter,
)
from chalicelib.recording.carrier_reports import CarrierReport
from chalicelib.recording.commands import Command
from chalicelib.recording.endpoint_health import EndpointHealth
from chalicelib.recording.model import Call, Recording, Stream
from chalicelib.recording.outbox import OutboxRow, RecordingEvent
from chalicelib.recording.rtp_endpoint import PortClaim
from chalicelib.tapping.model import Tap


class Leases(Protocol):
    """The leases by which workers show that they live."""

    def renew(self, lease: Lease) -> None:
        """Write the lease. Raises PreconditionFailed if the worker was declared dead."""

    def release(self, worker: str) -> None:
        """Release the lease of a worker that left nothing behind; its row stays, `over`."""

    def all(self) -> list[Lease]:
        """Read every lease that isn't forgotten, consistently."""

    def declare_dead(self, lease: Lease) -> None:
        """Declare a worker dead: its row is `over`. One that is over already is success.

        Raises PreconditionFailed where it renewed since `lease` was read.
        """

    def forget(self, worker: str) -> None:
        """Hide a worker that is over and left nothing behind."""


class Recordings(Protocol):
    """Recordings with their events and the callbacks they owe."""

    def get(self, recording_id: str) -> Recording:
        """Read one, consistently. Raises NotFound."""

    def of_call(self, call_key: str) -> list[Recording]:
        """Read a call's, consistently, oldest first."""

    def create(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a new one, as version 1, with its event and callback in one transaction; return the
        one that exists under the same id where another was first (the caller compares options)."""

    def write(
        self, recording: Recording, event: RecordingEvent, outbox: OutboxRow | None
    ) -> Recording:
        """Write a move of `recording` (as changed, `version` as read) in one transaction.

        Returns it with its new version. Raises PreconditionFailed where the stored version differs,
        unless what is stored is this very write (its answer was lost).
        """

    def listing(
        self, account: str, wanted: RecordingFilter, limit: int, cursor: str
    ) -> Page[Recording]:
        """Read an account's that aren't deleted, newest first; a page may be short, or empty, and
        still have a cursor.

        Raises InvalidRequest for a cursor it didn't give.
        """


class Taps(Protocol):
    """Outgoing taps with their events and the callbacks they owe."""

    def get(self, call_key: str, tap_id: str) -> Tap:
        """Read one, consistently. Raises NotFound."""

    def of_call(self, call_key: str) -> list[Tap]:
        """Read a call's, consistently, oldest first."""

    def create(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a new one, as version 1, with its event and callback in one transaction; return the
        one that exists under the same id where another was first (the caller compares options)."""

    def write(self, tap: Tap, event: RecordingEvent, outbox: OutboxRow | None) -> Tap:
        """Write a change of `tap` (as changed, `version` as read) in one transaction.

        Returns it with its new version. Raises PreconditionFailed where the stored version differs,
        unless what is stored is this very write (its answer was lost).
        """


class RecordingHistory(Protocol):
    """The events of a recording, or of a tap under its tap id."""

    def events(self, recording_id: str) -> list[RecordingEvent]:
        """Read them in order."""

    def append(self, event: RecordingEvent) -> None:
        """Add an event without a move, such as a delivery attempt; repeating it adds none."""


class Outbox(Protocol):
    """Status callbacks owed, by recordings and, under their tap ids, by taps."""

    def rows(self, recording_id: str) -> list[OutboxRow]:
        """Read a recording's, in their order, consistently."""

    def get(self, recording_id: str, webhook_id: str) -> OutboxRow:
        """Read one, consistently. Raises NotFound."""

    def record_attempt(self, row: OutboxRow) -> None:
        """Write the row after an attempt, if `attempts` is still one less and the row isn't done.

        Raises PreconditionFailed. A row that is delivered or given up is no longer due.
        """

    def begin_round(self, row: OutboxRow) -> OutboxRow:
        """Write `row` as its next round begins: `round` one more, not done, the rest as given.

        Raises PreconditionFailed if another round has begun.
        """


class Receivers(Protocol):
    """The health of status URLs that fail; a healthy one has no row."""

    def get(self, account: str, url: str) -> EndpointHealth | None:
        """Read one, consistently; None for a healthy one."""

    def put(self, receiver: EndpointHealth) -> None:
        """Write its health after an attempt. Raises PreconditionFailed if it is already stopped: a
        late answer doesn't start it again."""

    def forget(self, account: str, url: str) -> None:
        """Forget its failures, because it succeeded or should be tried again."""


class Calls(Protocol):
    """Calls and the streams under them, both as the carrier's reports correct them."""

    def get(self, call_key: str) -> Call:
        """Read one, consistently. Raises NotFound."""

    def streams(self, call_key: str) -> list[Stream]:
        """Read its streams of all rounds, consistently, oldest first."""

    def listing(self, account: str, limit: int, cursor: str) -> Page[Call]:
        """Read an account's, newest first. Raises InvalidRequest for a cursor it didn't give."""

    def named(self, account: str, call_id: str) -> list[Call]:
        """Read an account's calls of that carrier's id: one, unless two carriers gave the same."""

    def ensure(self, call: Call) -> Call:
        """Write a call that doesn't exist; return the stored one."""


class CallLife(Protocol):
    """The writes that open and close calls."""

    def join(self, call: Call, stream: Stream) -> None:
        """Write that its worker holds a new stream; then, in one transaction, the stream and its
        call after the join.

        Raises PreconditionFailed unless the stored call is one generation younger, and open in this
        round or closed in an earlier one; or where the stream is there already.
        """

    def end_stream(self, stream: Stream) -> None:
        """Write how a live stream ended. Its worker still holds it.

        Raises PreconditionFailed where the stream has ended already.
        """

    def close(self, call: Call) -> None:
        """Write a closed call. Raises PreconditionFailed unless it is open with this generation."""

    def postpone(self, call: Call) -> None:
        """Write when the sweeper looks at a call again, unless the call changed meanwhile."""


class LiveStreams(Protocol):
    """The streams that workers hold; those of a dead one stay until they are forgotten."""

    def of_worker(self, worker: str) -> list[Stream]:
        """Read them from their calls, consistently, but for those of `unreadable` calls."""

    def unreadable(self, worker: str) -> list[str]:
        """Read the keys of its calls of which only newer code can read all rows."""

    def forget(self, stream: Stream) -> None:
        """Forget a stream that no longer needs its worker's journal."""


class Mailbox(Protocol):
    """Commands to live calls, a partition for each worker."""

    def send(self, command: Command) -> None:
        """Write a command; repeating it writes no second one."""

    def waiting(self, worker: str) -> list[Command]:
        """Read a worker's commands that aren't done, consistently, in their order."""

    def is_waiting(self, command: Command) -> bool:
        """Whether a command isn't done yet."""

    def remove(self, command: Command) -> None:
        """Remove a command that is done; a missing one is success."""


class PortClaims(Protocol):
    """Workers' RTP ports that are claimed for calls."""

    def claim(self, claim: PortClaim) -> None:
        """Write a new claim. Raises PreconditionFailed where the port, or the call's control id,
        has one."""

    def of_call(self, call_key: str) -> list[PortClaim]:
        """Read a call's claims, consistently."""

    def at(self, host: str, port: int) -> PortClaim | None:
        """Read the claim of an address's port, consistently."""

    def open(self, claim: PortClaim) -> None:
        """Mark a port as open. Raises PreconditionFailed if the claim is gone."""

    def release(self, claim: PortClaim) -> None:
        """Release a port; one that is free, or has a newer claim, is success."""


class DueWork(Protocol):
    """The sparse index of what is due."""

    def due(self, until: datetime, limit: int) -> list[Due]:
        """Read about `limit` due rows, the longest due first; the index may lag behind the rows."""


class Inbox(Protocol):
    """Carriers' webhooks, and their reports on streams."""

    def carrier_reports(self, call_key: str) -> list[CarrierReport]:
        """Read a call's, consistently."""

    def accept(
        self,
        event: InboundEvent,
        call: Call | None,
        report: CarrierReport | None,
        requested: NewRecording | None,
    ) -> bool:
        """Write in one transaction: the event if new; `call` if it doesn't exist; the report
        if its stored version is still `version` (0: none is stored); the pending recording if
        none exists under its id. A call or a recording that exists is left as it is.

        Return False, and change nothing, where the event is known already. Raises
        PreconditionFailed where the report changed meanwhile (the caller reads again).
        """

    def events(self, call_key: str) -> list[InboundEvent]:
        """Read the webhooks about a call, in order of occurrence."""
