"""The credentials in a profile's secret: for a carrier's signatures, recordings and API.

A secret is the signing key as it is, or a JSON object (docs/how-to/import-carrier-recordings.md).
"""

from __future__ import annotations

import base64
import hmac

import msgspec

from chalicelib.errors import Forbidden


class Basic(msgspec.Struct, frozen=True):
    """A user of HTTP Basic: SignalWire's project id and API token."""

    username: str
    password: str

    def is_said_by(self, authorization: str) -> bool:
        """Whether a header names this user; in constant time."""
        scheme, _, pair = authorization.partition(" ")
        wanted = self.header.partition(" ")[2]
        is_same = hmac.compare_digest(
            pair.strip(" ").encode("utf-8", "surrogatepass"), wanted.encode()
        )
        return is_same and scheme.lower() == "basic"

    @property
    def header(self) -> str:
        """Return the value of `Authorization` (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class OAuth2(msgspec.Struct, frozen=True):
    """A client that gets itself tokens (RFC 6749, 4.4): Bandwidth's API credentials."""

    client_id: str
    client_secret: str


class CarrierSecret(msgspec.Struct, frozen=True, kw_only=True):
    """Each part may be missing."""

    signing_key: str | tuple[str, ...] = ""
    """one, or during a rotation several that are good side by side"""
    webhook_basic: Basic | tuple[Basic, ...] | None = None
    """the user that the carrier's webhooks must be; during a rotation one of several"""
    basic: Basic | None = None
    oauth2: OAuth2 | None = None
    api_url: str = ""
    """the base of the carrier's API: SignalWire's space, Bandwidth's account; empty: not asked"""

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """Return what the carrier may sign with; an empty text is no key."""
        keys = (self.signing_key,) if isinstance(self.signing_key, str) else self.signing_key
        return tuple(key for key in keys if key)

    @property
    def webhook_users(self) -> tuple[Basic, ...]:
        """Return who the carrier's webhooks may be; nobody: they needn't say."""
        users = self.webhook_basic
        if users is None or isinstance(users, tuple):
            return users or ()
        return (users,)


def parse_carrier_secret(text: str) -> CarrierSecret:
    """Return what a secret's text holds. Raises Forbidden, which never quotes it."""
    if not text.lstrip().startswith("{"):
        return CarrierSecret(signing_key=text)
    try:
        return msgspec.json.decode(text, type=CarrierSecret)
    except msgspec.MsgspecError:
        raise Forbidden("the profile's secret can't be read", code="bad_secret") from None
