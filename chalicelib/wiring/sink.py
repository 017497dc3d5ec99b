"""Composes what only a worker of the sink uses."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.config import required
from chalicelib.recording.lifecycle import Writer
from chalicelib.wiring.adapters import client, now
from chalicelib.wiring.background import BackgroundUseCases

if TYPE_CHECKING:
    from chalicelib.ports import aws, call_owner

# ruff: noqa: PLC0415  # adapters and services are imported where they are made


class Ports(BackgroundUseCases):
    """Everything that one process is composed of; tests replace its parts with fakes."""

    @cached_property
    def control(self) -> call_owner.CallControl:
        """The call owner's writes to calls."""
        return self._control(Writer.OWNER)

    @cached_property
    def live_recordings(self) -> call_owner.LiveRecordings:
        """The call owner's writes to live recordings."""
        from chalicelib.services.calls.live_recordings import RecordingController

        return RecordingController(calls=self.calls, transitions=self.transitions)

    @cached_property
    def dead_workers(self) -> call_owner.DeadWorkers:
        """The writes of a takeover from a dead worker."""
        from chalicelib.services.recovery.dead_workers import DeadWorkerCleaner, TakeoverController

        clearing = DeadWorkerCleaner(
            control=self._control(Writer.OWNER),
            leases=self.leases,
            live_streams=self.live_streams,
            media=self.sink_media,
        )
        return TakeoverController(clearing=clearing, now=now)

    @cached_property
    def sink_media(self) -> aws.MediaStore:
        """Journal and segments, for a writer that retries by itself."""
        from chalicelib.adapters.s3.buckets import SINK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", SINK_CONFIG), bucket)

    @cached_property
    def task_protection(self) -> aws.TaskProtection | None:
        """The task's agent; none outside ECS."""
        from chalicelib.adapters.aws.ecs import EcsAgent

        uri = self.settings.ecs_agent_uri
        return EcsAgent(uri) if uri else None

    @cached_property
    def task_state(self) -> aws.TaskState | None:
        """Whether ECS is about to stop the task; none outside ECS."""
        from chalicelib.adapters.aws.ecs import EcsTask

        uri = self.settings.ecs_metadata_uri
        return EcsTask(uri, client("ecs")) if uri else None

    def rtp_host(self) -> str:
        """Return the public IPv4 that RTP comes to: the one that is set, or the task's own."""
        from chalicelib.adapters.aws.ecs import TaskAddress

        uri = self.settings.ecs_metadata_uri
        if self.settings.rtp_host or not uri:
            return self.settings.rtp_host
        return TaskAddress(uri, client("ec2")).public_ipv4()
