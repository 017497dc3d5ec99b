"""What a version once wrote, as files: rows, objects, bytes between workers, and what they meant.

    fixtures/<commit>/
      rows.json          both tables, DynamoDB's typed attributes
      meanings.json      each row as that commit's own dataclass, defaults written out
      objects/…          both buckets, by key
      containers.json    what its journal objects and segments hold, by that commit's own reading
      conversation.json  what two workers said to each other about one stream, and one message of
                         each kind
      answers.json       what its API answered
      links.json         paths that it handed out, with their tokens
      signing-key.pem    the public half of the key that signed its proofs
      ended.json         what came of everything when that commit itself brought it to its end

`python -m trials.versions.record` writes them, when the baseline moves.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trials.versions.cloud import Cloud, Item

FOLDER = Path(__file__).with_name("fixtures")
TABLES, BUCKETS = ("core", "hot"), ("media", "recordings")
RECEIVER = "http://127.0.0.1:9/status"
"""in the place of the receiver's address"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """A folder of what a commit wrote."""

    folder: Path

    @property
    def recorded_at(self) -> datetime:
        """When all was as the rows say; the worker had just died."""
        return datetime.fromisoformat(self.read("rows")["recorded_at"])

    def rows(self, table: str) -> list[Item]:
        """Return the rows of `core` or `hot`."""
        return self._rows(table, RECEIVER)

    def objects(self, bucket: str) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of what `media` or `recordings` held."""
        root = self.folder / "objects" / bucket
        for path in sorted(root.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(root)), path.read_bytes()

    def read(self, name: str) -> Any:
        """Return a JSON document."""
        return json.loads((self.folder / f"{name}.json").read_text())

    def write(self, name: str, document: object) -> None:
        """Write a JSON document; the receiver's address isn't part of it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
        (self.folder / f"{name}.json").write_text(f"{text}\n")

    def take(self, cloud: Cloud, recorded_at: datetime, receiver_url: str) -> None:
        """Write down all that a cloud holds, and nothing of an earlier recording."""
        shutil.rmtree(self.folder, ignore_errors=True)
        rows = {table: cloud.items(table) for table in TABLES}
        text = json.dumps({"recorded_at": recorded_at.isoformat(), **rows}, default=encoded)
        self.write("rows", json.loads(text.replace(receiver_url, RECEIVER)))
        for bucket in BUCKETS:
            for key, body in cloud.objects(bucket):
                path = self.folder / "objects" / bucket / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)

    def load(self, cloud: Cloud, receiver_url: str) -> None:
        """Put everything into a cloud."""
        for table in TABLES:
            for item in self._rows(table, receiver_url):
                cloud.put(table, item)
        for bucket in BUCKETS:
            for key, body in self.objects(bucket):
                cloud.store(bucket, key, body)

    def _rows(self, table: str, receiver_url: str) -> list[Item]:
        text = json.dumps(self.read("rows")[table]).replace(RECEIVER, receiver_url)
        rows: list[Item] = json.loads(text, object_hook=_decoded)
        return rows


def fixtures() -> Sequence[Fixture]:
    """Return every fixture there is, by its commit."""
    return [Fixture(folder=folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()]


def lacks(wanted: object, found: object, at: str = "") -> list[str]:
    """Return where `found` doesn't say what `wanted` says; what it says beside that is no matter.

    A reader of another version adds fields, and takes none away.
    """
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return [
            one
            for key, value in wanted.items()
            for one in (
                lacks(value, found[key], f"{at}.{key}") if key in found else [f"{at}.{key}"]
            )
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [one for place, pair in pairs for one in lacks(*pair, f"{at}[{place}]")]
    return [] if wanted == found else [f"{at}: {wanted!r} became {found!r}"]


def encoded(value: object) -> dict[str, str]:
    """Return bytes of a row as JSON has them."""
    assert isinstance(value, bytes)
    return {"base64": base64.b64encode(value).decode()}


def _decoded(found: dict[str, Any]) -> Any:
    return base64.b64decode(found["base64"]) if found.keys() == {"base64"} else found
