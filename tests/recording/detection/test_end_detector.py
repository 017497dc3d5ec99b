"""What a call's recordings hear: sounds in, verdicts out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from chalicelib.capture.events import Encoding, Track
from chalicelib.media import codecs
from chalicelib.media.pcm import WIDTH
from chalicelib.media.tones import beep, digit_tone
from chalicelib.recording.detection.end_detector import EndDetector
from chalicelib.recording.detection.end_rules import EndDecision
from chalicelib.recording.detection.track_detector import TrackSource
from chalicelib.recording.lifecycle import Cause
from chalicelib.recording.model import Direction, Interval, Recording, RecordOptions, State
from tests.media.sounds import RATE_HZ, in_noise, noise, quiet, seconds, speech, talk
from tests.samples import T0, a_recording

SECOND = 1_000_000
FRAME = 160
FRAME_US = 20_000
BEGUN_US = round(T0.timestamp() * SECOND)

FIRST = TrackSource(rate_hz=RATE_HZ)


def recording(recording_id: str = "r", **options: Any) -> Recording:
    """Return a recording that began with the call."""
    return replace(
        a_recording(),
        recording_id=recording_id,
        state=State.RECORDING,
        options=RecordOptions(**options),
        started_at=T0,
        intervals=(Interval(),),
    )


def key(digit: str, duration_ms: float = 100) -> bytes:
    """Return a key press."""
    return digit_tone(digit, rate_hz=RATE_HZ, duration_ms=duration_ms)


class Call:
    """A call whose tracks are heard in 20 ms messages."""

    def __init__(self, *recordings: Recording) -> None:
        self.hearing = EndDetector()
        self.now_us = BEGUN_US
        self.verdicts: list[EndDecision] = []
        self.encoding = Encoding.PCMU
        self.attend(*recordings)

    def attend(self, *recordings: Recording) -> None:
        """Say which recordings live."""
        self.hearing.attend(recordings, BEGUN_US)

    def say(
        self,
        inbound: bytes,
        outbound: bytes = b"",
        source: TrackSource = FIRST,
        at_once: bool = False,
    ) -> None:
        """Send sound on the tracks; an empty one sends nothing."""
        size = WIDTH * FRAME
        arrived_us = self.now_us + len(inbound or outbound) // size * FRAME_US
        for begin in range(0, len(inbound or outbound), size):
            self.now_us += FRAME_US
            for track, pcm in ((Track.INBOUND, inbound), (Track.OUTBOUND, outbound)):
                if pcm:
                    self.send(track, pcm[begin : begin + size], source, at_once and arrived_us)

    def send(
        self, track: Track, pcm: bytes, source: TrackSource = FIRST, arrived_us: int = 0
    ) -> None:
        """Send a message of a track."""
        payload = codecs.encode(pcm, self.encoding)
        self.verdicts += self.hearing.hear(
            source, track, payload, self.encoding, arrived_us or self.now_us
        )

    def wait(self, seconds_: float) -> None:
        """Let time pass without media, as the heartbeat tells it."""
        for _ in range(round(seconds_ * 10)):
            self.now_us += 100_000
            self.verdicts += self.hearing.pass_time(self.now_us)

    @property
    def told(self) -> list[tuple[str, Cause, float]]:
        """Return who ended why and when, in seconds of the call, to 10 ms."""
        return [
            (one.recording_id, one.cause, round((one.at_us - BEGUN_US) / SECOND, 2))
            for one in self.verdicts
        ]


# --- digits ---


@pytest.mark.parametrize("digit", "0123456789*#ABCD")
def test_a_tone_ends_a_recording_just_before_it(digit: str) -> None:
    """The end lies at most 35 ms before the tone, and never in it."""

    call = Call(recording(terminators="0123456789*#ABCD"))
    call.say(speech(2, -20) + quiet(0.5) + key(digit) + quiet(0.2))

    (verdict,) = call.verdicts
    assert (Cause.DIGIT, digit) == (verdict.cause, verdict.digit)
    assert 2.465 <= (verdict.at_us - BEGUN_US) / SECOND <= 2.5


@pytest.mark.parametrize("encoding", [Encoding.PCMU, Encoding.PCMA, Encoding.L16])
@pytest.mark.parametrize("twist_db", [-4.0, 0.0, 4.0])
def test_every_digit_ends_a_recording_on_a_bad_line(encoding: Encoding, twist_db: float) -> None:
    """At -20 dBm0, with 15 dB of signal to noise, for 50 ms."""

    missed = []
    for digit in "0123456789*#ABCD":
        tone = digit_tone(digit, rate_hz=RATE_HZ, level_dbm0=-20, twist_db=twist_db, duration_ms=50)
        call = Call(recording(terminators=digit))
        call.encoding = encoding
        call.say(in_noise(quiet(0.5) + tone + quiet(0.41), -35))
        missed += [digit] if [Cause.DIGIT] != [cause for _, cause, _ in call.told] else []

    assert [] == missed


def test_half_an_hour_of_speech_holds_no_digit() -> None:
    """On both tracks, with every digit listed, and voice activity beside it."""

    call = Call(recording(terminators="0123456789*#ABCD", end_silence_timeout_s=60))
    for party, other in zip(
        talk(1800, 5, Track.INBOUND), talk(1800, 5, Track.OUTBOUND), strict=True
    ):
        call.say(party, other)

    assert [] == call.told


def test_other_digits_end_nothing() -> None:
    """And nor does one that is played to the party."""

    call = Call(recording(terminators="#"))
    call.say(quiet(0.5) + key("5") + quiet(0.5), quiet(0.5) + key("#") + quiet(0.5))

    assert [] == call.told


def test_a_mixed_track_is_listened_to() -> None:
    """It is all there is."""

    call = Call(recording(terminators="#"))
    tone = quiet(0.5) + key("#") + quiet(0.5)
    for begin in range(0, len(tone), 2 * FRAME):
        call.now_us += FRAME_US
        call.send(Track.MIXED, tone[begin : begin + 2 * FRAME])

    assert [Cause.DIGIT] == [cause for _, cause, _ in call.told]


def test_a_stream_that_tells_its_digits_is_not_listened_to() -> None:
    """The message ends the recording, the tone doesn't."""

    telling = TrackSource(rate_hz=RATE_HZ, tells_digits=True)
    call = Call(recording(terminators="#"))
    call.say(quiet(0.5) + key("#") + quiet(0.5), source=telling)

    assert [] == call.told
    (verdict,) = call.hearing.press("#", call.now_us)
    assert (Cause.DIGIT, call.now_us, "#") == (verdict.cause, verdict.at_us, verdict.digit)


def test_a_key_that_was_down_when_the_recording_began_is_none_of_its_own() -> None:
    """It was pressed for something else; the next one counts."""

    call = Call()
    call.say(quiet(0.5))
    call.attend(
        replace(recording(terminators="#"), intervals=(Interval(from_us=call.now_us),)),
    )
    call.say(key("#", 300) + quiet(0.3))
    assert [] == call.told
    call.say(key("#") + quiet(0.2))

    assert [Cause.DIGIT] == [cause for _, cause, _ in call.told]


def test_what_a_carrier_delivers_at_once_at_the_beginning_is_heard() -> None:
    """It kept a second and a half until the stream stood, a key press among it. Only then a digit's
    place isn't known yet: the end is late by what still comes."""

    call = Call(recording(terminators="#", initial_timeout_s=1))
    call.say(speech(0.4, -15) + quiet(0.4) + key("#") + quiet(0.6), at_once=True)

    assert [Cause.DIGIT] == [cause for _, cause, _ in call.told]


def test_each_recording_has_its_own_digits() -> None:
    """One tone, two recordings: the one that lists it ends, the other goes on to its own."""

    call = Call(recording("a", terminators="1"), recording("b", terminators="2"))
    call.say(quiet(0.5) + key("1") + quiet(0.5) + key("2") + quiet(0.2))

    assert ["a", "b"] == [recording_id for recording_id, _, _ in call.told]


# --- silence ---


@pytest.mark.parametrize("noise_dbm0", [-90, -60, -45])
def test_silence_after_speech_ends_it(noise_dbm0: float) -> None:
    """The line's own noise is silence; the end lies one timeout behind the last word."""

    call = Call(recording(end_silence_timeout_s=1.5))
    call.say(in_noise(quiet(1) + speech(2, -20) + quiet(3), noise_dbm0))

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 4.2 <= at_s <= 4.52


@pytest.mark.parametrize(
    ("input_sensitivity", "noise_dbm0", "speech_dbm0", "is_heard"),
    [
        (44.0, -60, -30, True),
        (44.0, -60, -50, False),
        (100.0, -70, -50, True),
        (0.0, -60, -30, False),
        (0.0, -40, -12, True),
        (44.0, -35, -20, True),
        (20.0, -40, -20, True),
        (20.0, -40, -35, False),
    ],
)
def test_sensitivity_tells_speech_from_noise(
    input_sensitivity: float, noise_dbm0: float, speech_dbm0: float, is_heard: bool
) -> None:
    """What is below its level is silence, so there is no speech."""

    call = Call(recording(initial_timeout_s=3, input_sensitivity=input_sensitivity))
    call.say(in_noise(quiet(1) + speech(3, speech_dbm0), noise_dbm0))

    assert is_heard is (call.told == [])


def test_steady_noise_is_nobody_speaking() -> None:
    """No louder than a line may be: the end lies where the time was over."""

    call = Call(recording(initial_timeout_s=3))
    call.say(noise(seconds(4), -45))

    assert [("r", Cause.INITIAL_TIMEOUT, 3.0)] == call.told


def test_either_side_may_speak() -> None:
    """Silence on one track alone is none, unless only that one is recorded."""

    call = Call(
        recording("both", initial_timeout_s=2, end_silence_timeout_s=1),
        recording("speak", initial_timeout_s=2, direction=Direction.SPEAK),
        recording("listen", end_silence_timeout_s=1, direction=Direction.LISTEN),
    )
    call.say(quiet(4), speech(4, -20))
    assert [("speak", Cause.INITIAL_TIMEOUT, 2.0)] == call.told
    call.say(quiet(2), quiet(2))

    assert {"both", "listen"} == {who for who, _, _ in call.told[1:]}
    assert all(4.9 <= at_s <= 5.05 for _, _, at_s in call.told[1:])


def test_a_call_that_has_not_begun_is_waited_for() -> None:
    """A stream may stand long before its first sample; so does a recording of one that paused."""

    call = Call(recording(initial_timeout_s=2))
    call.wait(60)
    call.say(quiet(1.9))
    assert [] == call.told
    call.say(quiet(0.3))

    assert [("r", Cause.INITIAL_TIMEOUT, 62.0)] == call.told


def test_a_recording_that_began_in_mid_call_waits_for_its_track() -> None:
    """Its time runs from its own beginning."""

    call = Call(recording(end_silence_timeout_s=60))
    call.say(quiet(5))
    late = replace(
        recording("late", initial_timeout_s=2, direction=Direction.LISTEN),
        intervals=(Interval(from_us=call.now_us),),
    )
    call.attend(recording(end_silence_timeout_s=60), late)
    call.say(quiet(7))
    call.wait(0.1)

    assert [("late", Cause.INITIAL_TIMEOUT, 7.0)] == call.told


def test_its_own_beep_is_nobody_speaking() -> None:
    """What the party hears of it isn't speech; what the party says meanwhile is."""

    asked = recording(initial_timeout_s=3, beep=True)
    tone = quiet(0.3) + beep(RATE_HZ) + quiet(4)
    silent, spoken = Call(asked), Call(asked)
    for call, party in ((silent, quiet(4.8)), (spoken, speech(0.8, -20) + quiet(4))):
        call.hearing.beep("r", call.now_us)
        call.hearing.beep("unknown", call.now_us)
        call.say(party, tone)

    assert [("r", Cause.INITIAL_TIMEOUT, 3.0)] == silent.told
    assert [] == spoken.told


def test_a_recording_of_a_track_that_never_comes_hears_nobody() -> None:
    """Four seconds are waited for its first sample, from the first of the call on."""

    call = Call(recording(initial_timeout_s=2, direction=Direction.LISTEN))
    call.say(quiet(3.5))
    call.wait(1)
    assert [] == call.told
    call.wait(2)

    assert [("r", Cause.INITIAL_TIMEOUT, 2.02)] == call.told


# --- media that doesn't come ---


@pytest.mark.parametrize("stalled_s", [0.5, 1.5, 3.0])
def test_a_stall_ends_nothing(stalled_s: float) -> None:
    """The network holds speech back, longer than the timeout, and then delivers it."""

    call = Call(recording(end_silence_timeout_s=1))
    call.say(speech(2, -20))
    began_us = call.now_us
    call.wait(stalled_s)
    arrived_us, call.now_us = call.now_us, began_us
    said = speech(stalled_s, -20, 2)
    for begin in range(0, len(said), 2 * FRAME):
        call.now_us += FRAME_US
        call.send(Track.INBOUND, said[begin : begin + 2 * FRAME], arrived_us=arrived_us)
    call.say(speech(2, -20, 3))

    assert [] == call.told


def test_silence_in_a_stall_ends_it_where_it_was() -> None:
    """What comes late is judged by when it was said."""

    call = Call(recording(end_silence_timeout_s=1))
    call.say(speech(2, -20))
    call.say(quiet(2.5) + speech(0.5, -20), at_once=True)

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 2.8 <= at_s <= 3.02


def test_media_that_stops_is_silence() -> None:
    """After 4 s without media the recording ends, at the time at which the timeout ran out."""

    call = Call(recording(end_silence_timeout_s=1))
    call.say(speech(2, -20))
    call.wait(3.8)
    assert [] == call.told
    call.wait(0.4)

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 2.8 <= at_s <= 3.02


def test_a_track_that_falls_silent_does_not_hold_up_the_other() -> None:
    """The party's side stops coming (DTX); when the other side has stopped talking, it ends."""

    call = Call(recording(end_silence_timeout_s=1))
    call.say(speech(2, -20), speech(2, -20, 2))
    call.say(b"", speech(3, -20, 3))
    call.say(b"", quiet(3))

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 5.8 <= at_s <= 6.02


def test_a_pause_of_the_carrier_counts_as_silence_when_it_is_proven() -> None:
    """A hole of 1.5 s and silence behind it: 2 s after it the clock knows."""

    call = Call(recording(end_silence_timeout_s=3))
    call.say(speech(2, -20))
    call.wait(1.5)
    call.say(quiet(2.5))

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 4.8 <= at_s <= 5.02


@pytest.mark.parametrize("seed", range(8))
def test_a_bad_network_ends_nothing_early(seed: int) -> None:
    """A minute of talk with pauses up to 1.2 s, jitter up to 200 ms and stalls up to 3 s: the
    recording ends 2 s after the last word, not before."""

    dice = Random(seed)
    said = b"".join(talk(60, seed, Track.INBOUND)) + quiet(6)
    call = Call(recording(end_silence_timeout_s=2))
    arrived_us = stalled_until_us = 0
    for begin in range(0, len(said), WIDTH * FRAME):
        call.now_us += FRAME_US
        if dice.random() < 0.003:
            stalled_until_us = call.now_us + dice.randrange(3 * SECOND)
        late_us = call.now_us + dice.randrange(200_000)
        arrived_us = max(arrived_us, late_us, stalled_until_us)
        call.send(Track.INBOUND, said[begin : begin + WIDTH * FRAME], arrived_us=arrived_us)

    ((_, cause, at_s),) = call.told
    assert Cause.END_SILENCE is cause
    assert 60 <= at_s <= 62.3


def test_who_missed_the_beginning_never_says_that_nobody_spoke() -> None:
    """Silence after it may still end the recording."""

    call = Call(recording("a", initial_timeout_s=2), recording("b", end_silence_timeout_s=2))
    call.hearing.miss_beginning()
    call.say(quiet(4))

    assert ["b"] == [who for who, _, _ in call.told]


# --- streams that end and begin ---


def test_time_without_a_stream_is_not_waited_through() -> None:
    """Ten seconds between two streams end nothing; the silence after them does."""

    call = Call(recording(end_silence_timeout_s=2))
    call.say(speech(2, -20))
    call.hearing.leave(FIRST)
    call.wait(10)
    call.say(quiet(3), source=TrackSource(rate_hz=RATE_HZ))

    assert [("r", Cause.END_SILENCE, 14.02)] == call.told


def test_a_stream_that_ended_does_not_hold_up_the_other() -> None:
    """One tap of two is over: the other side alone tells."""

    call = Call(recording(end_silence_timeout_s=1))
    other = TrackSource(rate_hz=RATE_HZ)
    call.say(speech(2, -20))
    call.now_us = BEGUN_US
    call.say(b"", speech(2, -20, 2), source=other)
    call.hearing.leave(FIRST)
    call.say(b"", quiet(1.3), source=other)

    assert [Cause.END_SILENCE] == [cause for _, cause, _ in call.told]


def test_another_stream_of_a_track_changes_other_tracks_nothing() -> None:
    """A recording that doesn't follow the track waits on."""

    call = Call(recording(initial_timeout_s=3, direction=Direction.LISTEN))
    call.attend(
        recording(initial_timeout_s=3, direction=Direction.LISTEN), recording("d", terminators="#")
    )
    call.say(quiet(2), quiet(2))
    call.say(quiet(0.5), source=TrackSource(rate_hz=RATE_HZ))
    call.now_us -= round(0.5 * SECOND)
    call.say(b"", quiet(1.1))

    assert [("r", Cause.INITIAL_TIMEOUT, 3.0)] == call.told


# --- pauses, and who listens ---


def test_pauses_are_heard_by_nobody() -> None:
    """Speech and digits in them count for nothing, and their time neither."""

    asked = recording(initial_timeout_s=3, terminators="#")
    call = Call(asked)
    call.say(quiet(2))
    paused_us = call.now_us
    call.attend(
        replace(asked, state=State.PAUSED, intervals=(Interval(to_us=paused_us),)),
    )
    assert not call.hearing.is_listening
    call.say(speech(5, -20) + key("#") + quiet(0.1))
    call.attend(
        replace(
            asked, intervals=(Interval(to_us=paused_us), Interval(from_us=call.now_us)), version=9
        )
    )
    resumed_s = (call.now_us - BEGUN_US) / SECOND
    call.say(quiet(1.2))

    assert [("r", Cause.INITIAL_TIMEOUT, round(resumed_s + 1, 2))] == call.told


def test_who_asks_for_nothing_is_not_listened_for() -> None:
    """No detector runs, so the call needs no listener."""

    call = Call(recording())

    assert not call.hearing.is_listening
    assert call.hearing.listens_from_us is None
    call.say(key("#"))
    assert [] == call.told


def test_a_recording_that_ended_is_not_listened_for_again() -> None:
    """Though the database may call it live for a while."""

    asked = recording(terminators="#")
    call = Call(asked)
    call.say(quiet(0.5) + key("#") + quiet(0.3))
    call.attend(asked)
    call.say(key("#") + quiet(0.3))

    assert 1 == len(call.told)


def test_a_recording_that_began_elsewhere_is_never_called_unheard() -> None:
    """Another worker had it for a minute: there may have been speech."""

    older = replace(recording(initial_timeout_s=3), started_at=T0 - timedelta(minutes=1))
    call = Call(older)
    call.say(quiet(5))

    assert [] == call.told


def test_it_is_known_from_when_on_somebody_listens() -> None:
    """A recording that listens from the first sample detects everything."""

    begun = replace(recording("a", terminators="#"), intervals=(Interval(from_us=7),))
    whole = recording("b", terminators="#")

    assert 7 == Call(begun).hearing.listens_from_us
    assert Call(begun, whole).hearing.listens_from_us is None


def test_a_recording_without_intervals_begins_with_the_call() -> None:
    """So do rows of an earlier version; the time of creation is used instead."""

    old = replace(recording(initial_timeout_s=3), intervals=(), started_at=None, created_at=T0)
    call = Call(old)
    call.say(quiet(3.2))

    assert [("r", Cause.INITIAL_TIMEOUT, 3.0)] == call.told
