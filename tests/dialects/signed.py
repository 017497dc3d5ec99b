"""The carriers' signature vectors, from tests/fixtures/signatures: a file per scheme."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.carriers.contract.signature import Signed
from chalicelib.dialects import signatures
from chalicelib.errors import Forbidden
from tests.dialects.samples import FIXTURES

FOLDER = FIXTURES / "signatures"


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
        return next(
            proof.header for proof in signatures.SCHEMES[self.scheme] if proof.header in names
        )


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
    _vector(path.stem, told)
    for path in sorted(FOLDER.glob("*.json"))
    for told in json.loads(path.read_text(encoding="utf-8"))
]


def is_right(scheme: str, signed: Signed, *keys: str) -> bool:
    """Tell whether a request is taken for a carrier's."""
    try:
        signatures.verify(scheme, signed, keys)
    except Forbidden:
        return False
    return True
