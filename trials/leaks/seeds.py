"""What must never be in a log: values that come once in the world, in every way they could be
spelled there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

NUMBER = "+15558675309"
SIP = "sip:ada.seeded@pbx.seeded.example;user=phone"
LABEL = "Ada Seeded-Lovelace"
PARAMETER = "seeded-parameter-4471"
QUERY = "seeded-query-secret-9921"
PASSWORD = "seeded-password-3310"
SIGNING_KEY = "PSK_seeded_7719"
MEDIA_QUERY = "seeded-media-secret-5582"
ANSWER = "seeded answer of a receiver 6610"
TAG = "seeded-tag-2093"
DIGITS = "730946182057"
"""pressed one by one: a line that had them together would be a leak"""

FRAME_BYTES = 160

_TEXTS = {
    "phone number": (NUMBER, NUMBER[1:], "5558675309", "+15551112222", "+15553334444"),
    "SIP address": (SIP, "ada.seeded", "pbx.seeded.example"),
    "label": (LABEL, "Seeded-Lovelace"),
    "custom parameter": (PARAMETER,),
    "secret in a status_url": (QUERY,),
    "password": (PASSWORD,),
    "signing key": (SIGNING_KEY,),
    "secret in a carrier's media URL": (MEDIA_QUERY,),
    "a receiver's answer": (ANSWER,),
    "tag": (TAG,),
    "digits": (DIGITS, ", ".join(DIGITS), json.dumps(list(DIGITS))),
}


def frames(name: str, seconds: float) -> list[bytes]:
    """Return 20 ms payloads of which none comes twice, the same for the same name."""
    noise = Random(f"leaks {name}")
    return [noise.randbytes(FRAME_BYTES) for _ in range(round(seconds * 50))]


@dataclass
class Seeds:
    """Needles by what they are; tokens are added as they are made."""

    needles: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, what: str, *texts: str) -> None:
        """Seed a text."""
        for text in texts:
            self.needles.setdefault(what, set()).update(_spelled(text))

    def add_payload(self, payloads: Iterable[bytes]) -> None:
        """Seed sound."""
        for payload in payloads:
            self.needles.setdefault("payload", set()).update(_of_payload(payload))


def usual_seeds() -> Seeds:
    """Return the seeds that every run has."""
    seeds = Seeds()
    for what, texts in _TEXTS.items():
        seeds.add(what, *texts)
    return seeds


def found(logs: Mapping[str, bytes], seeds: Seeds) -> list[str]:
    """Return what is where."""
    return [
        f"{what} in {name}: …{_around(text, needle)}…"
        for name, text in logs.items()
        for what, needles in seeds.needles.items()
        for needle in needles
        if needle in text
    ]


def _around(text: bytes, needle: bytes) -> str:
    at = text.index(needle)
    return text[max(0, at - 120) : at + 80].decode(errors="replace")


def _spelled(text: str) -> Iterator[bytes]:
    raw = text.encode()
    yield raw
    yield quote(text, safe="").encode()
    yield json.dumps(text)[1:-1].encode()
    yield raw.hex().encode()
    # At any position in what was encoded: the letters that depend on it alone.
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).rstrip(b"=")
        alone = whole[(0, 2, 3)[before] : -1]
        if len(alone) >= 8:
            yield alone
            yield alone.replace(b"+", b"-").replace(b"/", b"_")


def _of_payload(payload: bytes) -> Iterator[bytes]:
    begin = payload[:16]
    yield begin
    yield begin.hex().encode()
    yield repr(begin)[2:-1].encode()
    yield json.dumps(repr(begin)[2:-1])[1:-1].encode()
    for shift in range(3):
        yield base64.b64encode(payload[shift : shift + 24])
