"""How long a call waits for another stream."""

from __future__ import annotations

import pytest

from chalicelib.capture.events import Track
from chalicelib.recording.close_grace import Graces, closes_at, ended_at
from chalicelib.recording.model import Ending
from tests.samples import a_stream, later

GRACES = Graces()


@pytest.mark.parametrize(
    ("ending", "seconds"),
    [(Ending.STOPPED, 0), (Ending.CLOSED, 3), (Ending.BROKEN, 20), (Ending.DEAD, 20)],
)
def test_a_call_closes_after_the_grace_of_its_ending(ending: Ending, seconds: float) -> None:
    """At once when all was said, later where somebody may come again."""

    stream = a_stream(ended_at=later(10), ending=ending)

    assert later(10 + seconds) == closes_at([stream], GRACES)


def test_a_call_with_a_live_stream_does_not_close() -> None:
    """Nor does one that never had a stream."""

    over = a_stream(ended_at=later(10), ending=Ending.STOPPED)

    assert [None, None] == [
        closes_at([over, a_stream(stream_key="stream-2")], GRACES),
        closes_at([], GRACES),
    ]


def test_a_stream_whose_tracks_were_taken_over_leaves_no_grace() -> None:
    """Its reconnect came already; one of other tracks is another matter."""

    broken = a_stream(ended_at=later(10), ending=Ending.BROKEN, tracks=(Track.INBOUND,))
    both = a_stream(opened_at=later(11), ended_at=later(12), ending=Ending.STOPPED)
    other = a_stream(
        opened_at=later(11),
        ended_at=later(12),
        ending=Ending.STOPPED,
        tracks=(Track.OUTBOUND,),
    )

    assert [later(12), later(30)] == [
        closes_at([broken, both], GRACES),
        closes_at([broken, other], GRACES),
    ]


def test_a_round_ends_with_its_last_stream() -> None:
    """A round of live streams has no end yet."""

    first, last = a_stream(ended_at=later(3)), a_stream(ended_at=later(5))

    assert [later(5), None] == [ended_at([last, first]), ended_at([a_stream()])]
