"""The oracle of `make trial NAME=stop` finds what a stop could do to a call."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.capture import container
from chalicelib.capture.container_index import Kind
from chalicelib.capture.events import Encoding, Track
from chalicelib.capture.records import Record, StreamHead
from trials.stop.frames import FRAME, Sent, payload
from trials.stop.verdict import Verdict, judge, missing, read

LINE = Sent(call=3, carrier="bandwidth", track=0, first=5, at_stop=8, in_all=10)
PLACE = ("main/bandwidth/c-3", "inbound")
FRAMES = [payload(3, 0, 5 + number) for number in range(10)]
BEFORE = 8 * FRAME


def test_all_that_was_sent_is_there() -> None:
    """What was sent after SIGTERM is counted apart."""

    assert Verdict(sent=BEFORE, afterwards=2 * FRAME) == judge([LINE], {PLACE: FRAMES})
    assert [] == missing([LINE], {PLACE: FRAMES})


def test_what_came_after_the_stop_may_be_missing() -> None:
    """Only what had been sent by then is promised."""

    assert Verdict(sent=BEFORE) == judge([LINE], {PLACE: FRAMES[:8]})


@pytest.mark.parametrize(
    ("stored", "lost", "corrupt"),
    [
        (FRAMES[:7], 1, 0),
        ([], 8, 0),
        (FRAMES[:4] + FRAMES[5:], 1, 5),
        ([*FRAMES[:4], FRAMES[5], FRAMES[4], *FRAMES[6:]], 0, 2),
        ([*FRAMES[:7], b"\xff" * FRAME, *FRAMES[8:]], 1, 1),
        ([*FRAMES, FRAMES[9]], 0, 1),
        ([*FRAMES[:7], payload(4, 0, 12), *FRAMES[8:]], 1, 1),
    ],
    ids=["cut short", "nothing", "a hole", "reordered", "changed", "twice", "another call's"],
)
def test_what_isn_t_as_it_was_sent(stored: list[bytes], lost: int, corrupt: int) -> None:
    """Frames that are gone, and frames that stand where they weren't sent."""

    verdict = judge([LINE], {PLACE: stored})

    assert (lost * FRAME, corrupt * FRAME) == (verdict.lost, verdict.corrupt)
    assert bool(lost) is bool(missing([LINE], {PLACE: stored}))


def test_segments_are_read_by_call_and_track(tmp_path: Path) -> None:
    """Two objects of a call, the later one first in the listing: positions give the order."""
    head = StreamHead(
        stream_key="w-1-1",
        call_key=PLACE[0],
        carrier_stream_id="s",
        dialect="bandwidth",
        rate_hz=8000,
        opened_at_us=0,
    )
    for number, frames in ((1, FRAMES[:4]), (0, FRAMES[4:])):
        record = Record(
            stream_key="w-1-1",
            track=Track.INBOUND,
            encoding=Encoding.PCMU,
            first_sample=0 if number else 4 * FRAME,
            samples=len(frames) * FRAME,
            arrived_at_us=0,
            least_lateness_us=0,
            payload=b"".join(frames),
        )
        body = container.encode([head], [record], kind=Kind.SEGMENT, worker="w-1")
        (tmp_path / "segments" / "c").mkdir(parents=True, exist_ok=True)
        (tmp_path / "segments" / "c" / f"{number}").write_bytes(body)

    assert {PLACE: FRAMES} == read(tmp_path)
