"""Another format of a finished recording, made of the same media, by the same finalization."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from chalicelib.adapters.encoder import FileEncoder
from chalicelib.errors import CallerError, CorruptContainer, Gone, TapedeckError
from chalicelib.ports.aws import Encoder, Workflows
from chalicelib.recording import erasure, keys
from chalicelib.recording.model import Format, Recording, RecordingOrigin, State
from chalicelib.recording.outbox import RecordingEvent
from chalicelib.recording.renditions import MEDIA_KEPT
from chalicelib.services.finalization.assemble import Outcome, assemble
from chalicelib.services.finalization.extra_formats import parse_wish, request_rendition
from chalicelib.services.finalization.publish import (
    Publishing,
    fail_attempt,
    publish,
    publish_empty,
)
from chalicelib.services.recovery.overdue import OverdueHandler
from tests.assembling import RECORDING
from tests.captured import CALL, Tape, two_tracks
from tests.fake_signer import FakeSigner, proven, unsigned
from tests.fakes_media import FakeMediaStore, FakeRenditionStore
from tests.samples import a_call, a_profile, later
from tests.services.core_desk import Desk, an_erasing
from tests.services.written_first import WrittenFirst

SECONDS = 3
STATUS_URL = "https://customer.example/status"


class Studio:
    """A call of three seconds on two tracks, its recording, and all that finalizes it."""

    def __init__(self) -> None:
        self.desk = Desk(a_profile())
        self.media, self.store = FakeMediaStore(), FakeRenditionStore()
        self.signer = FakeSigner()
        self.now = later(0)
        tape = Tape(media=self.media)
        self.sent = two_tracks(tape, SECONDS)
        tape.close_segment()
        core = self.desk.core
        core.store.streams[CALL.key, "s1"] = tape.row()
        core.store.calls[CALL.key] = a_call(ref=CALL, open=False)
        first = replace(RECORDING, attempt=1, status_url=STATUS_URL)
        event = RecordingEvent(recording_id="r-1", at=later(0), event="created")
        core.recordings.create(first, event, None)
        wrap = core.faults.wrap
        self.publishing = Publishing(
            calls=core.calls,
            transitions=self.desk.transitions,
            renditions=wrap(self.store),
            signer=wrap(self.signer),
            now=lambda: self.now,
        )
        self.encoder: Encoder = FileEncoder()

    @property
    def row(self) -> Recording:
        """Return the recording as stored."""
        return self.desk.core.store.recordings["r-1"]

    def manifest(self) -> str:
        """Return the stored manifest."""
        return self.store.get_text("recordings/main/r-1/manifest.json")

    def change(self, **facts: Any) -> None:
        """Change the row behind everybody's back."""
        self.desk.core.store.recordings["r-1"] = replace(self.row, **facts)

    def ask(self, format_: Format = Format.MP3, workflows: Workflows | None = None) -> Recording:
        """Ask for a format."""
        return request_rendition(
            "r-1",
            format_,
            recordings=self.desk.core.recordings,
            workflows=workflows or self.desk.transitions.workflows,
            now=self.now,
        )

    def execute(self, attempt: int) -> None:
        """Run an execution as Step Functions does: each step again until it succeeds."""
        if _again(lambda: self.assemble(attempt)) is Outcome.EMPTY:
            _again(lambda: publish_empty("r-1", self.publishing))
        else:
            _again(lambda: publish("r-1", self.publishing))

    def assemble(self, attempt: int = 1) -> Outcome:
        """Run the first half."""
        core = self.desk.core
        return assemble(
            "r-1",
            attempt,
            recordings=core.recordings,
            calls=core.calls,
            media=core.faults.wrap(self.media),
            renditions=core.faults.wrap(self.store),
            encoder=self.encoder,
            now=lambda: self.now,
        ).outcome

    def finish(self) -> Recording:
        """Finish it, as WAV."""
        self.execute(1)
        return self.row

    def look(self, after: timedelta) -> str:
        """Let the sweeper look after the recording."""
        late = OverdueHandler(
            control=self.desk.control,
            outbox=self.desk.core.outbox,
            erasing=an_erasing(self.desk.core, self.media),
            mailbox=self.desk.core.mailbox,
        )
        return late.recording("r-1", self.now + after)

    def events(self) -> list[str]:
        """Return what happened."""
        return [event.event for event in self.desk.core.history.events("r-1")]


def _again(step: Callable[[], Any]) -> Any:
    for _ in range(3):
        try:
            return step()
        except TapedeckError as error:
            last = error
    raise last


def samples(audio: bytes, folder: Path) -> bytes:
    """Decode as any player does; return pcm of two channels at 8 kHz."""
    path = folder / "audio"
    path.write_bytes(audio)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)]
    command += ["-f", "s16le", "-ac", "2", "-ar", "8000", "-"]
    said = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return said.stdout


@pytest.mark.parametrize("format_", [Format.MP3, Format.MP4])
def test_another_format_says_the_same(format_: Format, tmp_path: Path) -> None:
    """Decoded, it is as long as the WAV; it stands beside it, and no callback tells of it."""

    studio = Studio()
    wav = studio.finish().renditions[0]
    told = studio.desk.told()

    asked = studio.ask(format_)
    studio.execute(asked.attempt)

    assert (State.FINISHED, format_, 2) == (asked.state, asked.making, asked.attempt)
    assert [("r-1", 2)] == studio.desk.workflows.finalizations
    assert {wav.format, format_} == {made.format for made in studio.row.renditions}
    assert (None, wav) == (studio.row.making, studio.row.renditions[-1])
    assert told == studio.desk.told()
    assert ["finished", "rendition_requested", "rendition_made"] == studio.events()[-3:]
    body = studio.store.objects[keys.rendition_key("main", "r-1", format_)]
    expected = samples(studio.store.objects[wav.key], tmp_path)
    assert abs(len(samples(body, tmp_path)) - len(expected)) // 4 <= 160


def test_a_wav_made_later_is_the_wav_made_first() -> None:
    """The media decides, not the moment: bit for bit."""

    first, later_on = Studio(), Studio()
    options = replace(RECORDING.options, format=Format.MP3)
    later_on.change(options=options)
    for studio in (first, later_on):
        studio.finish()
    later_on.execute(later_on.ask(Format.WAV).attempt)

    key = keys.rendition_key("main", "r-1", "wav")
    assert first.store.objects[key] == later_on.store.objects[key]


def test_asking_again_changes_nothing() -> None:
    """While it is made, and when it is there."""

    studio = Studio()
    studio.finish()

    asked = studio.ask()
    assert asked == studio.ask()
    studio.execute(asked.attempt)
    ready = studio.row

    assert ready == studio.ask()
    assert ready == studio.ask(Format.WAV)
    assert [("r-1", 2)] == studio.desk.workflows.finalizations


def refused(studio: Studio, format_: Format = Format.MP3) -> tuple[type[CallerError], str]:
    with pytest.raises(CallerError) as error:
        studio.ask(format_)
    return type(error.value), error.value.code


def test_a_format_is_made_when_its_row_says_so() -> None:
    """An execution that began before would find a recording that wants nothing."""

    studio = Studio()
    studio.finish()
    workflows = WrittenFirst(studio.desk.core.store)

    studio.ask(workflows=workflows)

    assert [("r-1", 2)] == workflows.finalizations
    assert [] == workflows.early


def test_one_format_is_made_at_a_time() -> None:
    """The other one is asked for a little later."""

    studio = Studio()
    studio.finish()
    studio.ask()

    assert "rendition_in_progress" == refused(studio, Format.MP4)[1]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"state": State.RECORDING, "renditions": ()}, "not_finished"),
        ({"state": State.FINALIZING, "renditions": ()}, "not_finished"),
        ({"state": State.ERROR, "renditions": ()}, "no_audio"),
        ({"state": State.NO_INPUT, "renditions": ()}, "no_audio"),
        ({"source": RecordingOrigin.CARRIER}, "carrier_file"),
        ({"released_at": later(1)}, "media_gone"),
    ],
)
def test_what_has_no_media_of_ours_is_refused(facts: dict[str, Any], code: str) -> None:
    """With a code that says why."""

    studio = Studio()
    studio.finish()
    studio.change(**facts)

    assert code == refused(studio)[1]


def test_after_a_week_the_media_is_gone() -> None:
    """410 from then on, and the sweeper deletes it."""

    studio = Studio()
    studio.finish()
    studio.now += MEDIA_KEPT

    assert (Gone, "media_gone") == refused(studio)

    assert "media_released" == studio.look(timedelta())
    assert {} == studio.media.objects
    assert (None, ["media_released", "media_left"]) == (studio.row.due_at, studio.events()[-2:])


def test_the_media_of_a_call_with_one_recording_goes_by_its_names() -> None:
    """Nothing is listed or read: nobody else shows it, nobody redacted it."""

    studio = Studio()
    key = (CALL.key, "s1")
    rows = studio.desk.core.store.streams
    rows[key] = replace(rows[key], segments=(0, 1))
    studio.finish()
    studio.now += MEDIA_KEPT
    segments = set(studio.media.keys(keys.segments_prefix(CALL.key)))
    studio.media.reads.clear()
    studio.media.listed.clear()

    assert "media_released" == studio.look(timedelta())
    assert not segments & studio.media.objects.keys()
    assert ([], []) == (studio.media.reads, studio.media.listed)


@pytest.mark.parametrize("round_", [1, 2])
def test_names_say_nothing_of_a_call_with_more(round_: int) -> None:
    """Another round's streams, or another recording, may have the same worker's segments."""

    studio = Studio()
    key = (CALL.key, "s1")
    rows = studio.desk.core.store.streams
    rows[key] = replace(rows[key], segments=(0, 1))
    rows[CALL.key, "s2"] = replace(rows[key], stream_key="s2", round=round_)
    other = replace(studio.finish(), recording_id="other", round=round_)
    studio.desk.core.store.recordings["other"] = other
    studio.now += MEDIA_KEPT
    before = dict(studio.media.objects)

    studio.look(timedelta())
    assert (round_ == 1) == (before == studio.media.objects)
    assert [] != studio.media.listed or round_ == 1


def test_media_that_somebody_else_shows_is_kept_until_they_go() -> None:
    """The last one takes it with it, whichever that is."""

    studio = Studio()
    other = replace(studio.finish(), recording_id="other")
    studio.desk.core.store.recordings["other"] = other
    studio.now += MEDIA_KEPT
    before = dict(studio.media.objects)

    studio.look(timedelta())
    assert before == studio.media.objects

    studio.desk.core.store.recordings["r-1"], studio.desk.core.store.recordings["other"] = (
        replace(other, recording_id="r-1"),
        replace(studio.row, recording_id="other"),
    )
    studio.look(timedelta())
    assert {} == studio.media.objects


def test_media_that_is_not_the_same_any_more_makes_nothing() -> None:
    """Neither shorter audio nor holes where sound was; what is there stays as it is."""

    studio = Studio()
    before = studio.finish().renditions
    studio.ask()
    longer = Tape(media=studio.media, segments=7)
    two_tracks(longer, SECONDS + 1)
    longer.close_segment()

    with pytest.raises(CorruptContainer):
        studio.assemble(2)
    fail(studio, 2, "CorruptContainer")

    assert (None, before) == (studio.row.making, studio.row.renditions)
    assert "rendition_failed" == studio.events()[-1]
    assert 3 == studio.ask().attempt


def fail(studio: Studio, attempt: int, error: str) -> None:
    fail_attempt(
        "r-1",
        attempt,
        error,
        calls=studio.desk.core.calls,
        transitions=studio.desk.transitions,
        at=studio.now,
    )


def test_media_that_vanished_makes_nothing() -> None:
    """An empty plan is no rendition."""

    studio = Studio()
    studio.finish()
    studio.media.objects.clear()
    studio.execute(studio.ask().attempt)

    assert (State.FINISHED, None) == (studio.row.state, studio.row.making)
    assert "rendition_failed" == studio.events()[-1]


def test_the_sweeper_starts_it_again_and_gives_it_up_in_the_end() -> None:
    """An execution that never began, and one that never ends."""

    studio = Studio()
    studio.finish()
    studio.ask()

    assert "finalizations_started" == studio.look(timedelta(minutes=3))
    assert "finalizations_lost" == studio.look(timedelta(minutes=20))

    assert (None, studio.now + MEDIA_KEPT) == (studio.row.making, studio.row.due_at)


def test_one_that_is_erased_while_it_is_made_stores_nothing() -> None:
    """The row is looked at again when the file is ready."""

    studio = Studio()
    studio.finish()
    attempt = studio.ask().attempt
    before = dict(studio.store.objects)

    class Meanwhile(FileEncoder):
        def encode(self, *args: Any) -> Any:
            studio.change(**erased(studio))
            return super().encode(*args)

    studio.encoder = Meanwhile()
    studio.execute(attempt)

    assert before == studio.store.objects


def erased(studio: Studio) -> dict[str, Any]:
    row = erasure.tombstone(studio.row, studio.now)
    return {name: getattr(row, name) for name in Recording.__slots__}


def test_one_that_is_stored_after_its_erasure_is_erased_again() -> None:
    """The execution's own end makes the sweeper look at once."""

    studio = Studio()
    studio.finish()
    tombstone = erasure.tombstone(studio.row, studio.now)
    assert tombstone.erasure is not None
    ended = replace(tombstone.erasure, ended_at=studio.now)
    studio.change(**{**erased(studio), "erasure": ended, "due_at": later(9999)})

    publish("r-1", studio.publishing)

    assert studio.now == studio.row.due_at


def test_an_earlier_executions_manifest_is_not_mistaken() -> None:
    """It names what it made; the format that was asked for since is still on its way."""

    studio = Studio()
    studio.finish()
    studio.ask()

    publish("r-1", studio.publishing)

    assert Format.MP3 is studio.row.making


@pytest.mark.parametrize("acts", [True, False])
def test_a_fault_at_any_call_changes_nothing_in_the_end(acts: bool) -> None:
    """Asking and making may die after each line and begin again."""

    def made(at: int) -> tuple[Studio, int]:
        studio = Studio()
        studio.finish()
        before = studio.desk.core.faults.calls
        if at:
            (studio.desk.core.faults.after if acts else studio.desk.core.faults.before)(at)
        studio.execute(_again(studio.ask).attempt)
        return studio, studio.desk.core.faults.calls - before

    whole, calls = made(0)
    for at in range(1, calls + 1):
        studio, _ = made(at)
        assert unsigned(whole.store.objects) == unsigned(studio.store.objects)
        assert studio.manifest() == proven(studio.store.objects, "main", "r-1").manifest
        assert (whole.row, whole.events()) == (studio.row, studio.events()), at


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "wrong_type"), ({"format": "ogg"}, "out_of_range"), ({"as": "mp3"}, "unknown_property")],
)
def test_a_wrong_wish_names_its_key(body: dict[str, object], code: str) -> None:
    """As all properties do."""

    with pytest.raises(CallerError) as refused:
        parse_wish(body)

    assert code == refused.value.code
