"""The row ports of a process: which adapter stands behind which, made on first use."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.config import Settings, required

if TYPE_CHECKING:
    from chalicelib.adapters.dynamodb.table import Table
    from chalicelib.ports import carriers
    from chalicelib.ports import rows as port

# ruff: noqa: PLC0415  # adapters are imported where they are made: see wiring.py


class RowPorts:
    """What lies in the Core and Hot tables."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def recordings(self) -> port.Recordings:
        """Recordings in the Core table."""
        from chalicelib.adapters.dynamodb.recordings import DynamoRecordings

        return DynamoRecordings(self._core, now)

    @cached_property
    def taps(self) -> port.Taps:
        """Outgoing taps, under their calls."""
        from chalicelib.adapters.dynamodb.taps import DynamoTaps

        return DynamoTaps(self._core)

    @cached_property
    def history(self) -> port.RecordingHistory:
        """What happened to them."""
        from chalicelib.adapters.dynamodb.recordings import DynamoHistory

        return DynamoHistory(self._core)

    @cached_property
    def outbox(self) -> port.Outbox:
        """Callbacks that they owe."""
        from chalicelib.adapters.dynamodb.outbox import DynamoOutbox

        return DynamoOutbox(self._core)

    @cached_property
    def receivers(self) -> port.Receivers:
        """Status URLs that don't take them."""
        from chalicelib.adapters.dynamodb.outbox import DynamoReceivers

        return DynamoReceivers(self._core)

    @cached_property
    def due_work(self) -> port.DueWork:
        """What the sweeper looks at."""
        from chalicelib.adapters.dynamodb.outbox import DynamoDueWork

        return DynamoDueWork(self._core)

    @cached_property
    def calls(self) -> port.Calls:
        """Calls and streams, as webhooks correct them."""
        from chalicelib.adapters.dynamodb.calls import DynamoCalls

        return DynamoCalls(self._core, now)

    @cached_property
    def call_life(self) -> port.CallLife:
        """How they open and close."""
        from chalicelib.adapters.dynamodb.calls import DynamoCallLife

        return DynamoCallLife(self._core, self._hot)

    @cached_property
    def live_streams(self) -> port.LiveStreams:
        """Whose worker holds which."""
        from chalicelib.adapters.dynamodb.calls import DynamoCalls, DynamoLiveStreams

        return DynamoLiveStreams(DynamoCalls(self._core, now), self._hot)

    @cached_property
    def inbox(self) -> port.Inbox:
        """Webhooks."""
        from chalicelib.adapters.dynamodb.inbox import DynamoInbox

        return DynamoInbox(self._core)

    @cached_property
    def leases(self) -> port.Leases:
        """Signs of life."""
        from chalicelib.adapters.dynamodb.leases import DynamoLeases

        return DynamoLeases(self._hot)

    @cached_property
    def retaps(self) -> carriers.Retaps:
        """Whose carrier was asked to tap again."""
        from chalicelib.adapters.dynamodb.retaps import DynamoRetaps

        return DynamoRetaps(self._hot)

    @cached_property
    def mailbox(self) -> port.Mailbox:
        """Commands to live calls."""
        from chalicelib.adapters.dynamodb.mailbox import DynamoMailbox

        return DynamoMailbox(self._hot)

    @cached_property
    def port_claims(self) -> port.PortClaims:
        """RTP ports that calls have."""
        from chalicelib.adapters.dynamodb.port_claims import DynamoPortClaims

        return DynamoPortClaims(self._hot)

    @cached_property
    def profiles(self) -> port.Profiles:
        """Profiles."""
        from chalicelib.adapters.dynamodb.accounts import DynamoProfiles

        return DynamoProfiles(self._core)

    @cached_property
    def api_keys(self) -> port.ApiKeys:
        """API keys."""
        from chalicelib.adapters.dynamodb.accounts import DynamoApiKeys

        return DynamoApiKeys(self._core)

    @cached_property
    def _core(self) -> Table:
        return self._table(required(self.settings.core_table, "CORE_TABLE"))

    @cached_property
    def _hot(self) -> Table:
        return self._table(required(self.settings.hot_table, "HOT_TABLE"))

    def _table(self, name: str) -> Table:
        from chalicelib.adapters.dynamodb.table import Table

        return Table(self._dynamodb, name)

    @cached_property
    def _dynamodb(self) -> Any:
        return client("dynamodb")


def client(service: str, configuration: Any = None) -> Any:
    """Return a client; without a configuration one that gives up in time for its caller."""
    import boto3
    from botocore.config import Config

    patient = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,  # the sink asks from 17 threads at once: control and lease
    )
    return boto3.client(service, config=configuration or patient)


def now() -> datetime:
    """Return the time; only the shell asks for it."""
    return datetime.now(UTC)
