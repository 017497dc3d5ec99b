from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chalicelib.capture.events import Encoding
from chalicelib.carriers import registry as streams
from chalicelib.carriers.contract.document import Arrangement, Document, Sides
from chalicelib.carriers.signalwire import documents
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
    return main(*documents.documents(wanted)[:2])


def steps_for_trying(wanted: Arrangement) -> list[dict[str, Any]]:
    return main(*documents.documents(wanted)[2:])


def main(yaml_text: Document, json_text: Document) -> list[dict[str, Any]]:
    script = json.loads(json_text.text)
    assert script == yaml.safe_load(yaml_text.text)
    steps: list[dict[str, Any]] = script["sections"]["main"]
    return steps


def test_yaml_and_json_are_one_script() -> None:
    """The documents have their names and types, and the version stays a string in YAML."""

    written = documents.documents(WANTED)

    assert [
        ("swml.yaml", "application/yaml"),
        ("swml.json", "application/json"),
        ("swml-try.yaml", "application/yaml"),
        ("swml-try.json", "application/json"),
    ] == [(each.name, each.content_type) for each in written]
    assert ["1.0.0", "1.0.0"] == [yaml.safe_load(each.text)["version"] for each in written[::2]]


def test_the_last_line_says_that_the_customer_s_steps_must_follow() -> None:
    """What is pasted behind YAML's comment is part of the script; JSON has none, its note says it.

    No step of ours delays the customer's.
    """

    in_yaml, in_json = documents.documents(WANTED)[:2]

    assert in_yaml.text.endswith(f"\n  # {documents.NOTE}\n")
    assert documents.NOTE == in_json.note
    pasted = yaml.safe_load(in_yaml.text + "  - play: {url: 'say:Hello'}\n")
    assert ["tap", "tap", "play"] == [name for step in pasted["sections"]["main"] for name in step]


def test_a_script_for_trying_is_whole() -> None:
    """It answers, streams as the other one, and keeps the call for a minute."""

    in_yaml, in_json = documents.documents(WANTED)[2:]

    assert in_yaml.text.startswith(f"# {documents.TRYING_NOTE}\nversion:")
    assert documents.TRYING_NOTE == in_json.note
    assert [{"answer": {}}, *steps(WANTED), {"sleep": 60_000}] == steps_for_trying(WANTED)


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

    assert "?" not in documents.documents(WANTED)[0].text


def test_a_known_call_s_url_leads_to_its_stream() -> None:
    """The sink's router reads the call id back, whatever characters it has."""

    url = documents.call_stream_url(WANTED, "v2:a/b c")

    route = streams.route(url.removeprefix(WANTED.sink_url))
    assert {"call_id": "v2:a/b c", "direction": "both"} == route.parameters
    assert documents.call_stream_url(replace(WANTED, sides=Sides.SPEAK), "c").endswith("/c/speak")


def test_there_is_one_url_per_tap() -> None:
    """The URLs are those of the document."""

    assert [step["tap"]["uri"] for step in steps(WANTED)] == list(documents.stream_urls(WANTED))


def test_a_known_call_has_a_url_per_side() -> None:
    """So that its recording can have two channels."""

    urls = documents.call_stream_urls(WANTED, "v2:a/b c")

    assert [("v2:a/b c", "speak"), ("v2:a/b c", "listen")] == [
        tuple(streams.route(url.removeprefix(WANTED.sink_url)).parameters.values()) for url in urls
    ]
