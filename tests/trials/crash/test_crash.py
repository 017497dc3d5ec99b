"""A call's life with a fault at every port call; `make trial NAME=crash` takes two deaths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.recording.model import State
from trials.crash.life import Fault, Life
from trials.crash.lives import KINDS, live, undisturbed
from trials.crash.verdict import broken


@pytest.mark.parametrize("kind", KINDS, ids=["dies before", "dies after", "fails", "fails after"])
def test_a_fault_at_any_call_of_a_port_breaks_no_promise(kind: dict[str, type]) -> None:
    """Owner, Assemble, Publish, Attempt and the sweeper: whichever call of whichever port doesn't
    come back, each callback owed arrives under its id, none that isn't, and the audio is whole."""

    calls = undisturbed(refuses_first=True).calls

    tally = live(((Fault(call=call, **kind),) for call in range(1, calls + 1)), refuses_first=True)

    assert [] == tally.faults
    assert calls == tally.lives
    assert tally.attempts > tally.owed


def test_an_outage_from_any_call_on_breaks_no_promise() -> None:
    """Ten minutes without any port, from each tenth call on."""

    calls = undisturbed(refuses_first=False).calls

    tally = live(
        ((Fault(call=call, outage_s=600),) for call in range(1, calls + 1, 10)),
        refuses_first=False,
    )

    assert [] == tally.faults


def test_second_executions_change_nothing() -> None:
    """Whatever was started runs once more, all of it, just before any call of a port: the same
    bytes, one object of each kind, the same callbacks."""

    calls = undisturbed(refuses_first=False).calls

    tally = live(
        ((Fault(call=call, twins=True),) for call in range(1, calls + 1)), refuses_first=False
    )

    assert [] == tally.faults
    assert calls == tally.lives


def test_a_life_without_faults_owes_four_callbacks() -> None:
    """A recording's two and a tap's two, each taken once, over what ports there are."""

    life = undisturbed(refuses_first=False)

    assert [] == broken(life, life)
    assert [1, 1, 1, 1] == list(life.receiver.accepted.values())
    assert life.calls > 90


class TestVerdict:
    """What would be found out."""

    def lived(self) -> Life:
        """Return a life that kept its promises."""
        return undisturbed(refuses_first=False)

    def test_a_lost_callback(self) -> None:
        """One that nobody took."""

        life, model = self.lived(), self.lived()
        del life.receiver.accepted[next(iter(life.receiver.accepted))]
        assert "is lost" in broken(life, model)[0]

    def test_an_invented_callback(self) -> None:
        """One that no row owes, or owes otherwise."""

        life, model = self.lived(), self.lived()
        row = next(iter(life.core.store.outbox.values()))
        assert life.is_owed(row.webhook_id, row.url, row.body.encode())
        assert not life.is_owed(row.webhook_id, row.url, b"{}")
        assert not life.is_owed("msg_other", row.url, row.body.encode())
        life.receiver.attempts["msg_other"] += 1
        assert ["msg_other was invented"] == broken(life, model)

    def test_a_callback_before_its_audio(self) -> None:
        """`finished` while there is nothing to download."""

        life = self.lived()
        rows = life.core.store.outbox.values()
        (row,) = [
            row
            for row in rows
            if row.state == State.FINISHED and row.recording_id in life.core.store.recordings
        ]
        life.renditions.objects.clear()
        assert not life.is_owed(row.webhook_id, row.url, row.body.encode())

    def test_a_state_that_nobody_was_told(self) -> None:
        """A row that isn't there, though its state was entered."""

        life, model = self.lived(), self.lived()
        last = max(life.core.store.outbox, key=lambda key: key[1])
        gone = life.core.store.outbox.pop(last)
        del life.receiver.attempts[gone.webhook_id]
        assert any("told" in fault for fault in broken(life, model))

    def test_other_audio(self) -> None:
        """Samples that aren't those of the undisturbed life."""

        life, model = self.lived(), self.lived()
        (key,) = [key for key in life.renditions.objects if key.endswith(".wav")]
        body = life.renditions.objects[key]
        life.renditions.objects[key] = body[:500] + bytes([body[500] ^ 1]) + body[501:]
        assert any("sound" in fault for fault in broken(life, model))

    def test_a_life_that_hangs(self) -> None:
        """A call that stays open."""

        life, model = self.lived(), self.lived()
        ((key, call),) = life.core.store.calls.items()
        life.core.store.calls[key] = replace(call, open=True)
        assert ["it never ends"] == broken(life, model)
