"""A call's control over an in-memory database, as the tests of services use it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.ports.aws import MediaStore, Workflows
from chalicelib.recording.lifecycle import Writer
from chalicelib.recording.model import Profile, Recording
from chalicelib.services.calls.call_lifecycle import CallController
from chalicelib.services.calls.live_recordings import RecordingController
from chalicelib.services.calls.tap_control import TapController
from chalicelib.services.calls.transitions import RecordingMover
from chalicelib.services.erasure.erase import Eraser
from tests.fakes import FakeCore, FakeWorkflows
from tests.fakes_media import FakeMediaStore, FakeRenditionVersions
from tests.samples import CALL, a_profile, later

PUBLIC_URL = "https://api.example/api"


class Desk:
    """A database with one profile, workflows that note what starts, and who acts on them."""

    def __init__(
        self,
        profile: Profile | None = None,
        workflows: Workflows | None = None,
        now: Callable[[], datetime] = lambda: later(100),
    ) -> None:
        self.core = FakeCore()
        self.core.store.profiles["main", "front"] = profile or a_profile()
        self.workflows = FakeWorkflows()
        starting = self.core.faults.wrap(workflows or self.workflows)
        self.transitions = RecordingMover(
            recordings=self.core.recordings,
            profiles=self.core.profiles,
            workflows=starting,
            public_url=lambda: PUBLIC_URL,
            download_token=token,
        )
        self.taps = TapController(
            calls=self.core.calls,
            taps=self.core.taps,
            profiles=self.core.profiles,
            workflows=starting,
            now=now,
        )
        self.control = self.control_of(Writer.OWNER)
        self.live = RecordingController(calls=self.core.calls, transitions=self.transitions)

    def control_of(self, writer: Writer) -> CallController:
        """Return a control that acts for a writer."""
        return CallController(
            calls=self.core.calls,
            call_life=self.core.call_life,
            live_streams=self.core.live_streams,
            profiles=self.core.profiles,
            transitions=self.transitions,
            taps=self.taps,
            writer=writer,
        )

    def recordings(self) -> list[Recording]:
        """Return the call's recordings, oldest first."""
        found = [r for r in self.core.store.recordings.values() if r.call == CALL]
        return sorted(found, key=lambda r: (r.round, r.created_at, r.recording_id))

    def recording(self) -> Recording:
        """Return the call's only recording."""
        (found,) = self.recordings()
        return found

    def states(self) -> list[str]:
        """Return the states of the call's recordings."""
        return [str(recording.state) for recording in self.recordings()]

    def told(self) -> list[str]:
        """Return the states that callbacks tell, in their order."""
        rows = sorted(self.core.store.outbox.values(), key=lambda r: (r.recording_id, r.number))
        return [str(row.state) for row in rows]


def token(recording: Recording, at: datetime) -> str:
    """Return a download token that names its time."""
    return f"token-{at:%H%M}"


def an_erasing(core: FakeCore, media: MediaStore | None = None) -> Eraser:
    """Return what erases recordings, over a bucket without finished audio."""
    return Eraser(
        recordings=core.recordings,
        calls=core.calls,
        media=media or FakeMediaStore(),
        versions=core.faults.wrap(FakeRenditionVersions()),
    )
