from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.errors import Conflict, InvalidRequest, NotFound, Unavailable
from chalicelib.ports.values import Opener, Requester
from chalicelib.recording import keys
from chalicelib.recording.erasure import tombstone
from chalicelib.recording.model import Format, Recording, Rendition, State
from chalicelib.services.finalization.downloads import (
    POLL_S,
    WAIT_S,
    StoredFile,
    Waiting,
    await_finished,
    find_audio,
    open_audio,
    open_proof,
)
from tests.fakes import FakeCore
from tests.fakes_media import FakeRenditionStore
from tests.samples import ASKER, T0, a_recording, an_event, later

WAV = Rendition(
    format=Format.WAV,
    key="recordings/main/r/recording.wav",
    size=1,
    duration_ms=1,
    channels=1,
    sha256="ab",
    created_at=T0,
)
FINISHED = a_recording(state=State.FINISHED, renditions=(WAV,))


class Clock:
    """A clock that only sleeping moves; something may happen at a time."""

    def __init__(self, core: FakeCore, finishes_at: float = float("inf")) -> None:
        self.now = 0.0
        self._core = core
        self._finishes_at = finishes_at

    def waiting(self) -> Waiting:
        return Waiting(clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        stored = self._core.store.recordings[FINISHED.recording_id]
        if self.now >= self._finishes_at:
            self._core.store.recordings[FINISHED.recording_id] = replace(
                stored, state=State.FINISHED
            )


def keep(core: FakeCore, recording: Recording) -> None:
    core.recordings.create(recording, an_event(recording), None)


class NotedStore(FakeRenditionStore):
    """Notes what it signed."""

    def __init__(self) -> None:
        super().__init__()
        self.signed: list[str] = []

    def presign(self, key: str, expires_s: int, filename: str) -> str:
        """Note it."""
        self.signed.append(key)
        return super().presign(key, expires_s, filename)


def opened(
    core: FakeCore,
    recording: Recording,
    format_: str | None = None,
    store: FakeRenditionStore | None = None,
) -> str:
    return open_audio(
        recording,
        format_,
        Requester(account="main", by=Opener.TOKEN),
        store=store or FakeRenditionStore(),
        history=core.history,
        at=later(60),
    )


def test_a_recording_that_finishes_meanwhile_is_waited_for() -> None:
    """A carrier that plays it right after the stop gets its audio."""

    core = FakeCore()
    keep(core, a_recording(state=State.FINALIZING))
    clock = Clock(core, finishes_at=3)

    finished = await_finished(core.recordings, FINISHED.recording_id, clock.waiting())

    assert (State.FINISHED, 3.0) == (finished.state, clock.now)


def test_the_wait_has_an_end() -> None:
    """After 20 s the recording is returned as it stands."""

    core = FakeCore()
    keep(core, a_recording(state=State.FINALIZING))
    clock = Clock(core)

    late = await_finished(core.recordings, FINISHED.recording_id, clock.waiting())

    assert State.FINALIZING is late.state
    assert WAIT_S <= clock.now < WAIT_S + 2 * POLL_S


@pytest.mark.parametrize("state", [State.PENDING, State.RECORDING, State.FINISHED, State.ERROR])
def test_only_finalization_is_waited_for(state: State) -> None:
    """Whatever else takes as long as it takes, or is over."""

    core = FakeCore()
    keep(core, a_recording(state=state))
    clock = Clock(core)

    await_finished(core.recordings, FINISHED.recording_id, clock.waiting())

    assert 0 == clock.now


def test_opening_is_noted() -> None:
    """Who reads a recording stands in its history: what opened it, and which format."""

    core = FakeCore()

    url = opened(core, FINISHED)

    assert WAV.key in url
    (event,) = core.history.events(FINISHED.recording_id)
    assert ("downloaded", {"by": "token", "format": "wav"}) == (event.event, event.detail)


def test_opening_that_can_t_be_noted_opens_nothing() -> None:
    """A line about a download that failed is better than a download without one."""

    core, store = FakeCore(), NotedStore()
    core.faults.before(1)

    with pytest.raises(Unavailable):
        opened(core, FINISHED, store=store)
    assert [] == store.signed


def test_a_deleted_recording_can_t_be_opened() -> None:
    """Nor while its renditions still lie there."""

    with pytest.raises(NotFound) as refused:
        opened(FakeCore(), replace(FINISHED, erasure=tombstone(FINISHED, later(30)).erasure))
    assert "no_such_recording" == refused.value.code


def test_what_can_t_be_opened_says_why_and_is_not_noted() -> None:
    """Not yet, never, not in this format, and no format at all are four things."""

    core = FakeCore()

    for recording, format_, error, code in (
        (a_recording(state=State.FINALIZING), None, Conflict, "not_finished"),
        (a_recording(state=State.ERROR), None, Conflict, "no_audio"),
        (FINISHED, "mp3", NotFound, "no_such_rendition"),
        (FINISHED, "ogg", InvalidRequest, "out_of_range"),
    ):
        with pytest.raises(error) as refused:
            opened(core, recording, format_)
        assert code == refused.value.code
    assert [] == core.history.events(FINISHED.recording_id)


def test_what_a_download_would_open_is_told_and_not_noted() -> None:
    """Nobody hears anything of it: key and length, for the same reasons to refuse."""

    assert StoredFile(key=WAV.key, size=1) == find_audio(FINISHED, None)
    assert StoredFile(key=WAV.key, size=1) == find_audio(FINISHED, "wav")
    with pytest.raises(NotFound, match="mp3"):
        find_audio(FINISHED, "mp3")


def test_a_recording_that_is_finalized_again_still_has_its_audio() -> None:
    """Renditions are there as long as they are stored, whatever the state."""

    again = replace(FINISHED, state=State.FINALIZING)

    assert WAV.key in opened(FakeCore(), again)


def test_a_proof_is_opened_and_that_is_told() -> None:
    """A URL for five minutes, and a line in the history."""

    core, store = FakeCore(), FakeRenditionStore()
    keep(core, FINISHED)
    key = keys.proof_key("main", FINISHED.recording_id)
    store.put_text(key, "{}", {})

    url = open_proof(FINISHED, ASKER, store=store, history=core.history, at=later(9))

    assert f"https://recordings.example/{key}?X-Amz-Expires=300" in url
    line = core.history.events(FINISHED.recording_id)[-1]
    told = {"by": "key", "key_id": ASKER.key_id}
    assert ("proof_downloaded", told) == (line.event, line.detail)


@pytest.mark.parametrize(
    ("recording", "error", "code"),
    [
        (FINISHED, NotFound, "no_proof"),
        (a_recording(), Conflict, "not_finished"),
        (a_recording(state=State.ERROR), Conflict, "no_audio"),
    ],
)
def test_what_was_never_signed_has_no_proof(
    recording: Recording, error: type[Exception], code: str
) -> None:
    """Finished before there were proofs, not finished, failed: each says so."""

    core = FakeCore()
    keep(core, recording)

    with pytest.raises(error) as refused:
        open_proof(recording, ASKER, store=FakeRenditionStore(), history=core.history, at=later(9))

    assert code == refused.value.code  # type: ignore[attr-defined]
    assert 1 == len(core.history.events(recording.recording_id))
