"""What a recording lacks where its call's streams were cut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.recording import cuts
from chalicelib.recording.model import (
    CallRef,
    Direction,
    Ending,
    Interval,
    Quality,
    Recording,
    RecordOptions,
    State,
    Stream,
)
from chalicelib.recording.rendition_plan import NOT_STORED, RenditionPlan

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL = CallRef(account="main", carrier="bandwidth", call_id="c-1")
PLAN = RenditionPlan(rate_hz=8000, samples=0, channels=(), gaps=(), quality=Quality())


def at(hours: float) -> datetime:
    """Return a time after noon."""
    return NOON + timedelta(hours=hours)


def us(hours: float) -> int:
    """Return it on the wall, in µs."""
    return round(at(hours).timestamp() * 1_000_000)


def a_stream(
    key: str = "s-1",
    *tracks: Track,
    opened: float = 0,
    ended: float | None = 12,
    reason: str = cuts.TOO_LONG,
) -> Stream:
    """Return a stream that was cut after twelve hours."""
    return Stream(
        call=CALL,
        stream_key=key,
        carrier_stream_id=key,
        round=1,
        worker="w-1",
        dialect="bandwidth",
        tracks=tracks or (Track.INBOUND, Track.OUTBOUND),
        encoding=Encoding.PCMU,
        rate_hz=8000,
        opened_at=at(opened),
        journal_from=0,
        ended_at=None if ended is None else at(ended),
        ending=Ending.BROKEN,
        reason=reason,
    )


def a_recording(*intervals: Interval, direction: Direction = Direction.BOTH) -> Recording:
    """Return a recording of the call."""
    return Recording(
        recording_id="r-1",
        call=CALL,
        control_id="c",
        state=State.FINALIZING,
        version=1,
        round=1,
        options=RecordOptions(direction=direction),
        profile="p",
        created_at=NOON,
        intervals=intervals,
    )


def degraded(recording: Recording, *streams: Stream) -> str:
    """Return what the recording says of the streams' cuts."""
    return cuts.with_cut(PLAN, recording, streams).quality.degraded


@pytest.mark.parametrize("reason", [cuts.TOO_LONG, cuts.TOO_FAST, "of_a_later_version"])
def test_a_cut_is_named(reason: str) -> None:
    """By its code, in a recording that was to show what followed."""
    assert reason == degraded(a_recording(), a_stream(reason=reason))


@pytest.mark.parametrize("reason", ["", cuts.NO_PONG, cuts.NO_PACKETS])
def test_who_fell_silent_was_not_cut(reason: str) -> None:
    """Nothing is known to be missing."""
    assert "" == degraded(a_recording(), a_stream(reason=reason))
    assert "" == cuts.closing_cut([a_stream(reason=reason)])


@pytest.mark.parametrize(
    ("intervals", "is_missing"),
    [
        ((Interval(),), True),
        ((Interval(to_us=us(13)),), True),
        ((Interval(to_us=us(12)),), False),
        ((Interval(to_us=us(11)),), False),
        ((Interval(from_us=us(11)),), True),
        ((Interval(from_us=us(12.5)),), False),
        ((Interval(to_us=us(11)), Interval(from_us=us(11), silent=True)), False),
        ((Interval(to_us=us(10)), Interval(from_us=us(11), to_us=us(14))), True),
    ],
    ids=[
        "open",
        "stopped after it",
        "stopped with it",
        "stopped before it",
        "asked for before it",
        "asked for after it",
        "paused, a pause kept as silence",
        "resumed before it",
    ],
)
def test_only_what_a_recording_shows_can_be_missing(
    intervals: tuple[Interval, ...], is_missing: bool
) -> None:
    """A recording that ended, paused or began elsewhere lacks nothing."""
    assert (cuts.TOO_LONG if is_missing else "") == degraded(a_recording(*intervals), a_stream())


def test_a_recording_lacks_nothing_of_the_other_side() -> None:
    """Of two taps one was cut: a recording of the other's track is whole."""
    speak = a_stream("s-1", Track.INBOUND)
    listen = a_stream("s-2", Track.OUTBOUND, reason="", ended=13)

    assert ["", cuts.TOO_LONG, cuts.TOO_LONG] == [
        degraded(a_recording(direction=direction), speak, listen)
        for direction in (Direction.LISTEN, Direction.SPEAK, Direction.BOTH)
    ]
    assert cuts.TOO_LONG == degraded(a_recording(), replace(speak, tracks=(Track.MIXED,)))


@pytest.mark.parametrize(
    ("other", "is_missing"),
    [
        (a_stream("s-2", opened=11, ended=None, reason=""), False),
        (a_stream("s-2", opened=11, ended=13, reason=""), False),
        (a_stream("s-2", opened=11, ended=11.5, reason=""), True),
        (a_stream("s-2", opened=12.1, ended=13, reason=""), True),
        (a_stream("s-2", Track.INBOUND, opened=11, ended=13, reason=""), True),
    ],
    ids=["lives", "ended later", "ended before", "came after", "has one track only"],
)
def test_another_stream_of_the_same_tracks_leaves_nothing_missing(
    other: Stream, is_missing: bool
) -> None:
    """One that reconnected before the old socket was cut; one that comes after leaves a hole."""
    assert (cuts.TOO_LONG if is_missing else "") == degraded(a_recording(), a_stream(), other)


def test_the_first_cut_is_named() -> None:
    """Of several, and none where something else is known already, or where a stream lives."""
    first = a_stream("s-1", ended=1, reason=cuts.TOO_FAST)
    lives = a_stream("s-3", opened=12.1, ended=None, reason="")
    known = replace(PLAN, quality=Quality(degraded=NOT_STORED))

    assert cuts.TOO_FAST == degraded(a_recording(), a_stream("s-2", opened=1.1), first, lives)
    assert known == cuts.with_cut(known, a_recording(), [first])


def test_a_round_closes_for_the_cut_of_its_last_stream() -> None:
    """Not for that of one that its carrier replaced, and not before any has ended."""
    cut = a_stream(ended=12)
    later = a_stream("s-2", opened=12.1, ended=13, reason="")

    assert cuts.TOO_LONG == cuts.closing_cut([cut])
    assert "" == cuts.closing_cut([cut, later])
    assert cuts.TOO_LONG == cuts.closing_cut([replace(later, ended_at=at(11)), cut])
    assert "" == cuts.closing_cut([replace(later, ended_at=None)])
    assert "" == cuts.closing_cut([])
