"""In-band digits: what must be found, what must not, and when."""

from __future__ import annotations

import audioop
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Track
from chalicelib.media.digits import FREQUENCIES_HZ, DigitBegun, DigitEnded, DigitEvent
from chalicelib.media.dtmf import DigitDetector
from chalicelib.media.pcm import WIDTH
from chalicelib.media.tones import digit_tone, tone
from tests.media.sounds import RATE_HZ, in_frames, in_noise, quiet, seconds, talk, through

DIGITS = "".join(FREQUENCIES_HZ)
OTHERS_HZ = (
    *((350, 440), (440, 480), (480, 620), (425,), (1400,), (914,), (1100,), (2100,), (980, 1180)),
    *((697,), (1477,), (697, 770), (1209, 1336), (697, 770, 1209), (697, 1209, 1336)),
)
EXACT = 100
"""samples, of 12.5 ms"""

_tone = partial(digit_tone, rate_hz=RATE_HZ)


def _heard(pcm: bytes) -> list[DigitEvent]:
    return in_frames(DigitDetector(RATE_HZ).feed, pcm)


def _pressed(pcm: bytes) -> str:
    return "".join(event.digit for event in _heard(pcm) if isinstance(event, DigitBegun))


def _dialled(tone_ms: float, pause_s: float, level_dbm0: float, twist_db: float) -> bytes:
    keys = [
        _tone(digit, level_dbm0=level_dbm0, twist_db=twist_db, duration_ms=tone_ms) + quiet(pause_s)
        for digit in DIGITS
    ]
    return quiet(0.1) + b"".join(keys) + quiet(0.1)


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA", "L16"])
@pytest.mark.parametrize("twist_db", [-4.0, 0.0, 4.0])
@pytest.mark.parametrize("shift", [0, 37, 91])
def test_all_sixteen_are_found_in_noise(encoding: str, twist_db: float, shift: int) -> None:
    """At -20 dBm0, 15 dB above noise, 40 ms on and 40 ms off, each key is told once, in order."""

    dialled = _dialled(40, 0.04, -20, twist_db)
    pcm = through(encoding, in_noise(bytes(WIDTH * shift) + dialled, -35))

    assert DIGITS == _pressed(pcm)


@pytest.mark.parametrize(("level_dbm0", "twist_db"), [(0, 4), (-8, -8), (-20, 8), (-30, 0)])
def test_loud_quiet_and_twisted_tones_are_found(level_dbm0: float, twist_db: float) -> None:
    """Without noise, levels from 0 to -30 dBm0 and 8 dB of twist are digits."""

    assert DIGITS == _pressed(_dialled(50, 0.05, level_dbm0, twist_db))


def test_at_16_khz_too() -> None:
    """The rate is the track's; positions are counted in its samples."""

    pcm = b"".join(
        digit_tone(digit, rate_hz=16_000, duration_ms=50) + bytes(1600) for digit in DIGITS
    )

    events = DigitDetector(16_000).feed(pcm + bytes(1600))
    ended = [event for event in events if isinstance(event, DigitEnded)]

    assert DIGITS == "".join(event.digit for event in ended)
    assert all(abs(16_00 * n - event.first_sample) < 200 for n, event in enumerate(ended))


def test_a_press_is_told_with_place_and_length() -> None:
    """One begin and one end, within 12.5 ms of what was pressed."""

    pcm = quiet(1) + _tone("7", duration_ms=300) + quiet(1)

    begun, ended = _heard(pcm)

    assert isinstance(begun, DigitBegun)
    assert isinstance(ended, DigitEnded)
    assert ("7", "7", begun.first_sample) == (begun.digit, ended.digit, ended.first_sample)
    assert pytest.approx(seconds(1), abs=EXACT) == begun.first_sample
    assert pytest.approx(seconds(0.3), abs=EXACT) == ended.samples


def test_a_press_is_told_while_the_key_is_down() -> None:
    """A terminator needn't be let go to act: 40 ms are enough."""

    detector = DigitDetector(RATE_HZ)
    events = detector.feed(_tone("#", duration_ms=400)[: WIDTH * seconds(0.045)])

    assert ["#"] == [event.digit for event in events]
    assert "#" == detector.sounding


def test_positions_count_from_where_listening_began() -> None:
    """A detector that starts later in a track tells the track's positions."""

    events = DigitDetector(RATE_HZ, first_sample=80_000).feed(quiet(1) + _tone("1"))

    assert pytest.approx(88_000, abs=EXACT) == events[0].first_sample


@pytest.mark.parametrize(("pause_ms", "presses"), [(10, "4"), (20, "4"), (40, "44"), (60, "44")])
def test_a_pause_divides_and_an_interruption_does_not(pause_ms: int, presses: str) -> None:
    """Up to 20 ms belong to the press, 40 ms make another of the same key."""

    pcm = quiet(0.1) + _tone("4") + quiet(pause_ms / 1000) + _tone("4") + quiet(0.1)

    assert presses == _pressed(pcm)


def test_keys_without_a_pause_are_two() -> None:
    """Another digit ends the one before, though nothing was silent between them."""

    assert "46" == _pressed(_tone("4") + _tone("6") + quiet(0.1))


@pytest.mark.parametrize("duration_ms", [5, 10, 15])
def test_short_tones_are_none(duration_ms: int) -> None:
    """What is far shorter than anybody presses is no digit, wherever a window falls."""

    shifts = [bytes(WIDTH * shift) for shift in range(0, 64, 9)]

    assert "" == "".join(
        _pressed(shift + _tone("5", duration_ms=duration_ms) + quiet(0.1)) for shift in shifts
    )


@pytest.mark.parametrize("off", [-0.035, 0.035])
def test_frequencies_off_by_three_and_a_half_percent_are_none(off: float) -> None:
    """Q.24's limit: somebody else's tones."""

    for low, high in FREQUENCIES_HZ.values():
        parts = ((low * (1 + off), -10.0), (high * (1 + off), -10.0))
        assert "" == _pressed(tone(parts, rate_hz=RATE_HZ, duration_ms=100))


@pytest.mark.parametrize("off", [-0.015, 0.015])
def test_frequencies_off_by_one_and_a_half_percent_are_found(off: float) -> None:
    """A telephone's own error."""

    for digit, (low, high) in FREQUENCIES_HZ.items():
        parts = ((low * (1 + off), -10.0), (high * (1 + off), -10.0))
        assert digit == _pressed(tone(parts, rate_hz=RATE_HZ, duration_ms=60) + quiet(0.1))


@pytest.mark.parametrize("frequencies", OTHERS_HZ)
def test_other_tones_are_none(frequencies: tuple[int, ...]) -> None:
    """Dial, ringing, busy, the beep, fax and modem tones, half a digit, or one and a half."""

    parts = [(hz, -12.0) for hz in frequencies]

    assert "" == _pressed(tone(parts, rate_hz=RATE_HZ, duration_ms=500) + quiet(0.1))


def test_too_much_twist_is_none() -> None:
    """12 dB between the two is more than any line does to a telephone's tones."""

    assert "" == _pressed(_dialled(80, 0.05, -10, 12) + _dialled(80, 0.05, -10, -12))


@pytest.mark.parametrize("track", list(Track))
def test_ten_minutes_of_each_voice_hold_no_digit(track: Track) -> None:
    """Half an hour of speech, three voices, and not one digit."""

    detector = DigitDetector(RATE_HZ)

    assert [] == [event for frame in talk(600, 7, track) for event in detector.feed(frame)]


def test_a_digit_is_found_between_words() -> None:
    """Speech before and after changes nothing."""

    words = b"".join(talk(3, 1, Track.INBOUND))

    assert "9" == _pressed(words + quiet(0.03) + _tone("9") + quiet(0.05) + words)


def test_skipping_lets_go_and_moves_on() -> None:
    """What nobody may hear counts in positions, and a key that was down is let go before it."""

    detector = DigitDetector(RATE_HZ)
    detector.feed(_tone("8")[:-10])
    (ended,) = detector.skip(seconds(10))
    begun = detector.feed(_tone("8"))[0]

    assert isinstance(ended, DigitEnded)
    assert 800 > ended.samples > 600
    assert pytest.approx(seconds(10.1), abs=EXACT) == begun.first_sample
    assert [] == DigitDetector(RATE_HZ).skip(5)


@given(st.lists(st.integers(1, 700), max_size=40))
def test_how_it_is_cut_changes_nothing(cuts: list[int]) -> None:
    """The same sound tells the same, in whatever pieces it comes."""

    pcm = quiet(0.02) + _tone("2", duration_ms=60) + quiet(0.05) + _tone("B", duration_ms=60)
    detector = DigitDetector(RATE_HZ)
    events: list[DigitEvent] = []
    begin = 0
    for cut in [*cuts, len(pcm)]:
        events += detector.feed(pcm[begin : begin + WIDTH * cut])
        begin += WIDTH * cut

    assert DigitDetector(RATE_HZ).feed(pcm) == events


@given(st.lists(st.binary(max_size=2000), max_size=8), st.integers(1, 40))
def test_any_bytes_are_some_sound(pieces: list[bytes], gain: int) -> None:
    """Nothing that a track could decode to, or half a sample of it, raises."""

    detector = DigitDetector(RATE_HZ)
    for piece in pieces:
        detector.feed(piece)
        detector.feed(audioop.mul(piece[: len(piece) & ~1], WIDTH, gain))


@pytest.mark.parametrize("first", [b"\0\0", b"\xff\x7f"])
@pytest.mark.parametrize("last", [b"\0\0", b"\xff\x7f"])
def test_a_click_in_silence_divides_nothing_by_zero(first: bytes, last: bytes) -> None:
    """A window whose past is all zero has nothing to resemble."""

    assert [] == DigitDetector(RATE_HZ).feed(first + bytes(252) + last)


@pytest.mark.parametrize(
    "rate_hz", [11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
)
@pytest.mark.parametrize("twist_db", [-4.0, 0.0, 4.0])
def test_digits_are_found_at_every_rate_of_l16(rate_hz: int, twist_db: float) -> None:
    """Each key of 40 ms is told once, to 10 ms, where the rate is no multiple of 4 kHz, too."""

    pause = bytes(WIDTH * (rate_hz * 40 // 1000))
    tones = [
        digit_tone(digit, rate_hz=rate_hz, level_dbm0=-20, twist_db=twist_db, duration_ms=40)
        for digit in DIGITS
    ]
    begins = [len(b"".join(tones[:n])) // WIDTH + (n + 1) * len(pause) // WIDTH for n in range(16)]

    events = DigitDetector(rate_hz).feed(pause + pause.join(tones) + pause)

    begun = [event for event in events if isinstance(event, DigitBegun)]
    assert DIGITS == "".join(event.digit for event in begun)
    late = [event.first_sample - begin for event, begin in zip(begun, begins, strict=True)]
    assert max(map(abs, late)) <= rate_hz // 100
