"""S3: every version of what a recording made, delete markers and unfinished uploads among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from chalicelib.adapters.botocore_errors import translated_s3
from chalicelib.errors import Conflict, NotFound, Unavailable

_DELETE_LIMIT = 1000

_Version = Mapping[str, str]
"""a key and the id of one of its versions, as S3 names them"""


class S3RenditionVersions:
    """Implements the port RenditionVersions."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def is_locked(self, prefix: str, at: datetime) -> bool:
        """Whether Object Lock keeps a version under a prefix at a time."""
        return any(self._is_kept(version, at) for version in self._versions(prefix))

    def erase(self, prefix: str) -> int:
        """Delete all versions under a prefix; return how many there were. Raises Conflict."""
        self._abort_uploads(prefix)
        found = list(self._all(prefix))
        for start in range(0, len(found), _DELETE_LIMIT):
            self._delete(found[start : start + _DELETE_LIMIT])
        return len(found)

    def _versions(self, prefix: str) -> Iterator[_Version]:
        for page in self._pages("list_object_versions", prefix):
            yield from (_named(version) for version in page.get("Versions", ()))

    def _all(self, prefix: str) -> Iterator[_Version]:
        for page in self._pages("list_object_versions", prefix):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                yield _named(version)

    def _pages(self, operation: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        with translated_s3("list", prefix):
            pages = self._client.get_paginator(operation)
            yield from pages.paginate(Bucket=self._bucket, Prefix=prefix)

    def _is_kept(self, version: _Version, at: datetime) -> bool:
        try:
            with translated_s3("head", version["Key"]):
                facts = self._client.head_object(Bucket=self._bucket, **version)
        except NotFound:
            return False  # deleted meanwhile
        until = facts.get("ObjectLockRetainUntilDate")
        return facts.get("ObjectLockLegalHoldStatus") == "ON" or (until is not None and until > at)

    def _delete(self, versions: list[_Version]) -> None:
        with translated_s3("delete", versions[0]["Key"]):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": versions, "Quiet": True}
            )
        for refusal in answer.get("Errors", ()):
            fact = f"S3 kept {refusal['Key']}: {refusal['Code']}"
            if refusal["Code"] == "AccessDenied":
                raise Conflict(fact, code="locked")
            raise Unavailable(fact)

    def _abort_uploads(self, prefix: str) -> None:
        for page in self._pages("list_multipart_uploads", prefix):
            for upload in page.get("Uploads", ()):
                where = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                with suppress(NotFound), translated_s3("abort", upload["Key"]):
                    self._client.abort_multipart_upload(Bucket=self._bucket, **where)


def _named(version: Mapping[str, Any]) -> _Version:
    return {"Key": version["Key"], "VersionId": version["VersionId"]}
