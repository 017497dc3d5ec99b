"""A recording that is discarded on a live call: what was heard for it alone is kept nowhere."""

from __future__ import annotations

from chalicelib.recording.commands import CommandKind
from chalicelib.recording.erasure import RIPE_AFTER
from chalicelib.recording.model import State
from chalicelib.services.recovery.journals import delete_covered
from tests.services.core_desk import an_erasing
from tests.sink.calls.commanded_call import BETWEEN, SECRET, Stage, holds, pcm, stage
from tests.sink.rig import frame, run, until

QUIET = [0xFFFF, 0xFF7F, 0xFEFF, 0xFE7E, 0xFF7E] * 12
"""frames of hardly anything, 1.2 s of them"""


def swept(on: Stage) -> bool:
    """Delete what the worker's lease allows, as the sweeper does; tell whether nothing is left."""
    delete_covered(on.rig.leases.renewals[-1], on.rig.store)
    return not on.rig.store.objects


def test_what_only_a_discarded_recording_wanted_is_let_go() -> None:
    """Memory holds none of it, no segment is made, and all of the journal may be deleted."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(SECRET)
            await on.command(CommandKind.DISCARD)
            assert (State.ERROR, "discard") == (on.recording.state, on.recording.reason)
            await on.say(range(20))
            await until(lambda: swept(on))
            for secret in (SECRET[0], SECRET[-1], 5):
                assert not holds(on.rig.sink, frame(secret))
        assert {} == on.rig.store.objects
        assert ["recording", "error"] == on.states()

    run(scenario)


def test_what_another_recording_wants_too_is_stored() -> None:
    """The discarded one ends, the other one shows every sample."""

    async def scenario() -> None:
        async with stage() as on:
            other = on.request("other")
            await on.command(CommandKind.RECORD_CALL, other)
            await on.say(range(25))
            await on.command(CommandKind.DISCARD)
            assert State.ERROR is on.recording.state
            await on.say(range(25, 50))
        assert State.FINALIZING is on.desk.core.recordings.get(other).state
        heard = on.heard(other)
        assert pcm(range(25)) in heard
        assert pcm(range(25, 50)) in heard

    run(scenario)


def test_what_a_recording_before_it_showed_is_stored() -> None:
    """One that was stopped has its segment, whatever becomes of the next one."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(range(25))
            await on.command(CommandKind.STOP_RECORD_CALL)
            other = on.request("other")
            await on.command(CommandKind.RECORD_CALL, other)
            await on.say(SECRET)
            await on.command(CommandKind.DISCARD, other)
            assert State.ERROR is on.desk.core.recordings.get(other).state
        assert pcm(range(25)) in on.heard()

    run(scenario)


def test_a_paused_recording_is_discarded() -> None:
    """What came before the pause goes as well."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(SECRET)
            await on.command(CommandKind.PAUSE)
            await on.command(CommandKind.DISCARD)
            assert State.ERROR is on.recording.state
            await until(lambda: swept(on))
            assert not holds(on.rig.sink, frame(SECRET[5]))
        assert {} == on.rig.store.objects

    run(scenario)


def test_where_nobody_speaks_nothing_is_kept() -> None:
    """A recording that ends as `no_input` leaves what one that is discarded leaves."""

    async def scenario() -> None:
        async with stage(initial_timeout_s=0.6) as on:
            await on.say(QUIET)
            await until(lambda: on.recording.state is State.NO_INPUT)
            await until(lambda: swept(on))
            assert not holds(on.rig.sink, frame(QUIET[-1]))
        assert {} == on.rig.store.objects
        assert on.recording.erasure is not None
        assert ["recording", "no_input"] == on.states()

    run(scenario)


def test_what_shared_a_call_is_whole_when_the_rest_is_erased() -> None:
    """From socket to sweep: what was said for the discarded one alone is in no object."""

    async def scenario() -> None:
        async with stage() as on:
            await on.say(SECRET)
            other = on.request("other")
            await on.command(CommandKind.RECORD_CALL, other)
            await on.say(range(25))
            await on.command(CommandKind.DISCARD)
            await on.say(range(25, 50))
        before = on.heard(other)
        assert frame(SECRET[5]) in b"".join(on.rig.store.objects.values())

        erased = on.recording.erasure
        assert erased is not None
        an_erasing(on.desk.core, on.rig.store).advance(on.recording, erased.asked_at + RIPE_AFTER)

        stored = b"".join(on.rig.store.objects.values())
        assert [] == [number for number in SECRET if frame(number) in stored]
        assert pcm(range(50)) in before.replace(pcm([BETWEEN]), b"")
        assert before == on.heard(other)

    run(scenario)
