"""The encoder's layer."""

from __future__ import annotations

from infra.layer import REQUIREMENT
from infra.paths import ROOT


def test_tests_and_lambda_encode_with_the_same_ffmpeg() -> None:
    """The layer's pin is the development requirement's."""
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()

    assert REQUIREMENT in lines


def test_sink_and_lambda_share_their_pins() -> None:
    """What both processes import has one version."""
    ours = dict(_pins("requirements.txt"))
    sinks = dict(_pins("infra/sink/requirements.txt"))

    assert {} == {
        name: (version, ours[name])
        for name, version in sinks.items()
        if ours.get(name, version) != version
    }


def _pins(path: str) -> list[tuple[str, str]]:
    lines = (ROOT / path).read_text().splitlines()
    pins = [line.split(";")[0].strip().split("==") for line in lines if "==" in line]
    return [(name, version) for name, version in pins]
