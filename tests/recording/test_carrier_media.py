"""What a carrier announced of its own recording."""

from __future__ import annotations

import pytest

from chalicelib.media.sound_facts import SoundFacts
from chalicelib.recording.carrier_media import CarrierMedia, place_of
from chalicelib.recording.fetched_manifest import describe_fetched
from chalicelib.recording.manifest import encode_manifest, parse_manifest
from chalicelib.recording.model import Format, Rendition
from tests.samples import T0, a_recording


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://a.example/b/c.wav", "https://a.example/b/c.wav"),
        ("https://user:word@a.example/b?token=x#y", "https://a.example/b"),
        ("https://a.example?token=x", "https://a.example"),
        ("https://a.example/b@c/d", "https://a.example/b@c/d"),
        ("record.mp3?token=x", "record.mp3"),
        ("user:word@host/x", "host/x"),
        ("", ""),
    ],
)
def test_a_place_opens_nothing(url: str, place: str) -> None:
    """User, query and fragment are left out; what is no URL is treated alike."""

    assert place == place_of(url)
    assert place == CarrierMedia(url=url).place


def test_a_manifest_of_no_carrier_s_file_says_so() -> None:
    """It is parsed as it was written."""

    sound = SoundFacts(kind="wav", rate_hz=8000, channels=1, duration_ms=500)
    rendition = Rendition(
        format=Format.WAV, key="k", size=1, duration_ms=500, channels=1, sha256="", created_at=T0
    )

    manifest = describe_fetched(a_recording(), sound, rendition, "")

    assert (None, 0) == (manifest.fetched, manifest.origin_us)
    assert manifest == parse_manifest(encode_manifest(manifest))
