"""In-memory fakes of the ports, and faults to make them fail: `FakeCore` is a whole database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from chalicelib.errors import NotFound, Unavailable
from chalicelib.ports.accounts import ApiKeys, Profiles
from chalicelib.ports.carriers import Retaps
from chalicelib.ports.rows import (
    CallLife,
    Calls,
    DueWork,
    Inbox,
    Leases,
    LiveStreams,
    Mailbox,
    Outbox,
    PortClaims,
    Receivers,
    RecordingHistory,
    Recordings,
    Taps,
)
from chalicelib.ports.values import Figure
from chalicelib.recording.model import CallRef
from chalicelib.recording.outbox import OutboxRow
from tests.fake_accounts import (
    FakeApiKeys,
    FakeLeases,
    FakeMailbox,
    FakeProfiles,
    FakeRetaps,
)
from tests.fake_calls import FakeCallLife, FakeCalls, FakeInbox, FakeLiveStreams
from tests.fake_claims import FakePortClaims
from tests.fake_recordings import (
    FakeDueWork,
    FakeHistory,
    FakeOutbox,
    FakeReceivers,
    FakeRecordings,
)
from tests.fake_store import Store
from tests.fake_taps import FakeTaps

T = TypeVar("T")


class Died(BaseException):
    """A process that ended in the midst of a port's call: nothing in it can see that."""


class Faults:
    """Makes wrapped ports raise Unavailable, or what `kind` says, at a call counted over all."""

    def __init__(self) -> None:
        self.calls = 0
        self.kind: type[BaseException] = Unavailable
        self._at = 0
        self._acts = False
        self._down = False
        self._meanwhile: tuple[int, Callable[[], Any]] | None = None

    def meanwhile(self, n: int, action: Callable[[], Any]) -> None:
        """Let somebody else act just before the n-th call from now; their calls don't count."""
        self._meanwhile = (self.calls + n, action)

    def before(self, n: int) -> None:
        """Raise instead of the n-th call from now (1: the next)."""
        self._at, self._acts = self.calls + n, False

    def after(self, n: int) -> None:
        """Let the n-th call from now act, and raise instead of answering."""
        self._at, self._acts = self.calls + n, True

    def down(self) -> None:
        """Raise at every call from now on."""
        self._down = True

    def up(self) -> None:
        """Raise no more, and let nobody act."""
        self._down, self._at, self._meanwhile = False, 0, None

    def wrap(self, port: T) -> T:
        """Return a port whose calls count here."""
        return cast(T, _Faulty(port, self))

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Count a call, and make it or fail."""
        self._let_others_act()
        self.calls += 1
        if self._down or (self.calls == self._at and not self._acts):
            raise self.kind(f"fault before call {self.calls}")
        answer = method(*args, **kwargs)
        if self.calls == self._at:
            raise self.kind(f"fault after call {self.calls}")
        return answer

    def _let_others_act(self) -> None:
        if self._meanwhile is None or self.calls + 1 != self._meanwhile[0]:
            return
        action, counted = self._meanwhile[1], self.calls
        self._meanwhile = None
        action()
        self.calls = counted


class _Faulty:
    def __init__(self, port: Any, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method

        @wraps(method)
        def counted(*args: Any, **kwargs: Any) -> Any:
            return self._faults.call(method, *args, **kwargs)

        return counted


class FakeCore:
    """One in-memory database behind every row port; `faults` makes it fail."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults = Faults()
        wrap = self.faults.wrap
        calls = FakeCalls(self.store)
        self.recordings: Recordings = wrap(FakeRecordings(self.store))
        self.taps: Taps = wrap(FakeTaps(self.store))
        self.history: RecordingHistory = wrap(FakeHistory(self.store))
        self.outbox: Outbox = wrap(FakeOutbox(self.store))
        self.receivers: Receivers = wrap(FakeReceivers(self.store))
        self.calls: Calls = wrap(calls)
        self.call_life: CallLife = wrap(FakeCallLife(self.store))
        self.live_streams: LiveStreams = wrap(FakeLiveStreams(self.store, calls))
        self.due_work: DueWork = wrap(FakeDueWork(self.store))
        self.inbox: Inbox = wrap(FakeInbox(self.store))
        self.profiles: Profiles = wrap(FakeProfiles(self.store))
        self.api_keys: ApiKeys = wrap(FakeApiKeys(self.store))
        self.leases: Leases = wrap(FakeLeases(self.store))
        self.retaps: Retaps = wrap(FakeRetaps(self.store))
        self.mailbox: Mailbox = wrap(FakeMailbox(self.store))
        self.port_claims: PortClaims = wrap(FakePortClaims(self.store))


class FakeWorkflows:
    """Notes which executions were started; the same name again starts nothing."""

    def __init__(self) -> None:
        self.finalizations: list[tuple[str, int]] = []
        self.deliveries: list[tuple[str, str, int]] = []
        self.retaps: list[tuple[str, int]] = []
        self.inquiries: list[tuple[str, str, int]] = []

    def start_finalization(self, recording_id: str, attempt: int) -> None:
        """Note a finalization."""
        if (recording_id, attempt) not in self.finalizations:
            self.finalizations.append((recording_id, attempt))

    def start_delivery(self, recording_id: str, webhook_id: str, round_: int) -> None:
        """Note a delivery."""
        if (recording_id, webhook_id, round_) not in self.deliveries:
            self.deliveries.append((recording_id, webhook_id, round_))

    def start_retaps(self, worker: str, renewals: int) -> None:
        """Note the retaps of a death."""
        if (worker, renewals) not in self.retaps:
            self.retaps.append((worker, renewals))

    def start_inquiry(self, call: CallRef, stream_key: str, *, worker: str, number: int) -> None:
        """Note a question."""
        if (call.key, worker, number) not in self.inquiries:
            self.inquiries.append((call.key, worker, number))


class FakeEventBus:
    """Notes what was published."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []

    def publish(self, row: OutboxRow) -> None:
        """Note a callback's event."""
        self.rows.append(row)


class FakeCounters:
    """Notes what was counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[Figure, dict[str, str]]] = []

    def count(self, figure: Figure, facts: Mapping[str, str]) -> None:
        """Note it."""
        self.counted.append((figure, dict(facts)))


class FakeTexts:
    """Secrets and Parameters: texts by name."""

    def __init__(self, **texts: str) -> None:
        self.texts = dict(texts)

    def get(self, name: str) -> str:
        """Return a text. Raises NotFound."""
        if name not in self.texts:
            raise NotFound(f"no text {name}")
        return self.texts[name]
