"""The ports of bytes: which adapter stands behind which, made on first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.config import required
from chalicelib.wiring_rows import RowPorts, client

if TYPE_CHECKING:
    from chalicelib.ports import aws as port

# ruff: noqa: PLC0415  # adapters are imported where they are made: see wiring.py


class BytePorts(RowPorts):
    """What lies in the two buckets, and what makes and signs it."""

    @cached_property
    def media(self) -> port.MediaStore:
        """Journal and segments."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def sink_media(self) -> port.MediaStore:
        """Journal and segments, for a writer that retries by itself."""
        from chalicelib.adapters.s3.buckets import SINK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", SINK_CONFIG), bucket)

    @cached_property
    def renditions(self) -> port.RenditionStore:
        """Finished audio and manifests."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG, S3RenditionStore

        bucket = required(self.settings.recordings_bucket, "RECORDINGS_BUCKET")
        return S3RenditionStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def rendition_versions(self) -> port.RenditionVersions:
        """All that the recordings bucket ever held."""
        from chalicelib.adapters.s3.buckets import TASK_CONFIG
        from chalicelib.adapters.s3.versions import S3RenditionVersions

        bucket = required(self.settings.recordings_bucket, "RECORDINGS_BUCKET")
        return S3RenditionVersions(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def signer(self) -> port.Signer:
        """KMS."""
        from chalicelib.adapters.aws.kms import KmsSigner

        key_id = required(self.settings.signing_key_id, "SIGNING_KEY_ID")
        return KmsSigner(client("kms"), key_id)

    @cached_property
    def encoder(self) -> port.Encoder:
        """WAV by ourselves, the rest by ffmpeg."""
        from chalicelib.adapters.encoder import FileEncoder

        return FileEncoder()
