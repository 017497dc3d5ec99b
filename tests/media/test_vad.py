"""Voice activity: speech in noise, and where exactly it begins and ends."""

from __future__ import annotations

import audioop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.media.pcm import WIDTH
from chalicelib.media.tones import tone
from chalicelib.media.vad import (
    SpeechBegun,
    SpeechEnded,
    SpeechEvent,
    VoiceActivity,
    threshold_dbm0,
)
from tests.media.sounds import RATE_HZ, in_frames, in_noise, noise, quiet, seconds, speech, through

DEFAULT = 44.0
BLOCK = 160


def _loud(duration_s: float, level_dbm0: float = -10.0) -> bytes:
    """Return a sound louder than any bar of the default sensitivity."""
    return tone(((400, level_dbm0),), rate_hz=RATE_HZ, duration_ms=1000 * duration_s)


def _told(pcm: bytes, input_sensitivity: float = DEFAULT) -> list[SpeechEvent]:
    return in_frames(VoiceActivity(RATE_HZ, input_sensitivity).feed, pcm)


def _begins(pcm: bytes, input_sensitivity: float = DEFAULT) -> list[int]:
    told = _told(pcm, input_sensitivity)
    return [event.first_sample for event in told if isinstance(event, SpeechBegun)]


@pytest.mark.parametrize(
    ("input_sensitivity", "level_dbm0"), [(0, -20.0), (44, -39.8), (100, -65.0)]
)
def test_the_mapping_is_what_the_page_says(input_sensitivity: float, level_dbm0: float) -> None:
    """Each step is 0.45 dB."""

    assert pytest.approx(level_dbm0) == threshold_dbm0(input_sensitivity)


@pytest.mark.parametrize("input_sensitivity", [0.0, 20.0, 44.0, 70.0])
def test_sound_counts_from_the_level_on(input_sensitivity: float) -> None:
    """On a quiet line, 1.5 dB above the mapped level is speech and 1.5 dB below is not."""

    level_dbm0 = threshold_dbm0(input_sensitivity)
    line = noise(seconds(1), -60)

    assert [] == _begins(line + _loud(1, level_dbm0 - 1.5), input_sensitivity)
    assert 1 == len(_begins(line + _loud(1, level_dbm0 + 1.5), input_sensitivity))


@pytest.mark.parametrize("encoding", ["PCMU", "PCMA"])
@pytest.mark.parametrize("noise_dbm0", [-70, -60, -50, -40, -30])
@pytest.mark.parametrize("speech_dbm0", [-15, -20])
def test_speech_is_found_in_noise(encoding: str, noise_dbm0: int, speech_dbm0: int) -> None:
    """By default, noise from -70 to -30 dBm0 is silence, and speech 10 dB above it is speech."""

    said = quiet(3) + speech(3, speech_dbm0) + quiet(3)
    told = _told(through(encoding, in_noise(said, noise_dbm0)))

    first, last = told[0], told[-1]
    assert isinstance(first, SpeechBegun)
    assert isinstance(last, SpeechEnded)
    assert seconds(3) - BLOCK <= first.first_sample <= seconds(3.3)
    assert seconds(5.7) <= last.end_sample <= seconds(6) + BLOCK


@pytest.mark.parametrize(
    ("input_sensitivity", "noise_dbm0", "speech_dbm0", "is_found"),
    [
        (0, -60, -12, True),
        (0, -60, -30, False),
        (20, -60, -20, True),
        (20, -60, -35, False),
        (44, -60, -30, True),
        (44, -60, -45, False),
        (70, -65, -40, True),
        (95, -70, -55, True),
    ],
)
def test_sensitivity_decides_how_soft_speech_may_be(
    input_sensitivity: float, noise_dbm0: int, speech_dbm0: int, is_found: bool
) -> None:
    """Softer speech needs a larger value."""

    said = quiet(2) + speech(2, speech_dbm0)

    assert is_found == bool(_begins(in_noise(said, noise_dbm0), input_sensitivity))


@pytest.mark.parametrize(
    ("input_sensitivity", "noise_dbm0", "is_speech"),
    [
        (0, -10, False),
        (20, -20, False),
        (44, -28, False),
        (44, -20, True),
        (70, -40, False),
        (70, -32, True),
        (100, -55, False),
        (100, -45, True),
    ],
)
def test_steady_noise_is_silence_up_to_a_level(
    input_sensitivity: float, noise_dbm0: int, is_speech: bool
) -> None:
    """From the first sample on, and until 15 dB above the mapped level."""

    assert is_speech == bool(_begins(noise(seconds(8), noise_dbm0), input_sensitivity))


def test_noise_that_sets_in_is_silence_after_three_seconds() -> None:
    """The floor follows the line: a fan that starts counts as sound, but not for ever."""

    told = _told(noise(seconds(2), -65) + noise(seconds(8), -32))

    begun, ended = told
    assert isinstance(begun, SpeechBegun)
    assert isinstance(ended, SpeechEnded)
    assert 3.6 >= (ended.end_sample - begun.first_sample) / RATE_HZ


def test_a_fixed_level_would_not_do() -> None:
    """A quiet line after noise is listened to with the mapped level again, within 3 s."""

    pcm = noise(seconds(2), -32) + noise(seconds(4), -65) + speech(1, -33)

    assert pytest.approx(seconds(6), abs=seconds(0.2)) == _begins(pcm)[0]


@pytest.mark.parametrize("offset", [0, 40, 80, 159])
def test_begin_and_end_are_exact_to_a_block(offset: int) -> None:
    """Speech is told within 20 ms of where it is, however long it takes to be certain."""

    pcm = bytes(WIDTH * offset) + quiet(1) + _loud(0.5) + quiet(1)
    begun, ended = _told(pcm)

    assert isinstance(begun, SpeechBegun)
    assert isinstance(ended, SpeechEnded)
    assert abs(seconds(1) + offset - begun.first_sample) < BLOCK
    assert abs(seconds(1.5) + offset - ended.end_sample) < BLOCK


@pytest.mark.parametrize(("duration_ms", "begins"), [(20, 0), (40, 0), (60, 1)])
def test_a_click_is_no_speech(duration_ms: int, begins: int) -> None:
    """Less than three blocks of sound are none."""

    assert begins == len(_begins(quiet(1) + _loud(duration_ms / 1000) + quiet(1)))


@pytest.mark.parametrize(("pause_ms", "begins"), [(100, 1), (180, 1), (220, 2)])
def test_the_stops_of_speech_are_bridged(pause_ms: int, begins: int) -> None:
    """A silence below 200 ms is part of the speech around it."""

    assert begins == len(_begins(_loud(0.3) + quiet(pause_ms / 1000) + _loud(0.3) + quiet(1)))


def test_silence_counts_from_the_last_sound() -> None:
    """What bridges a stop doesn't lengthen the speech: silence has its true length at any time."""

    voice = VoiceActivity(RATE_HZ, DEFAULT)
    lengths: list[int] = []
    for pcm in (quiet(1), _loud(0.5), quiet(0.1), quiet(0.9)):
        voice.feed(pcm)
        lengths.append(voice.silent_samples)

    assert [seconds(1), 0, seconds(0.1), seconds(1)] == lengths
    assert seconds(1.5) == voice.silent_since


def test_a_click_does_not_break_a_silence() -> None:
    """Only speech ends silence; while a sound may become some, nothing is settled."""

    voice = VoiceActivity(RATE_HZ, DEFAULT)
    voice.feed(_loud(0.2) + quiet(1) + _loud(0.04))
    settled_before = voice.settled
    voice.feed(quiet(1))

    assert seconds(1.2) == settled_before
    assert seconds(0.2) == voice.silent_since
    assert seconds(2.04) == voice.silent_samples


def test_a_timeout_is_decided_to_the_block() -> None:
    """Speech that begins just before a timeout is found to have, and just after, not to have."""

    limit = seconds(2)
    for begins_at, is_in_time in ((1.96, True), (2.02, False)):
        voice = VoiceActivity(RATE_HZ, DEFAULT)
        pcm = quiet(begins_at) + _loud(1)
        told: list[SpeechEvent] = []
        for n in range(0, len(pcm), WIDTH * BLOCK):
            told += voice.feed(pcm[n : n + WIDTH * BLOCK])
            if told or voice.settled >= limit:
                break

        assert is_in_time == bool(told)


def test_positions_count_from_where_listening_began() -> None:
    """After a pause a new detector goes on with the track's positions."""

    voice = VoiceActivity(RATE_HZ, DEFAULT, first_sample=8000)

    assert 8000 == voice.silent_since
    assert [SpeechBegun(first_sample=8000)] == voice.feed(_loud(0.1))[:1]


def test_at_16_khz_too() -> None:
    """A block is 20 ms at any rate."""

    loud = tone(((400, -10),), rate_hz=16_000, duration_ms=500)

    assert [SpeechBegun(first_sample=16_000)] == VoiceActivity(16_000, DEFAULT).feed(
        bytes(32_000) + loud
    )


@pytest.mark.parametrize(("skipped_s", "ends"), [(0.1, 0), (0.2, 1), (3600, 1)])
def test_skipping_is_silence(skipped_s: float, ends: int) -> None:
    """What never came counts as silence, and costs nothing to count."""

    voice = VoiceActivity(RATE_HZ, DEFAULT)
    voice.feed(_loud(0.5))
    told = voice.skip(seconds(skipped_s))

    assert ends * [SpeechEnded(end_sample=seconds(0.5))] == told
    assert seconds(skipped_s) == voice.silent_samples


def test_skipping_in_a_block_keeps_the_place() -> None:
    """Half a block that was there already counts in positions too."""

    voice = VoiceActivity(RATE_HZ, DEFAULT)
    voice.feed(quiet(1)[:-100])
    voice.skip(50)

    assert seconds(1) == voice.settled


@given(st.lists(st.integers(1, 900), max_size=40))
def test_how_it_is_cut_changes_nothing(cuts: list[int]) -> None:
    """The same sound tells the same, in whatever pieces it comes."""

    pcm = quiet(0.3) + _loud(0.2) + quiet(0.3) + speech(0.5, -20) + quiet(0.5)
    voice = VoiceActivity(RATE_HZ, DEFAULT)
    told: list[SpeechEvent] = []
    begin = 0
    for cut in [*cuts, len(pcm)]:
        told += voice.feed(pcm[begin : begin + WIDTH * cut])
        begin += WIDTH * cut

    assert VoiceActivity(RATE_HZ, DEFAULT).feed(pcm) == told


@given(st.lists(st.binary(max_size=2000), max_size=8), st.floats(0, 100), st.integers(1, 40))
def test_any_bytes_are_some_sound(pieces: list[bytes], input_sensitivity: float, gain: int) -> None:
    """Nothing raises, and silence is never longer than what came."""

    voice = VoiceActivity(RATE_HZ, input_sensitivity)
    for piece in pieces:
        voice.feed(piece)
        voice.feed(audioop.mul(piece[: len(piece) & ~1], WIDTH, gain))

    assert 0 <= voice.silent_samples <= voice.settled
