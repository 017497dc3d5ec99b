"""Everything between a carrier's event and its callback, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.carriers.contract.webhook import WebhookEvent
from chalicelib.errors import TapedeckError
from chalicelib.ports.aws import Workflows
from chalicelib.recording.model import Profile, Recording
from chalicelib.services.finalization.assemble import Assembled, Outcome
from chalicelib.services.finalization.fetch_carrier_recording import Fetching, fetch
from chalicelib.services.finalization.publish import Publishing, mark_error, publish, publish_lost
from chalicelib.services.intake.intake import ReceivedEvent, WebhookReceiver
from tests.carrier_host import AUDIO, URL, FakeDownloads
from tests.fake_signer import FakeSigner
from tests.fakes_media import FakeRenditionStore
from tests.samples import a_profile, later
from tests.services.core_desk import Desk

AUTHORIZATION = "Basic dTpw"


class FetchingDesk:
    """A desk with a carrier that holds one file."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.desk = Desk(profile)
        self.profile = profile or a_profile()
        self.store = FakeRenditionStore()
        self.downloads = FakeDownloads({URL: AUDIO})
        self.at = later(61)
        faults = self.desk.core.faults
        self.fetching = Fetching(
            recordings=self.desk.core.recordings,
            history=self.desk.core.history,
            downloads=faults.wrap(self.downloads),
            authorization=lambda recording: AUTHORIZATION,
            renditions=faults.wrap(self.store),
            now=lambda: self.at,
        )
        self.publishing = Publishing(
            calls=self.desk.core.calls,
            transitions=self.desk.transitions,
            renditions=self.fetching.renditions,
            signer=faults.wrap(FakeSigner()),
            now=lambda: self.at,
        )

    def take(self, event: WebhookEvent, workflows: Workflows | None = None) -> bool:
        """Take an event in."""
        core, starting = self.desk.core, workflows or self.desk.transitions.workflows
        stores = WebhookReceiver(
            inbox=core.inbox,
            calls=core.calls,
            recordings=core.recordings,
            workflows=lambda: starting,
        )
        received = ReceivedEvent(
            event=event, profile=self.profile, at=self.at, announced_for=timedelta(seconds=15)
        )
        return stores.take_in(received)

    def execute(self) -> None:
        """Run every attempt that was started, as the state machine does without its retries."""
        for recording_id, attempt in self.desk.workflows.finalizations:
            self.run(recording_id, attempt)

    def run(self, recording_id: str, attempt: int) -> None:
        """Run an attempt to its end."""
        try:
            self._publish(fetch(recording_id, attempt, self.fetching))
        except TapedeckError as error:
            mark_error(recording_id, attempt, type(error).__name__, self.publishing)

    def attempts(self, until: int) -> None:
        """Run the first attempt, and the next ones as the sweeper would start them."""
        for attempt in range(1, until + 1):
            recording = self.recording()
            self.at = max(self.at, recording.attempt_at or self.at)
            self.run(recording.recording_id, attempt)

    def recording(self) -> Recording:
        """Return the only recording."""
        return self.desk.recording()

    def facts(self) -> list[Any]:
        """Return what the history says of failed fetches."""
        events = self.desk.core.history.events(self.recording().recording_id)
        return [event.detail["fact"] for event in events if event.event == "fetch_failed"]

    def wait(self, duration: timedelta) -> datetime:
        """Let time pass."""
        self.at += duration
        return self.at

    def change(self, **profile: Any) -> None:
        """Change the profile."""
        self.profile = replace(self.profile, **profile)
        self.desk.core.store.profiles["main", "front"] = self.profile

    def _publish(self, assembled: Assembled) -> None:
        if assembled.outcome is Outcome.LOST:
            publish_lost(assembled.recording_id, assembled.reason, self.publishing)
        else:
            publish(assembled.recording_id, self.publishing)
