from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.carriers.contract.document import Sides
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.recording.model import Direction, Format, Profile, RecordOptions
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.services.calls import instructions
from chalicelib.services.calls.instructions import Deployment, Wish, parse_wish
from tests.carriers.samples import FIXTURES

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
KEYS = [b"k" * 32]
DEPLOYMENT = Deployment(
    public_url="https://api.example.com/api", sink_url="wss://sink.example.com", token_keys=KEYS
)
PROFILE = Profile(
    account="main",
    name="office",
    dialect="signalwire-tap",
    carrier="signalwire",
    record_call=RecordOptions(direction=Direction.SPEAK),
    labels={"desk": "7"},
    created_at=NOON,
)
NOTHING = Wish(labels={})
SCHEMA = Draft202012Validator(
    json.loads((FIXTURES / "swml-tap-record.schema.json").read_text(encoding="utf-8"))
)


def test_the_description_has_urls_documents_and_the_token_s_end() -> None:
    """Everything that the carrier must be told, in one answer."""

    told = instructions.describe(PROFILE, NOTHING, DEPLOYMENT, NOON)

    assert ("office", "signalwire-tap") == (told["profile"], told["dialect"])
    assert [told["stream_url"]] == told["stream_urls"]
    names = {"swml.yaml", "swml.json", "swml-try.yaml", "swml-try.json"}
    assert names == set(told["documents"]) == set(told["notes"])  # type: ignore[call-overload]
    assert (NOON + instructions.TOKEN_FOR).isoformat() == told["token_expires_at"]


@pytest.mark.parametrize("query", [{}, *({"sides": side} for side in Sides)])
@pytest.mark.parametrize("options", [None, RecordOptions(stereo=True, format=Format.MP4)])
def test_a_profile_s_script_follows_the_carrier_s_schema(
    query: dict[str, str], options: RecordOptions | None
) -> None:
    """SignalWire's own JSON schema takes each step of it, whatever is asked for."""

    wish = parse_wish({**query, "record_call": "true", "label.team": "a"})
    profile = replace(PROFILE, record_call=options)
    told: Any = instructions.describe(profile, wish, DEPLOYMENT, NOON)

    script = json.loads(told["documents"]["swml.json"])
    steps = script["sections"]["main"]
    assert {"version": "1.0.0", "sections": {"main": steps}} == script
    assert [] == [error for step in steps for error in SCHEMA.iter_errors(step)]
    assert "record_call" in steps[-1]


def test_the_token_opens_the_profile() -> None:
    """The hook's path ends in a token that names the profile."""

    hook = str(instructions.describe(PROFILE, NOTHING, DEPLOYMENT, NOON)["hook_url"])

    base, token = hook.rsplit("/", 1)
    assert "https://api.example.com/api/hooks/signalwire" == base
    assert "office" == tokens.verify(KEYS, token, TokenKind.PROFILE, NOON).subject


def test_the_sides_are_those_that_the_profile_records() -> None:
    """Without a wish, the carrier streams what the default options record."""

    arranged = instructions.arrange(PROFILE, NOTHING, DEPLOYMENT, NOON)
    on_request = instructions.arrange(replace(PROFILE, record_call=None), NOTHING, DEPLOYMENT, NOON)

    assert (Sides.SPEAK, Sides.BOTH) == (arranged.sides, on_request.sides)


def test_a_wish_is_read_from_the_query() -> None:
    """Sides, the carrier's own recording and labels can be asked for."""

    wish = parse_wish({"sides": "mixed", "record_call": "true", "label.team": "a"})
    arranged = instructions.arrange(PROFILE, wish, DEPLOYMENT, NOON)

    assert Sides.MIXED is arranged.sides
    assert PROFILE.record_call == arranged.carrier_records
    assert {"desk": "7", "team": "a"} == arranged.labels


@pytest.mark.parametrize("query", [{"sides": "left"}, {"record_call": "yes"}])
def test_a_wish_that_can_t_be_read_is_refused(query: dict[str, str]) -> None:
    """The message names the parameter."""

    with pytest.raises(InvalidRequest, match=next(iter(query))):
        parse_wish(query)


def test_one_document_is_found_by_its_name() -> None:
    """A document comes with its media type; an unknown name says which there are."""

    found = instructions.document(PROFILE, "swml.json", NOTHING, DEPLOYMENT, NOON)

    assert "application/json" == found.content_type
    with pytest.raises(NotFound, match=r"swml\.yaml, swml\.json"):
        instructions.document(PROFILE, "bxml", NOTHING, DEPLOYMENT, NOON)


def test_a_known_call_has_one_stream_url() -> None:
    """`record_call` answers with where that very call shall stream to."""

    url = instructions.call_stream_url(
        PROFILE, "c 1", RecordOptions(direction=Direction.LISTEN), DEPLOYMENT, NOON
    )

    assert url.endswith("/c%201/listen")


@pytest.mark.parametrize(
    ("options", "sides"),
    [
        (RecordOptions(stereo=True), ["speak", "listen"]),
        (RecordOptions(stereo=True, direction=Direction.LISTEN), ["listen"]),
        (RecordOptions(), ["both"]),
        (RecordOptions(direction=Direction.SPEAK), ["speak"]),
    ],
)
def test_two_channels_need_two_stream_urls(options: RecordOptions, sides: list[str]) -> None:
    """A tap is one track; who records one channel needs one."""

    urls = instructions.call_stream_urls(PROFILE, "c-1", options, DEPLOYMENT, NOON)

    assert sides == [url.rsplit("/", 1)[1] for url in urls]


def test_a_token_ends_when_the_description_says_so() -> None:
    """A token's life ends at its stated instant."""

    hook = str(instructions.describe(PROFILE, NOTHING, DEPLOYMENT, NOON)["hook_url"])
    after = NOON + instructions.TOKEN_FOR + timedelta(seconds=1)

    with pytest.raises(Exception, match="expired"):
        tokens.verify(KEYS, hook.rsplit("/", 1)[1], TokenKind.PROFILE, after)
