"""Composes the use cases that Step Functions and the scheduler start."""

from __future__ import annotations

import random
import time
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.recording.lifecycle import Writer
from chalicelib.wiring.adapters import now
from chalicelib.wiring.use_cases import UseCases

if TYPE_CHECKING:
    from chalicelib.services.delivery.deliver import Deliverer
    from chalicelib.services.erasure.erase import Eraser
    from chalicelib.services.finalization.fetch_carrier_recording import Fetching
    from chalicelib.services.finalization.publish import Publishing
    from chalicelib.services.recovery.call_status import CallStatusChecker
    from chalicelib.services.recovery.retap import Retapper
    from chalicelib.services.recovery.sweep import Sweeper

# ruff: noqa: PLC0415  # services are imported where they are made


class BackgroundUseCases(UseCases):
    """The use cases of finalization, delivery and recovery, beside those of the API."""

    @cached_property
    def publishing(self) -> Publishing:
        """Ends finalizations."""
        from chalicelib.services.finalization.publish import Publishing

        return Publishing(
            calls=self.calls,
            transitions=self.transitions,
            renditions=self.renditions,
            signer=self.signer,
            now=now,
        )

    @cached_property
    def fetching(self) -> Fetching:
        """Downloads carriers' own recordings."""
        from chalicelib.services.finalization.fetch_carrier_recording import Fetching

        return Fetching(
            recordings=self.recordings,
            history=self.history,
            downloads=self.downloads,
            authorization=self.sign_in().authorization,
            renditions=self.renditions,
            now=now,
        )

    @cached_property
    def deliverer(self) -> Deliverer:
        """Delivers status callbacks."""
        from chalicelib.services.delivery.deliver import Deliverer

        return Deliverer(
            outbox=self.outbox,
            history=self.history,
            receivers=self.receivers,
            sender=self.sender,
            bus=self.event_bus,
            secrets=self.webhook_secrets,
            now=now,
            jitter=random.random,
            wait_scale=self.settings.wait_scale,
        )

    @cached_property
    def call_status_checker(self) -> CallStatusChecker:
        """Asks carriers whether calls go on."""
        from chalicelib.services.recovery.call_status import CallStatusChecker

        return CallStatusChecker(
            calls=self.calls,
            profiles=self.profiles,
            mailbox=self.mailbox,
            door=self.sign_in().door,
            api=self.carrier_api,
            now=now,
        )

    @cached_property
    def retapper(self) -> Retapper:
        """Has carriers tap again."""
        from chalicelib.services.recovery.retap import Retapper

        return Retapper(
            leases=self.leases,
            live_streams=self.live_streams,
            calls=self.calls,
            profiles=self.profiles,
            recordings=self.recordings,
            history=self.history,
            retaps=self.retaps,
            door=self.sign_in().door,
            api=self.carrier_api,
            deployment=self.deployment,
            now=now,
            wait=time.sleep,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        """Sweeps once a minute."""
        from chalicelib.services.recovery.sweep import Sweeper

        return Sweeper(
            control=self._control(Writer.SWEEPER),
            due_work=self.due_work,
            outbox=self.outbox,
            leases=self.leases,
            live_streams=self.live_streams,
            media=self.media,
            erasing=self._erasing(),
            mailbox=self.mailbox,
            now=now,
            wait=time.sleep,
        )

    def _erasing(self) -> Eraser:
        from chalicelib.services.erasure.erase import Eraser

        return Eraser(
            recordings=self.recordings,
            calls=self.calls,
            media=self.media,
            versions=self.rendition_versions,
        )
