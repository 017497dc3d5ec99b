"""A call and its webhooks, in whatever order and number they come.

The call lives its life meanwhile: its streams come and end, its recordings are finalized. What
carriers post comes before, after and in between, and some of it never.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from chalicelib.carriers import registry
from chalicelib.recording import lifecycle
from chalicelib.recording.model import Ending
from chalicelib.services.finalization.fetch_carrier_recording import Fetching, fetch
from chalicelib.services.finalization.publish import Publishing, publish, publish_empty
from chalicelib.services.intake.intake import ReceivedEvent, WebhookReceiver
from tests.carrier_host import AUDIO, FakeDownloads
from tests.carriers.posted import Said, calls
from tests.fake_signer import FakeSigner
from tests.fakes_media import FakeRenditionStore
from tests.samples import a_joining
from tests.services.core_desk import Desk

CALLS = calls()

MOST_EVENTS, MOST_DUPLICATES = 7, 5
LIFE = ("the first joins", "the second joins", "the first ends", "the second ends", "it closes")
"""what the call does by itself, in this order"""
LASTS = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What happens to a call, in this order: names of webhooks, and the call's own life."""

    carrier: str
    steps: tuple[str, ...]

    @property
    def said(self) -> Said:
        """Return the carrier's call."""
        return CALLS[self.carrier]

    @property
    def webhooks(self) -> tuple[str, ...]:
        """Return what is posted, in its order."""
        return tuple(step for step in self.steps if step in self.said.bodies)

    def straight(self) -> Order:
        """Return the same as a good network delivers it: each once, in order, after the call."""
        posted = set(self.steps)
        life = [step for step in LIFE if step in posted]
        webhooks = [name for name in self.said.bodies if name in posted]
        return replace(self, steps=(*life, *webhooks))


@st.composite
def orders(draw: Any) -> Order:
    """Draw up to seven webhooks of a call in any order, up to five of them again somewhere, and
    perhaps its media, which comes and ends anywhere among them."""
    carrier = draw(st.sampled_from(sorted(CALLS)))
    names = list(CALLS[carrier].bodies)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=MOST_EVENTS, unique=True))
    again = draw(st.lists(st.sampled_from(chosen), max_size=MOST_DUPLICATES))
    life = LIFE if draw(st.booleans()) else ()
    shuffled = draw(st.permutations([*chosen, *again, *["its life"] * len(life)]))
    left = iter(life)
    steps = [next(left) if step == "its life" else step for step in shuffled]
    return Order(carrier=carrier, steps=tuple(steps))


class Telling:
    """A database, one call, and what comes to it."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self.desk = Desk(said.profile)
        self._renditions = FakeRenditionStore()
        self._ends = said.at + LASTS
        self._fetching = Fetching(
            recordings=self.desk.core.recordings,
            history=self.desk.core.history,
            downloads=FakeDownloads(dict.fromkeys(said.files, AUDIO)),
            authorization=lambda recording: "",
            renditions=self._renditions,
            now=lambda: self._ends,
        )
        self._publishing = Publishing(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            renditions=self._renditions,
            signer=FakeSigner(),
            now=lambda: self._ends,
        )
        self._run = 0

    def go_through(self, order: Order) -> None:
        """Let everything happen; executions run as soon as they are started."""
        life = self._life()
        for step in order.steps:
            if step in life:
                life[step]()
            else:
                self._post(self._said.bodies[step])
            self._execute()

    def seen(self) -> dict[str, Any]:
        """Return what customers and later events see of it: no versions, no order of lines."""
        store, calls = self.desk.core.store, self.desk.core.calls
        key = self._said.call.key
        recordings = {
            one.recording_id: (one.state, one.reason, one.source, one.round, dict(one.labels))
            for one in store.recordings.values()
        }
        return {
            "recordings": recordings,
            "callbacks": dict(self._terminal()),
            "announced": {
                name: replace(row, version=0) for name, row in store.announcements.items()
            },
            "stored": set(store.inbound),
            "call": calls.get(key) if key in store.calls else None,
            "streams": calls.streams(key),
        }

    def terminal_callbacks_each(self) -> int:
        """Return the most terminal callbacks that one recording owes."""
        return max(self._terminal().values(), default=0)

    def _terminal(self) -> Counter[str]:
        rows = self.desk.core.store.outbox.values()
        return Counter(row.recording_id for row in rows if lifecycle.is_terminal(row.state))

    def _post(self, body: bytes) -> None:
        core, workflows = self.desk.core, self.desk.workflows
        received = ReceivedEvent(
            event=registry.carrier(self._said.profile.carrier).webhooks.parse(body),
            profile=self._said.profile,
            at=self._said.at,
            announced_for=timedelta(seconds=15),
        )
        stores = WebhookReceiver(
            inbox=core.inbox,
            calls=core.calls,
            recordings=core.recordings,
            workflows=lambda: workflows,
        )
        stores.take_in(received)

    def _life(self) -> dict[str, Callable[[], object]]:
        steps: list[Callable[[], object]] = [
            lambda: self._join(0),
            lambda: self._join(1),
            lambda: self._end(0),
            lambda: self._end(1),
            self._close,
        ]
        return dict(zip(LIFE, steps, strict=True))

    def _join(self, number: int) -> None:
        stream_id, track = self._said.streams[number]
        joining = a_joining(
            call=self._said.call,
            stream_key=f"stream-{number}",
            carrier_stream_id=stream_id,
            dialect=self._said.profile.dialect,
            tracks=(track,),
            labels={},
            opened_at=self._said.at,
        )
        self.desk.control.join_call(joining)

    def _end(self, number: int) -> None:
        self.desk.control.end_stream(self._said.call, f"stream-{number}", Ending.CLOSED, self._ends)

    def _close(self) -> None:
        closing = self.desk.control.close_call(self._said.call, 1, self._ends + LASTS)
        assert closing.closed

    def _execute(self) -> None:
        started = self.desk.workflows.finalizations
        while self._run < len(started):
            recording_id, attempt = started[self._run]
            self._run += 1
            if self.desk.core.store.recordings[recording_id].carrier_media is None:
                publish_empty(recording_id, self._publishing)
            else:
                fetch(recording_id, attempt, self._fetching)
                publish(recording_id, self._publishing)


def faults(order: Order) -> list[str]:
    """Return what an order changed that it must not."""
    straight, mixed = Telling(order.said), Telling(order.said)
    straight.go_through(order.straight())
    mixed.go_through(order)
    found = [
        f"{name}: {mixed.seen()[name]}, in order {wanted}"
        for name, wanted in straight.seen().items()
        if mixed.seen()[name] != wanted
    ]
    most = mixed.terminal_callbacks_each()
    return found + ([f"{most} terminal callbacks of one recording"] if most > 1 else [])


def figure(orders_run: Sequence[Order]) -> str:
    """Return what so many orders came to, of which none had a fault."""
    distinct = {(order.carrier, order.steps) for order in orders_run}
    each = Counter(order.carrier for order in orders_run)
    duplicates = max(len(order.webhooks) - len(set(order.webhooks)) for order in orders_run)
    events = max(len(set(order.webhooks)) for order in orders_run)
    by = ", ".join(f"{carrier} {count:,}" for carrier, count in sorted(each.items()))
    return (
        f"{len(orders_run):,} orders, {len(distinct):,} of them different ({by}), of at most"
        f" {events} events and {duplicates} duplicates: each the state of the straight order, at"
        " most one terminal callback a recording"
    )
