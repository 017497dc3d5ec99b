"""The signature vectors: `signatures.json` beside a carrier's tests, and for carriers that have no
folder yet a file each in tests/fixtures/signatures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.carriers import registry
from chalicelib.carriers.contract import webhook_signature
from chalicelib.carriers.contract.webhook_signature import SignatureHeader, Signed
from chalicelib.errors import Forbidden
from tests.carriers.samples import FIXTURES

FOLDER = FIXTURES / "signatures"
FILES: Mapping[str, Path] = {path.stem: path for path in sorted(FOLDER.glob("*.json"))} | {
    path.parent.name: path for path in sorted(Path(__file__).parent.glob("*/signatures.json"))
}
"""by scheme"""
SCHEMES: Mapping[str, tuple[SignatureHeader, ...]] = {
    **webhook_signature.SCHEMES,
    **{name: proofs for name in registry.ROWS if (proofs := registry.carrier(name).signature)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """A request that is rightly signed."""

    scheme: str
    name: str
    key: str
    signed: Signed

    @property
    def proof(self) -> str:
        """Return the name of the header that decides, in lower case."""
        names = {name.lower() for name in self.signed.headers}
        return next(proof.header for proof in SCHEMES[self.scheme] if proof.header in names)


def _vector(scheme: str, told: dict[str, Any]) -> Vector:
    signed = Signed(
        method=told["method"],
        url=told["url"],
        headers=told["headers"],
        body=told["body"].encode(),
        at=datetime.fromtimestamp(told["at"], UTC),
    )
    return Vector(scheme=scheme, name=told["name"], key=told["key"], signed=signed)


VECTORS = [
    _vector(scheme, told)
    for scheme, path in FILES.items()
    for told in json.loads(path.read_text(encoding="utf-8"))
]


def is_right(scheme: str, signed: Signed, *keys: str) -> bool:
    """Whether a request is accepted as the carrier's."""
    try:
        webhook_signature.verify(SCHEMES[scheme], signed, keys)
    except Forbidden:
        return False
    return True
