"""The file of a carrier's own recording, as its event announced it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierMedia:
    """The file to download; empty and None where the carrier said nothing."""

    url: str
    """whole while it is needed, with whatever opens it: never log or show it"""
    carrier_recording_id: str = ""
    format: str = ""
    """the carrier's name of the format"""
    channels: int | None = None
    duration_s: float | None = None
    size: int | None = None
    """bytes"""

    @property
    def place(self) -> str:
        """Return the URL without what could open it: no user, no query, no fragment."""
        return place_of(self.url)


def place_of(url: str) -> str:
    """Return a URL without user, query and fragment; what is no URL loses the same parts."""
    start, slashes, rest = url.partition("://")
    if not slashes:
        start, rest = "", url
    path = rest.partition("#")[0].partition("?")[0]
    authority, slash, path = path.partition("/")
    return start + slashes + authority.rpartition("@")[2] + slash + path
