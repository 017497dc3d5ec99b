"""A carrier's file becomes a recording as it is, or its loss has a name."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from chalicelib.errors import (
    CarrierUnavailable,
    Forbidden,
    NotFound,
    TapedeckError,
    TooLarge,
    Unavailable,
    UrlRefused,
)
from chalicelib.recording import keys
from chalicelib.recording.manifest import parse_manifest
from chalicelib.recording.model import Format, RecordingOrigin, State
from chalicelib.services.finalization.attempts import FETCH_WAITS
from chalicelib.services.finalization.fetch_carrier_recording import SETTLED_ATTEMPT, fetch
from chalicelib.services.finalization.retry import retry
from chalicelib.services.recovery.overdue import OverdueHandler
from tests.carrier_host import AUDIO, URL, a_wav, an_available
from tests.samples import a_profile, later
from tests.services.core_desk import an_erasing
from tests.services.fetching_desk import AUTHORIZATION, FetchingDesk

MP3_FRAME = b"\xff\xe3\x18\xc4" + bytes(68)
"""72 ms at 8 kHz and 8 kbit/s"""


def announced(**changes: Any) -> FetchingDesk:
    """Return a desk at which a file was announced."""
    desk = FetchingDesk()
    desk.take(an_available(**changes))
    return desk


def body(desk: FetchingDesk) -> dict[str, Any]:
    """Return the last callback's body."""
    rows = desk.desk.core.outbox.rows(desk.recording().recording_id)
    said: dict[str, Any] = json.loads(rows[-1].body)
    return said


def manifest_of(desk: FetchingDesk) -> Any:
    key = keys.manifest_key("main", desk.recording().recording_id)
    return parse_manifest(desk.store.get_text(key))


class TestGood:
    """What goes well."""

    def test_the_file_is_kept_as_it_is(self) -> None:
        """The rendition has the carrier's bytes, the recording what they are and who heard them."""

        desk = announced()

        desk.execute()

        recording = desk.recording()
        (rendition,) = recording.renditions
        assert (State.FINISHED, RecordingOrigin.CARRIER, "carrier_finished") == (
            recording.state,
            recording.source,
            recording.reason,
        )
        assert AUDIO == desk.store.objects[rendition.key]
        assert (Format.WAV, len(AUDIO), 1000, 2) == (
            rendition.format,
            rendition.size,
            rendition.duration_ms,
            rendition.channels,
        )
        assert (later(59), later(60)) == (recording.started_at, recording.ended_at)
        assert 0 == desk.downloads.open

    def test_one_callback_says_finished(self) -> None:
        """With the shape of any other recording's, the carrier's node and its own control id."""

        desk = announced()

        desk.execute()

        assert ["finished"] == desk.desk.told()
        params = body(desk)["params"]
        assert ("node-7", "r-1") == (params["node_id"], params["control_id"])
        assert (1.0, len(AUDIO), "wav") == (
            params["record"]["duration"],
            params["record"]["size"],
            params["record"]["format"],
        )

    def test_the_manifest_says_where_it_came_from(self) -> None:
        """Announced and found stand beside each other; what could open the URL doesn't."""

        desk = FetchingDesk()
        url = URL + "?token=secret"
        desk.downloads.held[url] = AUDIO
        desk.take(an_available(url=url))

        desk.execute()

        told = manifest_of(desk)
        assert (RecordingOrigin.CARRIER, URL, "r-1", 1.0) == (
            told.source,
            told.fetched.url,
            told.fetched.carrier_recording_id,
            told.fetched.duration_s,
        )
        assert (8000, 8000, True, "") == (
            told.rate_hz,
            told.samples,
            told.options.stereo,
            told.quality.degraded,
        )
        media = desk.recording().carrier_media
        assert media is not None
        assert URL == media.url
        assert [(url, AUTHORIZATION)] == desk.downloads.asked

    @pytest.mark.parametrize("said", ["wav", "", "ogg", "MP3"])
    def test_what_it_is_counts_not_what_was_said(self, said: str) -> None:
        """An MP3 that was announced as something else is an MP3; unsaid facts aren't missed."""

        desk = FetchingDesk()
        desk.downloads.held[URL] = MP3_FRAME * 50
        desk.take(an_available(format=said, channels=None, duration_s=None, size=None))

        desk.execute()

        recording = desk.recording()
        assert (State.FINISHED, Format.MP3, False) == (
            recording.state,
            recording.options.format,
            recording.options.stereo,
        )
        assert 3600 == recording.renditions[0].duration_ms

    def test_retention_is_the_profile_s(self) -> None:
        """The object carries its tag."""

        desk = FetchingDesk(a_profile(retention_days=30))
        desk.take(an_available())

        desk.execute()

        assert {"retention_days": "30"} == desk.store.tags[desk.recording().renditions[0].key]

    def test_twice_is_once(self) -> None:
        """An attempt that runs again, or after the end, stores and tells nothing more."""

        desk = announced()
        desk.execute()
        writes = list(desk.store.writes)

        desk.execute()

        assert (writes, ["finished"]) == (desk.store.writes, desk.desk.told())


FINAL = [
    (NotFound("HTTP 410", code="gone"), "carrier_media_gone"),
    (Forbidden("HTTP 401"), "carrier_media_refused"),
    (UrlRefused("recording_url refused (host): …"), "carrier_url_refused"),
    (TooLarge("3 GiB"), "carrier_media_too_large"),
]


class TestLost:
    """What will never come."""

    @pytest.mark.parametrize(("answer", "reason"), FINAL)
    def test_it_is_told_at_once(self, answer: Exception, reason: str) -> None:
        """One attempt, one callback, a stable reason, and the fact in the history."""

        desk = announced()
        desk.downloads.held[URL] = answer

        desk.execute()

        recording = desk.recording()
        assert (State.ERROR, reason, 1) == (recording.state, recording.reason, recording.attempt)
        assert ["error"] == desk.desk.told()
        assert [str(answer)] == desk.facts()
        assert {} == desk.store.objects

    def test_a_404_may_be_early(self) -> None:
        """It is gone from the third attempt on: an event can be faster than its file."""

        desk = announced()
        desk.downloads.held.clear()

        desk.attempts(SETTLED_ATTEMPT - 1)
        assert State.FINALIZING == desk.recording().state
        desk.attempts(SETTLED_ATTEMPT)

        recording = desk.recording()
        assert (State.ERROR, "carrier_media_gone") == (recording.state, recording.reason)

    def test_what_is_no_sound_is_invalid(self) -> None:
        """A page that says sorry is no recording, however often it is fetched."""

        desk = announced(size=None)
        desk.downloads.held[URL] = b"<html>sorry</html>" * 10

        desk.attempts(SETTLED_ATTEMPT)

        recording = desk.recording()
        assert (State.ERROR, "carrier_media_invalid") == (recording.state, recording.reason)
        assert ["error"] == desk.desk.told()

    def test_a_retry_fetches_again(self) -> None:
        """What was refused for want of credentials comes once they are right."""

        desk = announced()
        desk.downloads.held[URL] = Forbidden("HTTP 401")
        desk.execute()
        desk.downloads.held[URL] = AUDIO

        again = retry(
            desk.recording().recording_id,
            calls=desk.desk.core.calls,
            history=desk.desk.core.history,
            transitions=desk.desk.transitions,
            now=desk.at,
        )
        desk.run(again.recording_id, again.attempt)

        recording = desk.recording()
        assert (State.FINISHED, "carrier_finished") == (recording.state, recording.reason)
        assert ["error", "finished"] == desk.desk.told()


DIFFERENT = [
    ({"size": len(AUDIO) + 1}, AUDIO, "carrier_size_differs"),
    ({"size": len(AUDIO) - 1}, AUDIO, "carrier_size_differs"),
    ({"duration_s": 2.1}, AUDIO, "carrier_duration_differs"),
    ({"size": None}, AUDIO[:-4000], "carrier_file_incomplete"),
]


class TestDifferent:
    """What isn't as announced."""

    @pytest.mark.parametrize(("said", "file", "reason"), DIFFERENT)
    def test_it_is_fetched_again_and_then_taken(
        self, said: dict[str, Any], file: bytes, reason: str
    ) -> None:
        """Twice the carrier may not be through; the third time its file is kept, and marked."""

        desk = announced(**said)
        desk.downloads.held[URL] = file

        desk.attempts(SETTLED_ATTEMPT - 1)
        assert State.FINALIZING == desk.recording().state
        desk.attempts(SETTLED_ATTEMPT)

        recording = desk.recording()
        assert recording.quality is not None
        assert (State.FINISHED, reason) == (recording.state, recording.quality.degraded)
        assert file == desk.store.objects[recording.renditions[0].key]

    @pytest.mark.parametrize(
        ("said_s", "found_s", "attempts"),
        [(2.0, 1, 1), (2.1, 1, 2), (3600, 3630, 1), (3600, 3640, 2)],
    )
    def test_a_little_is_no_difference(self, said_s: float, found_s: int, attempts: int) -> None:
        """A second, or a hundredth of a long file: carriers round."""

        desk = announced(duration_s=said_s, size=None)
        desk.downloads.held[URL] = a_wav(found_s)

        desk.execute()

        assert attempts == desk.recording().attempt


class TestUnavailable:
    """A carrier that is down."""

    def test_it_is_asked_again_for_three_days(self) -> None:
        """The waits grow, each failure is in the history, and then the reason is the carrier's."""

        desk = announced()
        desk.downloads.held[URL] = Unavailable("HTTP 503")
        begun_at = desk.at

        desk.attempts(len(FETCH_WAITS))
        assert State.FINALIZING == desk.recording().state
        assert 70 <= (desk.recording().attempt_at - begun_at).total_seconds() / 3600 <= 80  # type: ignore[operator]
        desk.attempts(len(FETCH_WAITS) + 1)

        recording = desk.recording()
        assert (State.ERROR, "carrier_media_unavailable") == (recording.state, recording.reason)
        assert ["error"] == desk.desk.told()
        assert "HTTP 503" == desk.facts()[-1]

    def test_it_comes_when_the_carrier_is_back(self) -> None:
        """One failure costs a minute."""

        desk = announced()
        desk.downloads.held[URL] = Unavailable("HTTP 503")
        desk.attempts(1)
        desk.downloads.held[URL] = AUDIO

        desk.attempts(2)

        assert (State.FINISHED, ["finished"]) == (desk.recording().state, desk.desk.told())

    def test_a_store_that_is_down_is_no_carrier(self) -> None:
        """The error names whose it is; the carrier's name goes only with the carrier's faults."""

        desk = announced()
        desk.downloads.held[URL] = Unavailable("HTTP 503")

        with pytest.raises(CarrierUnavailable):
            fetch(desk.recording().recording_id, 1, desk.fetching)

        desk.downloads.held[URL] = AUDIO
        desk.desk.core.faults.before(3)  # the row, the file, the object
        with pytest.raises(Unavailable) as raised:
            fetch(desk.recording().recording_id, 1, desk.fetching)
        assert Unavailable is type(raised.value)

    def test_the_sweeper_starts_what_a_crash_left(self) -> None:
        """An execution that never began is started under its name two minutes later."""

        desk = FetchingDesk()
        desk.desk.workflows.start_finalization = refuse  # type: ignore[method-assign]
        desk.take(an_available())
        del desk.desk.workflows.start_finalization  # type: ignore[method-assign]
        late = OverdueHandler(
            control=desk.desk.control,
            outbox=desk.desk.core.outbox,
            erasing=an_erasing(desk.desk.core),
            mailbox=desk.desk.core.mailbox,
        )

        recording_id = desk.recording().recording_id
        assert "" == late.recording(recording_id, later(61 + 119))
        assert "finalizations_started" == late.recording(recording_id, later(61 + 121))

        assert [(recording_id, 1)] == desk.desk.workflows.finalizations


def refuse(recording_id: str, attempt: int) -> None:
    """Start nothing."""
    raise Unavailable("no workflows")


def outcome(desk: FetchingDesk) -> Any:
    """Return all that a crash may not change."""
    recording = desk.recording()
    return (
        recording.state,
        recording.reason,
        [(one.key, one.sha256) for one in recording.renditions],
        desk.desk.told(),
        sorted(desk.store.objects),
    )


@pytest.mark.parametrize("answer", [AUDIO, NotFound("HTTP 410", code="gone")])
def test_a_crash_at_any_port_call_changes_nothing(answer: bytes | Exception) -> None:
    """Whichever call fails, before or after it acted: run again, it comes to the same."""

    expected = announced()
    expected.downloads.held[URL] = answer
    before = expected.desk.core.faults.calls
    expected.execute()
    calls = expected.desk.core.faults.calls - before

    assert calls > 5
    for number in range(1, calls + 1):
        for fail in ("before", "after"):
            desk = announced()
            desk.downloads.held[URL] = answer
            getattr(desk.desk.core.faults, fail)(number)
            with suppress(TapedeckError):
                desk.execute()
            desk.desk.core.faults.up()
            desk.attempts(desk.recording().attempt)

            assert outcome(expected) == outcome(desk), (fail, number)
