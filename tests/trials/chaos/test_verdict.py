"""What a storm's verdict says of a call."""

from __future__ import annotations

import audioop  # from audioop-lts where Python has it no longer
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from tests.e2e.listening import Heard
from trials.chaos.caller import Call, Kind, Sent
from trials.chaos.slots import Life
from trials.chaos.verdict import Recorded, judge

NOISE = Random(5)
FRAMES = [NOISE.randbytes(160) for _ in range(100)]


def life(name: str, killed_s: float | None) -> Life:
    """Return a worker that was killed at a time."""
    return Life(port=1, rtp_first=1, process=None, name=name, killed_s=killed_s)


def a_call(*workers: Life, until: Sequence[int] = (100,)) -> Call:
    """Return a call of two seconds of one track: frames up to each number went to each worker."""
    call = Call(
        call_id="c-1",
        kind=Kind(dialect="bandwidth", tracks=(Track.INBOUND,)),
        seconds=2,
        encoding=Encoding.PCMU,
        lives=list(workers),
    )
    places = [sum(number >= end for end in until[:-1]) for number in range(until[-1])]
    call.sent[Track.INBOUND] = [
        Sent(number, number * 0.02, FRAMES[number], workers[place])
        for number, place in enumerate(places)
    ]
    return call


def recorded(numbers: Sequence[int | None], gaps: Sequence[tuple[float, float]] = ()) -> Recorded:
    """Return a recording of these frames; None is 20 ms of silence. Gaps: offset, duration."""
    pcm = [bytes(320) if n is None else audioop.ulaw2lin(FRAMES[n], 2) for n in numbers]
    shown: dict[str, Any] = {
        "gaps": [{"track": "inbound", "offset_ms": at, "duration_ms": ms} for at, ms in gaps]
    }
    return Recorded(shown=shown, heard=Heard(channels=(b"".join(pcm),)))


def test_all_there_is_no_loss_by_a_death() -> None:
    """Of whoever died while it had the stream; who died later has no part in it."""

    first, later = life("w-1", 1.99), life("w-2", 9.0)

    verdict = judge(a_call(first, later, until=(99, 100)), [recorded(range(100))])

    assert {"w-1": 0.0} == verdict.losses_s
    assert 0 == verdict.unexplained


def test_what_is_missing_is_the_first_death_after_it() -> None:
    """Half a second before the first death, a tenth before the second."""

    call = a_call(life("w-1", 1.0), life("w-2", 1.99), until=(50, 100))
    there = [*range(25), *[None] * 25, *range(50, 95)]

    verdict = judge(call, [recorded(there, gaps=[(500, 500)])])

    assert {"w-1": pytest.approx(0.5), "w-2": pytest.approx(0.1)} == verdict.losses_s
    assert (1, []) == (verdict.holes, verdict.untold)


def test_what_is_missing_without_a_death() -> None:
    """Nothing explains it."""

    call = a_call(life("w-1", 0.5), life("w-2", None), until=(25, 100))
    there = [*range(50), *[None] * 10, *range(60, 100)]

    verdict = judge(call, [recorded(there, gaps=[(1000, 200)])])

    assert 10 * 160 == verdict.unexplained


def test_what_was_sent_to_the_dead_is_nobodys_loss() -> None:
    """The worker was gone before the frame went out."""

    verdict = judge(a_call(life("w-1", 0.99)), [recorded(range(50))])

    assert {"w-1": 0.0} == verdict.losses_s


def test_a_hole_that_nothing_tells() -> None:
    """Nor a gap that is 21 ms too long, or 21 ms too late."""

    call = a_call(life("w-1", 1.0), life("w-2", None), until=(50, 100))
    there = [*range(40), *[None] * 10, *range(50, 100)]

    for gaps in ([], [(800.0, 221.0)], [(821.0, 200.0)]):
        assert 1 == len(judge(call, [recorded(there, gaps=gaps)]).untold), gaps
    assert [] == judge(call, [recorded(there, gaps=[(780.0, 220.0)])]).untold


def test_the_same_frames_in_two_recordings() -> None:
    """A call's second recording has what the first has: that is twice."""

    verdict = judge(a_call(life("w-1", None)), [recorded(range(60)), recorded(range(50, 100))])

    assert 10 * 160 == verdict.duplicated
    assert 0 == verdict.unexplained
