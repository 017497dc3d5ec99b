from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib.capture.events import Encoding
from chalicelib.dialects.documents import swml
from chalicelib.dialects.documents.base import Arrangement, Sides
from chalicelib.dialects.streams import registry as streams
from chalicelib.recording.model import Direction, Format, RecordOptions

WANTED = Arrangement(
    sink_url="wss://sink.example.com",
    token="TOKEN",
    hook_url="https://api.example.com/api/hooks/signalwire/TOKEN",
)
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "swml-tap-record.schema.json").read_text()
)


def steps(wanted: Arrangement) -> list[dict[str, dict[str, object]]]:
    yaml_text, json_text = swml.documents(wanted)
    script = json.loads(json_text.text)
    assert script == yaml.safe_load(yaml_text.text)
    main: list[dict[str, dict[str, object]]] = script["sections"]["main"]
    return main


def test_yaml_and_json_are_one_script() -> None:
    """Both documents have their name and type, and the version stays a string in YAML."""

    yaml_text, json_text = swml.documents(WANTED)

    assert ("swml.yaml", "application/yaml") == (yaml_text.name, yaml_text.content_type)
    assert ("swml.json", "application/json") == (json_text.name, json_text.content_type)
    assert "1.0.0" == yaml.safe_load(yaml_text.text)["version"]


def test_both_sides_are_two_taps() -> None:
    """Each side gets a tap, stated in full, its call id and direction in the path."""

    expected = [
        {
            "tap": {
                "uri": f"wss://sink.example.com/signalwire-tap/TOKEN/${{call.call_id}}/{side}",
                "control_id": f"tapedeck-{side}",
                "direction": side,
                "codec": "PCMU",
                "status_url": "https://api.example.com/api/hooks/signalwire/TOKEN",
            }
        }
        for side in ("speak", "listen")
    ]

    assert expected == steps(WANTED)


@pytest.mark.parametrize(
    ("sides", "direction"),
    [(Sides.SPEAK, "speak"), (Sides.LISTEN, "listen"), (Sides.MIXED, "both")],
)
def test_one_side_or_a_mix_is_one_tap(sides: Sides, direction: str) -> None:
    """What isn't both sides apart is one tap in that direction."""

    taps = steps(replace(WANTED, sides=sides))

    assert [direction] == [step["tap"]["direction"] for step in taps]
    assert str(taps[0]["tap"]["uri"]).endswith(f"/{direction}")


def test_the_codec_is_the_profile_s() -> None:
    """The tap asks for the encoding that the sink expects."""

    taps = steps(replace(WANTED, encoding=Encoding.PCMA))

    assert {"PCMA"} == {step["tap"]["codec"] for step in taps}


def test_the_carrier_can_record_too() -> None:
    """`record_call` states every option that it carries, and posts to the same hook."""

    options = RecordOptions(stereo=True, format=Format.MP3, direction=Direction.SPEAK)

    expected = {
        "control_id": "carrier-recording",
        "stereo": True,
        "format": "mp3",
        "direction": "speak",
        "status_url": WANTED.hook_url,
    }
    assert expected == steps(replace(WANTED, carrier_records=options))[-1]["record_call"]


@pytest.mark.parametrize("sides", Sides)
@pytest.mark.parametrize("encoding", [Encoding.PCMU, Encoding.PCMA])
@pytest.mark.parametrize("format_", Format)
def test_every_step_follows_the_carrier_s_schema(
    sides: Sides, encoding: Encoding, format_: Format
) -> None:
    """SignalWire's own JSON schema takes each step."""

    schema = Draft202012Validator(SCHEMA)

    wanted = replace(WANTED, sides=sides, encoding=encoding)
    found = steps(replace(wanted, carrier_records=RecordOptions(format=format_)))

    assert [] == [error for step in found for error in schema.iter_errors(step)]


def test_no_url_has_a_query() -> None:
    """What must arrive stands in the path: carriers drop query strings."""

    assert "?" not in swml.documents(WANTED)[0].text


def test_a_known_call_s_url_leads_to_its_stream() -> None:
    """The sink's router reads the call id back, whatever characters it has."""

    url = swml.call_stream_url(WANTED, "v2:a/b c")

    route = streams.route(url.removeprefix(WANTED.sink_url))
    assert {"call_id": "v2:a/b c", "direction": "both"} == route.parameters
    assert swml.call_stream_url(replace(WANTED, sides=Sides.SPEAK), "c").endswith("/c/speak")


def test_there_is_one_url_per_tap() -> None:
    """The URLs are those of the document."""

    assert [step["tap"]["uri"] for step in steps(WANTED)] == list(swml.stream_urls(WANTED))


def test_a_known_call_has_a_url_per_side() -> None:
    """So that its recording can have two channels."""

    urls = swml.call_stream_urls(WANTED, "v2:a/b c")

    assert [("v2:a/b c", "speak"), ("v2:a/b c", "listen")] == [
        tuple(streams.route(url.removeprefix(WANTED.sink_url)).parameters.values()) for url in urls
    ]
