"""What must not open: tokens, API keys, signatures, users. Each lock with its right keys."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from chalicelib.carriers.contract.webhook_signature import TOLERANCE_S
from chalicelib.errors import Unauthenticated
from chalicelib.security import tokens
from chalicelib.security.carrier_credentials import Basic
from chalicelib.security.tokens import TokenKind
from chalicelib.services.accounts.api_keys import authenticate, create_key
from tests.carriers.signed import VECTORS, Vector, is_right
from tests.fakes import FakeCore
from trials.forge.mutations import mutated, reworded

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=365)
_OLD, _NEW, _FOREIGN = b"o" * 32, b"n" * 32, b"f" * 32
RING = [_NEW, _OLD]
"""two keys that are good side by side"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What is tried, what opens it, and how something else is made."""

    name: str
    share: float
    """of all tries; a slow lock takes fewer"""
    rights: Sequence[Any]
    opens: Callable[[Any], bool]
    """raises nothing, whatever is tried"""
    forge: Callable[[Random], Any]


def _token_opens(kind: TokenKind, text: str) -> bool:
    try:
        tokens.verify(RING, text, kind, NOW)
    except Unauthenticated:
        return False
    return True


def _token_lock(kind: TokenKind, share: float) -> Lock:
    account = "" if kind is TokenKind.WORKER else "main"
    rights = [tokens.issue([key], kind, account, "subject-1", LATER) for key in RING]
    foreign = _foreign_tokens(kind, account)

    def forge(random: Random) -> str:
        pick = random.random()
        if pick < 0.1:
            return random.choice(foreign)
        if pick < 0.3:
            return _recombined([*rights, *foreign], rights, random)
        if pick < 0.5:
            return _other_bytes(random.choice(rights), random)
        return mutated(random.choice(rights), random)

    opens = partial(_token_opens, kind)
    return Lock(name=f"token of a {kind}", share=share, rights=rights, opens=opens, forge=forge)


def _foreign_tokens(kind: TokenKind, account: str) -> list[str]:
    """Return well-made tokens that open nothing here: other keys and kinds, and expired ones."""
    expired = [tokens.issue([key], kind, account, "subject-1", NOW) for key in RING]
    others = [
        tokens.issue([key], other, account, "subject-1", LATER)
        for key in RING
        for other in TokenKind
        if other is not kind
    ]
    return [*expired, *others, tokens.issue([_FOREIGN], kind, account, "subject-1", LATER)]


def _recombined(of: Sequence[str], rights: Sequence[str], random: Random) -> str:
    """Return key id, MAC and claims of tokens that needn't be the same."""
    while True:
        key_id, mac, claims = (_unsealed(random.choice(of)) for _ in range(3))
        made = _sealed(key_id[:4] + mac[4:36] + claims[36:])
        if made not in rights:
            return made


def _other_bytes(token: str, random: Random) -> str:
    """Return a token of which a bit is another one beneath its base64, or bytes follow."""
    sealed = bytearray(_unsealed(token))
    if random.random() < 0.2:
        return _sealed(bytes(sealed) + random.randbytes(random.randint(1, 9)))
    sealed[random.randrange(len(sealed))] ^= 1 << random.randrange(8)
    return _sealed(bytes(sealed))


def _unsealed(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _sealed(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _key_lock(share: float) -> Lock:
    core, random = FakeCore(), Random("API keys")
    made = [create_key(core.api_keys, "main", NOW, random.randbytes) for _ in range(3)]
    core.api_keys.revoke("main", made[2].key.key_id, NOW)
    rights = [f"Bearer {one.text}" for one in made[:2]]
    parts = [one.text.split("_") for one in made]
    hashes = [f"Bearer tdk_{one.key.key_id}_{one.key.secret_sha256}" for one in made]
    wrong = [
        f"Bearer {made[2].text}",
        *hashes,
        *(
            f"Bearer tdk_{one[1]}_{other[2]}"
            for one in parts
            for other in parts
            if one is not other
        ),
    ]

    def opens(header: str) -> bool:
        try:
            authenticate(core.api_keys, header)
        except Unauthenticated:
            return False
        return True

    def forge(random: Random) -> str:
        if random.random() < 0.1:
            return random.choice(wrong)
        return f"Bearer {mutated(random.choice(made[:2]).text, random)}"

    return Lock(name="API key", share=share, rights=rights, opens=opens, forge=forge)


def _user_lock(share: float) -> Lock:
    user = Basic(username="bw-user", password="pass:wörd")

    def forge(random: Random) -> str:
        if random.random() < 0.5:
            return "Basic " + mutated(user.header.removeprefix("Basic "), random)
        pair = mutated(f"{user.username}:{user.password}", random)
        return f"Basic {b64encode(pair.encode('utf-8', 'surrogatepass')).decode()}"

    return Lock(
        name="user and password of a webhook",
        share=share,
        rights=[user.header],
        opens=user.is_said_by,
        forge=forge,
    )


def _signature_lock(vector: Vector, share: float) -> Lock:
    def opens(tried: Vector) -> bool:
        return is_right(tried.scheme, tried.signed, tried.key)

    def forge(random: Random) -> Vector:
        return replace(vector, signed=random.choice(_FORGERIES)(vector, random))

    name = f"signature: {vector.name}"
    return Lock(name=name, share=share, rights=[vector], opens=opens, forge=forge)


def _other_header(vector: Vector, random: Random) -> Any:
    """Change the signature, or another header that it covers."""
    covered = [
        name for name in vector.signed.headers if name.lower().startswith(_COVERED[vector.scheme])
    ]
    name = random.choice(covered)
    changed = mutated(vector.signed.headers[name], random)
    if vector.scheme in ("plivo", "jambonz"):  # beside a right one, more of them change nothing
        changed = reworded(vector.signed.headers[name], random)
    return replace(vector.signed, headers={**vector.signed.headers, name: changed})


def _other_body(vector: Vector, random: Random) -> Any:
    """Change what is said: of a form a letter, because its marks aren't covered."""
    body = vector.signed.body.decode()
    if not body:
        return replace(vector.signed, body=b"forged=1")
    change = reworded if vector.scheme in ("twilio", "plivo") else mutated
    return replace(vector.signed, body=change(body, random).encode("utf-8", "surrogatepass"))


def _other_url(vector: Vector, random: Random) -> Any:
    """Change where it was sent; of what doesn't cover that, the body."""
    if vector.scheme in _NO_URL:
        return _other_body(vector, random)
    scheme, _, rest = vector.signed.url.partition("://")
    return replace(vector.signed, url=f"{scheme}://{reworded(rest, random)}")


def _other_time(vector: Vector, random: Random) -> Any:
    """Replay it too late, or too early; where no time is signed, change the signature."""
    if vector.scheme not in _NO_URL:
        return _other_header(vector, random)
    off_s = random.choice((-1, 1)) * (TOLERANCE_S + 1 + random.expovariate(1 / 3600))
    return replace(vector.signed, at=vector.signed.at + timedelta(seconds=off_s))


def _another_s(vector: Vector, random: Random) -> Any:
    """Show the signature of another request."""
    other = random.choice([one for one in VECTORS if one.signed.headers != vector.signed.headers])
    shown = other.signed.header(other.proof)
    return replace(vector.signed, headers={**vector.signed.headers, vector.proof: shown})


_FORGERIES = (_other_header, _other_header, _other_body, _other_url, _other_time, _another_s)
_NO_URL = frozenset({"telnyx", "jambonz", "vonage"})
"""which sign a time, and no URL"""
_COVERED = {
    "signalwire": "x-signalwire",
    "twilio": "x-twilio",
    "plivo": "x-plivo",
    "telnyx": "telnyx",
    "jambonz": "jambonz",
    "vonage": "authorization",
}
"""how the headers of a scheme begin"""


def locks() -> list[Lock]:
    """Return all there is to open."""
    signatures = [
        _signature_lock(vector, 0.01 if vector.scheme == "telnyx" else 0.03) for vector in VECTORS
    ]
    return [
        _token_lock(TokenKind.PROFILE, 0.15),
        _token_lock(TokenKind.RECORDING, 0.08),
        _token_lock(TokenKind.WORKER, 0.05),
        _key_lock(0.15),
        _user_lock(0.05),
        *signatures,
    ]
