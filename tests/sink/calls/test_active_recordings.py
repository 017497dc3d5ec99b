"""Which recordings want a call's media, by what is said of them."""

from __future__ import annotations

from chalicelib.capture.events import Encoding
from chalicelib.ports.values import JoinResult
from chalicelib.recording.model import Recording, State
from chalicelib.sink.calls.active_recordings import ActiveRecordings
from tests.samples import CALL, a_recording


def an_answer(round_: int, *recordings: Recording) -> JoinResult:
    """Return what the database says to a stream that joined."""
    return JoinResult(
        call=CALL,
        call_session=round_,
        stream_count=1,
        encoding=Encoding.PCMU,
        recordings=recordings,
    )


def test_a_recording_of_an_earlier_round_wants_nothing_of_this_one() -> None:
    """The answer to its command came when the call had closed and streamed again."""
    active = ActiveRecordings()
    active.learn(an_answer(2))
    active.adopt(a_recording(round=1))

    assert not active.is_any
    assert () == active.recordings


def test_a_recording_that_begins_ends_the_pause_of_all_others() -> None:
    """What was said in the pause, and comes only now, belongs to no recording."""
    active = ActiveRecordings()
    active.learn(an_answer(1, a_recording(state=State.PAUSED)))
    assert active.is_paused

    active.begin("another", 7)

    assert (True, 7) == (active.is_any, active.paused_until_us)


def test_one_that_begins_wants_what_a_discarded_one_leaves() -> None:
    """Its media isn't only the discarded recording's."""
    active = ActiveRecordings()
    active.end("discarded")
    assert active.was_only("discarded")

    active.begin("another", 7)

    assert not active.was_only("discarded")


def test_one_that_is_over_wanted_what_a_discarded_one_leaves() -> None:
    """What it shows may not be stored yet."""
    active = ActiveRecordings()
    active.end("stopped")
    active.end("discarded")

    assert not active.was_only("discarded")
