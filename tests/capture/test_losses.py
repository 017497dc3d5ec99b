"""What is told of media that is lost."""

from __future__ import annotations

from chalicelib.capture.events import Track
from chalicelib.capture.losses import told_as_lost
from tests.capture.facts import record, silent


def test_one_record_a_track_says_what_is_missing() -> None:
    """From the first lost sample to the last, in whatever order they came; messages add up."""
    lost = told_as_lost(
        [
            record(8000, 160, sequence=50, late_ms=30),
            record(0, track=Track.OUTBOUND),
            record(4000, 160, sequence=25),
            record(16_000, sequence=100),
        ]
    )

    inbound, outbound = lost
    assert (b"", 4000, 20_000, 52) == (
        inbound.payload,
        inbound.first_sample,
        inbound.samples,
        inbound.messages,
    )
    assert (50, 149, 20_000) == (
        inbound.sequence,
        inbound.last_sequence,
        inbound.least_lateness_us,
    )
    assert silent(record(0, track=Track.OUTBOUND)) == outbound


def test_an_earlier_record_that_comes_late_ends_nothing_sooner() -> None:
    """The last lost sample is the last there is, not that of the record that came last."""
    (lost,) = told_as_lost([record(8000, 160), record(0, 160)])

    assert (0, 8160) == (lost.first_sample, lost.samples)


def test_of_nothing_nothing_is_lost() -> None:
    """No record, no word."""

    assert [] == told_as_lost([])
