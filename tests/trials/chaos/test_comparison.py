"""The storm's oracle finds what a store could do to a call."""

from __future__ import annotations

from random import Random

from trials.chaos.comparison import Channel, Hole, compare, holes, joined

_NOISE = Random(1)
FRAMES = [_NOISE.randbytes(320) for _ in range(10)]
SILENCE = bytes(320)


def test_all_that_was_sent_is_there() -> None:
    """Each frame stands behind the one before; nothing else sounds."""

    found = compare(FRAMES, b"".join(FRAMES))

    assert Channel(places={number: 160 * number for number in range(10)}) == found


def test_a_frame_that_is_missing() -> None:
    """Its place isn't known, and nothing is wrong with the others, wherever they stand."""

    found = compare(FRAMES, b"".join([*FRAMES[:3], SILENCE, SILENCE, *FRAMES[4:]]))

    assert [0, 1, 2, 4, 5, 6, 7, 8, 9] == sorted(found.places)
    assert (0, 0, 0) == (found.corrupt, found.reordered, found.duplicated)


def test_a_sample_that_differs() -> None:
    """The frame isn't there, and what stands in its place was never sent."""

    wrong = b"\x01\x02" + FRAMES[4][2:]

    found = compare(FRAMES, b"".join([*FRAMES[:4], wrong, *FRAMES[5:]]))

    assert 4 not in found.places
    assert (160, 0, 0) == (found.corrupt, found.reordered, found.duplicated)


def test_frames_that_change_places() -> None:
    """Each that stands before one that was sent earlier is counted."""

    found = compare(FRAMES, b"".join([*FRAMES[:4], FRAMES[5], FRAMES[4], *FRAMES[6:]]))

    assert (0, 160, 0) == (found.corrupt, found.reordered, found.duplicated)


def test_a_frame_that_is_there_twice() -> None:
    """What was found already is no second time what was sent."""

    found = compare(FRAMES, b"".join([*FRAMES[:6], SILENCE, FRAMES[2], *FRAMES[6:]]))

    assert (0, 0, 160) == (found.corrupt, found.reordered, found.duplicated)


def test_the_wrong_track() -> None:
    """A stranger's sound is corrupt, all of it."""

    found = compare(FRAMES[:5], b"".join(FRAMES[5:]))

    assert {} == found.places
    assert 800 == found.corrupt


def test_a_hole_is_told_within_20_ms() -> None:
    """Its offset by where it is heard, its length by what was missing where it was sent."""

    found = holes({0: 0, 1: 160, 2: 800}, [0, 1, 5])

    assert [Hole(at_ms=40.0, heard_ms=60.0, wanted_ms=60.0)] == found
    assert [True, True, False, False] == [
        found[0].is_told([gap]) for gap in ((40.0, 60.0), (59.0, 79.0), (61.0, 60.0), (40.0, 39.0))
    ]


def test_a_hole_that_left_no_silence() -> None:
    """What is missing and wasn't made up for is a hole, too."""

    assert [Hole(at_ms=20.0, heard_ms=0.0, wanted_ms=60.0)] == holes({0: 0, 1: 160}, [0, 4])


def test_gaps_that_touch_are_one() -> None:
    """What the store lost and what the carrier never sent may follow each other."""

    assert [(0.0, 30.0), (50.0, 10.0)] == joined([(50.0, 10.0), (0.0, 20.0), (20.0, 10.0)])
