"""record_call's properties: SWML's schema is the reference, ours is stricter where we say so."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest, UrlRefused
from chalicelib.recording.model import Direction, Format, RecordOptions
from chalicelib.recording.options import MAX_SECONDS, parse_record_call, to_json
from chalicelib.security.url_guard import UrlPolicy
from tests.carriers.samples import filled_in

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "swml-tap-record.schema.json").read_text()
)
RECORD_CALL = SCHEMA["$defs"]["RecordCall"]["properties"]["record_call"]["properties"]
TIMEOUTS = ["initial_timeout", "end_silence_timeout", "max_length"]


def refusal(body: dict[str, object]) -> tuple[str, str]:
    """Return code and message of what is refused."""
    with pytest.raises(InvalidRequest) as refused:
        parse_record_call(body)
    return refused.value.code, refused.value.message


def test_gives_the_defaults_for_nothing() -> None:
    """An empty body is a recording with SWML's defaults and no control id."""

    assert (None, RecordOptions()) == parse_record_call({})


def test_reads_every_property() -> None:
    """Each property lands in its field; whole numbers count as numbers."""

    body = {
        "control_id": "recording_001",
        "stereo": True,
        "format": "mp3",
        "direction": "speak",
        "terminators": "#*1D",
        "beep": True,
        "input_sensitivity": 60,
        "initial_timeout": 4.5,
        "end_silence_timeout": 2,
        "max_length": 3600,
        "status_url": "https://example.com/record-call-status",
    }

    assert (
        "recording_001",
        RecordOptions(
            stereo=True,
            format=Format.MP3,
            direction=Direction.SPEAK,
            terminators="#*1D",
            beep=True,
            input_sensitivity=60.0,
            initial_timeout_s=4.5,
            end_silence_timeout_s=2.0,
            max_length_s=3600.0,
            status_url="https://example.com/record-call-status",
        ),
    ) == parse_record_call(body)


def test_takes_the_documented_message() -> None:
    """The sample of the carrier's documents is read as it stands."""

    control_id, options = parse_record_call(
        {
            "control_id": "recording_001",
            "stereo": True,
            "format": "wav",
            "direction": "both",
            "terminators": "",
            "beep": False,
            "input_sensitivity": 44.0,
            "initial_timeout": 0.0,
            "end_silence_timeout": 0.0,
            "max_length": 3600,
            "status_url": "https://recorder.example.com/signalwire/status",
        }
    )

    assert ("recording_001", True, 3600.0) == (control_id, options.stereo, options.max_length_s)


def test_knows_the_schemas_properties_and_no_others() -> None:
    """Property names are exactly the schema's."""

    ours = {"control_id", "status_url", *to_json(RecordOptions())}

    assert set(RECORD_CALL) == ours


def test_has_the_schemas_defaults() -> None:
    """Each default that the schema names is ours."""

    defaults = to_json(RecordOptions())

    assert {name: rule["default"] for name, rule in RECORD_CALL.items() if "default" in rule} == {
        name: defaults[name] for name, rule in RECORD_CALL.items() if "default" in rule
    }


@pytest.mark.parametrize("name", RECORD_CALL)
def test_takes_the_schemas_examples(name: str) -> None:
    """Every example in the schema parses."""

    for example in RECORD_CALL[name]["examples"]:
        parse_record_call({name: example})


WRONG_TYPES = [
    (name, wrong)
    for names, wrongs in (
        (["stereo", "beep"], [0, 1, "yes", "True", "1", "", " true ", None, [], {}]),
        (
            ["input_sensitivity", *TIMEOUTS],
            [True, False, "abc", "NaN", " 30 ", "٣٠", "", "true", None, [], {}],
        ),
        (
            ["control_id", "format", "direction", "terminators", "status_url"],
            [1, True, None, [], {}],
        ),
    )
    for name in names
    for wrong in wrongs
]


@pytest.mark.parametrize(("name", "wrong"), WRONG_TYPES)
def test_refuses_a_wrong_type(name: str, wrong: object) -> None:
    """A value of another type is refused under its key; true isn't a number, null is no value."""

    code, message = refusal({name: wrong})

    assert "wrong_type" == code
    assert message.startswith(name)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        *(("stereo", *row) for row in (("true", True), ("false", False))),
        *(("beep", *row) for row in (("true", True), ("false", False))),
        *(("input_sensitivity", *row) for row in (("0", 0.0), ("44.5", 44.5), ("1e2", 100.0))),
        *((name, *row) for name in TIMEOUTS for row in (("300", 300.0), ("0.5", 0.5), ("0", 0.0))),
    ],
)
def test_takes_the_text_of_booleans_and_numbers(name: str, given: str, expected: object) -> None:
    """As SignalWire does with a variable that it filled in; an option is never kept as text."""

    _, options = parse_record_call({name: given})

    shown = to_json(options)[name]
    assert (expected, type(expected)) == (shown, type(shown))


OUT_OF_RANGE: list[tuple[str, object]] = [
    ("format", "ogg"),
    ("format", "WAV"),
    ("format", ""),
    ("direction", "inbound"),
    ("direction", "Both"),
    ("terminators", "x"),
    ("terminators", "a"),
    ("terminators", "1 2"),
    ("terminators", "١"),
    ("terminators", "#\n"),
    ("terminators", "1" * 17),
    ("input_sensitivity", -0.1),
    ("input_sensitivity", 100.1),
    ("input_sensitivity", math.nan),
    ("input_sensitivity", math.inf),
    ("control_id", ""),
    ("control_id", " "),
    ("control_id", " a"),
    ("control_id", "a "),
    ("control_id", "a\nb"),
    ("control_id", "a\n"),
    ("control_id", "ä"),
    ("control_id", "a" * 129),
    *((name, number) for name in TIMEOUTS for number in (-1, -0.001, MAX_SECONDS + 1, 10**400)),
    *((name, number) for name in TIMEOUTS for number in (math.nan, math.inf, -math.inf)),
    *((name, text) for name in TIMEOUTS for text in ("-1", "1e999", "43201", "9" * 5_000)),
    *(("input_sensitivity", text) for text in ("-1", "100.1", "1e999")),
]


@pytest.mark.parametrize(("name", "wrong"), OUT_OF_RANGE)
def test_refuses_what_is_out_of_range(name: str, wrong: object) -> None:
    """A value outside its range is refused under its key."""

    code, message = refusal({name: wrong})

    assert "out_of_range" == code
    assert message.startswith(name)


IN_RANGE: list[tuple[str, object]] = [
    ("control_id", "a"),
    ("control_id", "a b/c%20~"),
    ("control_id", "a" * 128),
    ("terminators", "0123456789*#ABCD"),
    ("input_sensitivity", 0),
    ("input_sensitivity", 100.0),
    *((name, number) for name in TIMEOUTS for number in (0, 0.0, -0.0, 0.5, MAX_SECONDS)),
]


@pytest.mark.parametrize(("name", "right"), IN_RANGE)
def test_takes_the_ends_of_a_range(name: str, right: object) -> None:
    """Both ends belong to a range."""

    parse_record_call({name: right})


@pytest.mark.parametrize("name", RECORD_CALL)
@pytest.mark.parametrize("variable", ["${call.call_id}", "%{vars.x}", "${}", "a${b}c"])
def test_refuses_a_variable_left_in_a_value(name: str, variable: str) -> None:
    """A variable that the carrier should have filled in is told as such, whatever the property."""

    code, message = refusal({name: variable})

    assert "unresolved_variable" == code
    assert message.startswith(name)


@pytest.mark.parametrize("name", ["Stereo", "max-length", "controlId", "", "url"])
def test_refuses_an_unknown_property(name: str) -> None:
    """A key that isn't SWML's is refused by its name, not ignored."""

    assert ("unknown_property", f"record_call has no property {name!r}") == refusal({name: 1})


def test_refuses_a_status_url_that_the_guard_refuses() -> None:
    """A private address is refused where the URL is given, not only where it is called."""

    with pytest.raises(UrlRefused) as refused:
        parse_record_call({"status_url": "https://169.254.169.254/latest"})

    assert "url_refused" == refused.value.code
    assert refused.value.message.startswith("status_url")


def test_takes_what_the_deployment_allows() -> None:
    """The deployment's policy decides about http."""

    policy = UrlPolicy(http_allowed=True)

    _, options = parse_record_call({"status_url": "http://example.com/x"}, policy=policy)

    assert "http://example.com/x" == options.status_url


def test_shows_options_in_swmls_names() -> None:
    """An answer has every property, and the status_url only where one was given."""

    assert {
        "stereo": False,
        "format": "mp4",
        "direction": "listen",
        "terminators": "",
        "beep": False,
        "input_sensitivity": 44.0,
        "initial_timeout": 0.0,
        "end_silence_timeout": 0.0,
        "max_length": 1.5,
    } == to_json(RecordOptions(format=Format.MP4, direction=Direction.LISTEN, max_length_s=1.5))


SECONDS = st.floats(0, MAX_SECONDS) | st.integers(0, int(MAX_SECONDS))
VALID = st.fixed_dictionaries(
    {},
    optional={
        "control_id": st.from_regex(r"[!-#&-~][ -#&-~]{0,126}[!-#&-~]", fullmatch=True),
        "stereo": st.booleans(),
        "format": st.sampled_from(["wav", "mp3", "mp4"]),
        "direction": st.sampled_from(["speak", "listen", "both"]),
        "terminators": st.text("0123456789*#ABCD", max_size=16),
        "beep": st.booleans(),
        "input_sensitivity": st.floats(0, 100),
        "initial_timeout": SECONDS,
        "end_silence_timeout": SECONDS,
        "max_length": SECONDS,
        "status_url": st.sampled_from(["https://example.com/", "https://a.example:8443/b?c=d"]),
    },
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["${a}", "%{b}", "wav", "both", "#", "https://example.com/"])
    | st.lists(st.integers(), max_size=2)
)


@given(VALID)
def test_shows_what_it_read(body: dict[str, object]) -> None:
    """What an answer shows reads back as the same options."""

    control_id, options = parse_record_call(body)

    assert (None, options) == parse_record_call(to_json(options))
    assert body.get("control_id") == control_id


@given(st.dictionaries(st.sampled_from(sorted(RECORD_CALL)) | st.text(max_size=8), VALUES))
def test_refuses_whatever_the_schema_refuses(body: dict[str, object]) -> None:
    """What parses is valid by SWML's schema; anything else is one of the four refusals."""

    try:
        parse_record_call(body)
    except UrlRefused:
        return
    except InvalidRequest as error:
        code, is_valid = error.code, False
    else:
        code, is_valid = "", all(_fits(RECORD_CALL[name], value) for name, value in body.items())

    codes = {"unknown_property", "wrong_type", "out_of_range", "unresolved_variable"}
    assert is_valid or code in codes


def _fits(rule: dict[str, object], value: object) -> bool:
    """Whether a value fits one of the schema's rules: the few keywords that it uses."""
    alternatives = rule.get("anyOf", [rule])
    assert isinstance(alternatives, list)
    return any(_fits_one(alternative, value) for alternative in alternatives)


def _fits_one(rule: dict[str, object], value: object) -> bool:
    if rule.get("type") in ("boolean", "number"):
        value = filled_in(value)
    if "$ref" in rule:
        variable = SCHEMA["$defs"]["SWMLVar"]["pattern"]
        return isinstance(value, str) and re.search(variable, value) is not None
    if "const" in rule:
        return rule["const"] == value
    if rule["type"] == "boolean":
        return isinstance(value, bool)
    if rule["type"] == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)
