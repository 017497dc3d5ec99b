"""The end of a finalization: published once, empty, or failed three times."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.capture.events import Track
from chalicelib.errors import CorruptContainer, IllegalTransition, NotFound, Unavailable
from chalicelib.recording import keys
from chalicelib.recording.manifest import (
    Manifest,
    ManifestCall,
    ManifestRendition,
    encode_manifest,
)
from chalicelib.recording.model import (
    Ending,
    Format,
    Gap,
    Interval,
    Quality,
    RecordingOrigin,
    RecordOptions,
    State,
)
from chalicelib.recording.renditions import MEDIA_KEPT
from chalicelib.services.finalization.prove import prove
from chalicelib.services.finalization.publish import (
    MAX_GAPS,
    Publishing,
    mark_error,
    publish,
    publish_empty,
)
from tests.fake_signer import FakeSigner, unsigned
from tests.fakes_media import FakeRenditionStore
from tests.samples import CALL, T0, a_joining, a_profile, later
from tests.services.core_desk import PUBLIC_URL, Desk

KEY = "recordings/main/r/recording.wav"
SIZE = 248_320


class Publisher:
    """A desk whose call is over, with what Assemble stored."""

    def __init__(self, **profile: Any) -> None:
        self.desk = Desk(a_profile(**profile))
        control = self.desk.control
        control.join_call(a_joining())
        control.end_stream(CALL, "stream-1", Ending.STOPPED, later(15.5))
        control.close_call(CALL, 1, later(15.5))
        self.recording_id = self.desk.recording().recording_id
        self.store = FakeRenditionStore()
        self.signer = FakeSigner()
        self.overtaken = ""
        self.at = later(20)
        self.needs = Publishing(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            renditions=self.desk.core.faults.wrap(self.store),
            signer=self.desk.core.faults.wrap(self.signer),
            now=lambda: self.at,
        )

    def assembled(self, **changes: Any) -> None:
        """Store a rendition and its manifest."""
        self.store.objects[KEY] = bytes(SIZE)
        manifest = replace_struct(a_manifest(self.recording_id), **changes)
        key = keys.manifest_key("main", self.recording_id)
        self.store.put_text(key, encode_manifest(manifest), {})

    def overtake(self) -> None:
        """Store and prove what another execution made of more media."""
        self.assembled(quality=Quality(messages_received=776))
        key = keys.manifest_key("main", self.recording_id)
        self.overtaken = self.store.get_text(key)
        prove(self.desk.recording(), self.overtaken, self.store, self.signer)


def replace_struct(manifest: Manifest, **changes: Any) -> Manifest:
    """Return a manifest with some fields changed."""
    fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
    return Manifest(**(fields | changes))


def a_rendition(**changes: Any) -> ManifestRendition:
    """Return what a manifest says of a rendition."""
    fields = {
        "format": Format.WAV,
        "key": KEY,
        "size": SIZE,
        "duration_ms": 15_500,
        "channels": 1,
        "sha256": "ab",
    }
    return ManifestRendition(**(fields | changes))


def a_manifest(recording_id: str) -> Manifest:
    """Return the manifest of a recording of 15.5 s with one gap."""
    return Manifest(
        recording_id=recording_id,
        control_id="c",
        call=ManifestCall(account="main", carrier="bandwidth", call_id="c-1", round=1),
        continues="",
        profile="front",
        source=RecordingOrigin.STREAM,
        labels={},
        options=RecordOptions(),
        started_at=T0,
        ended_at=later(15.5),
        reason="call_closed",
        intervals=(Interval(),),
        origin_us=0,
        rate_hz=8000,
        samples=124_000,
        note="",
        streams=(),
        gaps=(a_gap(40),),
        quality=Quality(messages_received=775),
        renditions=(a_rendition(),),
        objects=(),
    )


def a_gap(duration_ms: float, offset_ms: float = 0) -> Gap:
    """Return a hole in the inbound track."""
    return Gap(track=Track.INBOUND, offset_ms=offset_ms, duration_ms=duration_ms, reason="hole")


def finished_body(publisher: Publisher) -> dict[str, Any]:
    """Return the body of the last callback."""
    rows = publisher.desk.core.outbox.rows(publisher.recording_id)
    body: dict[str, Any] = json.loads(rows[-1].body)
    return body


class TestPublishing:
    """publish."""

    def test_finishes_with_what_was_made(self) -> None:
        """State, rendition, gaps and quality come in one write, and why it ended stays."""

        publisher = Publisher()
        publisher.assembled()
        finished = publish(publisher.recording_id, publisher.needs)
        (rendition,) = finished.renditions
        assert (State.FINISHED, "call_closed", publisher.at + MEDIA_KEPT) == (
            finished.state,
            finished.reason,
            finished.due_at,
        )
        assert (KEY, SIZE, 15_500, later(20)) == (
            rendition.key,
            rendition.size,
            rendition.duration_ms,
            rendition.created_at,
        )
        assert ((a_gap(40),), 775) == (finished.gaps, finished.quality.messages_received)  # type: ignore[union-attr]

    def test_says_that_the_carrier_sent_both_sides_as_one(self) -> None:
        """What the plan noted stands in the row."""

        publisher = Publisher()
        publisher.assembled(note="mixed_source")
        assert "mixed_source" == publish(publisher.recording_id, publisher.needs).note

    def test_owes_finished_with_its_record(self) -> None:
        """The callback after `recording` says where the audio is, how long, how large, how made."""

        publisher = Publisher()
        publisher.assembled()
        publish(publisher.recording_id, publisher.needs)
        assert ["recording", "finished"] == publisher.desk.told()
        assert {
            "url": f"{PUBLIC_URL}/v1/recordings/{publisher.recording_id}/download",
            "duration": 15.5,
            "size": SIZE,
            "format": "wav",
        } == finished_body(publisher)["params"]["record"]

    def test_gives_a_token_where_the_profile_asks_for_it(self) -> None:
        """A profile with tokened URLs gets a download URL that opens without a key."""

        publisher = Publisher(tokened_url=True)
        publisher.assembled()
        publish(publisher.recording_id, publisher.needs)
        assert finished_body(publisher)["params"]["record"]["url"].endswith("/download/token-1200")

    def test_publishes_once(self) -> None:
        """A second publication changes nothing and owes nothing."""

        publisher = Publisher()
        publisher.assembled()
        first = publish(publisher.recording_id, publisher.needs)
        publisher.at = later(30)
        assert first == publish(publisher.recording_id, publisher.needs)
        assert ["recording", "finished"] == publisher.desk.told()

    def test_keeps_the_longest_gaps_in_the_row(self) -> None:
        """A row has room for so many gaps: the longest ones stay, in their order."""

        publisher = Publisher()
        gaps = tuple(a_gap(40 + n, offset_ms=n) for n in range(MAX_GAPS + 5))
        publisher.assembled(gaps=gaps)
        assert gaps[5:] == publish(publisher.recording_id, publisher.needs).gaps

    @pytest.mark.parametrize(
        "changes",
        [
            {"recording_id": "another"},
            {"renditions": (a_rendition(format=Format.MP3),)},
            {"renditions": (a_rendition(size=SIZE + 1),)},
            {"renditions": (a_rendition(size=SIZE - 1),)},
        ],
    )
    def test_believes_no_manifest_that_the_store_contradicts(self, changes: Any) -> None:
        """Another's manifest, another format, another size: nothing is announced."""

        publisher = Publisher()
        publisher.assembled(**changes)
        with pytest.raises(CorruptContainer):
            publish(publisher.recording_id, publisher.needs)
        assert ["finalizing"] == publisher.desk.states()

    def test_needs_the_manifest(self) -> None:
        """What isn't stored isn't announced."""

        publisher = Publisher()
        with pytest.raises(NotFound):
            publish(publisher.recording_id, publisher.needs)

    def test_refuses_what_still_records(self) -> None:
        """A live recording has no end to publish."""

        publisher = Publisher()
        publisher.assembled()
        store = publisher.desk.core.store.recordings
        live = replace(store[publisher.recording_id], state=State.RECORDING)
        store[publisher.recording_id] = live
        with pytest.raises(IllegalTransition):
            publish(publisher.recording_id, publisher.needs)

    def test_ends_an_empty_one_in_error(self) -> None:
        """A capture without a sample is the error `empty`, told once."""

        publisher = Publisher()
        for _ in range(2):
            ended = publish_empty(publisher.recording_id, publisher.needs)
            assert (State.ERROR, "empty") == (ended.state, ended.reason)
        assert ["recording", "error"] == publisher.desk.told()

    @pytest.mark.parametrize("acts", [False, True])
    def test_ends_the_same_after_a_fault_at_any_call(self, acts: bool) -> None:
        """A death before or after any port call, then again: one state, one callback."""

        smooth = Publisher()
        smooth.assembled()
        begun = smooth.desk.core.faults.calls
        publish(smooth.recording_id, smooth.needs)
        for n in range(1, smooth.desk.core.faults.calls - begun + 1):
            publisher = Publisher()
            publisher.assembled()
            faults = publisher.desk.core.faults
            (faults.after if acts else faults.before)(n)
            again(lambda p=publisher: publish(p.recording_id, p.needs))  # type: ignore[misc]
            assert smooth.desk.core.store.recordings == publisher.desk.core.store.recordings
            assert smooth.desk.core.store.outbox == publisher.desk.core.store.outbox
            assert unsigned(smooth.store.objects) == unsigned(publisher.store.objects)


def again(step: Any) -> None:
    """Run a step as Step Functions does: again after Unavailable."""
    for _ in range(4):
        try:
            step()
        except Unavailable:
            continue
        return
    raise AssertionError("never available")


class TestFailing:
    """mark_error."""

    def test_waits_before_the_next_attempt(self) -> None:
        """A first failure is noted, and the second attempt is due in a minute."""

        publisher = Publisher()
        failed = mark_error(publisher.recording_id, 1, "Unavailable", publisher.needs)
        assert (State.FINALIZING, 2, later(80)) == (failed.state, failed.attempt, failed.due_at)
        last = publisher.desk.core.history.events(publisher.recording_id)[-1]
        assert ("attempt_failed", "Unavailable") == (last.event, last.detail["error"])

    def test_gives_up_after_the_third(self) -> None:
        """The third failure is the end: error, told once, and the media stays."""

        publisher = Publisher()
        for attempt in (1, 2, 3, 3):
            ended = mark_error(publisher.recording_id, attempt, "Unavailable", publisher.needs)
        assert (State.ERROR, "finalization_failed") == (ended.state, ended.reason)
        assert ["recording", "error"] == publisher.desk.told()

    def test_leaves_a_later_attempt_alone(self) -> None:
        """A failure that is told late, or twice, doesn't count twice."""

        publisher = Publisher()
        mark_error(publisher.recording_id, 1, "Unavailable", publisher.needs)
        again_ = mark_error(publisher.recording_id, 1, "Unavailable", publisher.needs)
        assert 2 == again_.attempt

    def test_leaves_what_finished_alone(self) -> None:
        """An attempt that failed beside one that succeeded changes nothing."""

        publisher = Publisher()
        publisher.assembled()
        publish(publisher.recording_id, publisher.needs)
        ended = mark_error(publisher.recording_id, 1, "Unavailable", publisher.needs)
        assert State.FINISHED == ended.state
