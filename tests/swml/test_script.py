"""What a SWML script asks of us; SignalWire's schema is the other judge."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.errors import InvalidRequest
from chalicelib.recording.model import Direction, Format, RecordOptions
from chalicelib.swml.script import (
    MAX_SKIPPED,
    MAX_STEPS,
    ParseContext,
    RecordCall,
    Script,
    Skipped,
    StopRecordCall,
    StopTap,
    TapStep,
    parse_script,
)
from chalicelib.swml.text import read_json, read_yaml
from chalicelib.tapping.model import TapOptions
from tests.carriers.samples import ANY_JSON, FIXTURES, filled_in

SCHEMA = Draft202012Validator(
    json.loads((FIXTURES / "swml-tap-record.schema.json").read_text(encoding="utf-8"))
)
OUR_OWN = {"out_of_range", "unresolved_variable", "url_refused"}
"""what SignalWire takes and we refuse: bounds that its schema leaves open (lengths and characters
of ids and digits, seconds, ptime), variables, which it fills in and we can't, and URLs"""


def parse(*methods: object, **sections: list[object]) -> Script:
    """Read a script of these methods; made control ids are `made-1` and so on."""
    made = count(1)
    reading = ParseContext(new_id=lambda: f"made-{next(made)}")
    return parse_script({"sections": {"main": list(methods), **sections}}, reading)


def refusal(document: object) -> tuple[str, str]:
    """Return code and message of what is refused."""
    with pytest.raises(InvalidRequest) as refused:
        parse_script(document, ParseContext(new_id=str))
    return refused.value.code, refused.value.message


def example(name: str) -> Script:
    """Read a documented example."""
    made = count(1)
    document = read_yaml((FIXTURES / "swml" / f"{name}.yaml").read_bytes())
    assert document == read_json((FIXTURES / "swml" / f"{name}.json").read_bytes())
    return parse_script(document, ParseContext(new_id=lambda: f"made-{next(made)}"))


def test_the_documented_tap_is_a_tap() -> None:
    """Its defaults are SWML's, and it gets a control id."""

    options = TapOptions(uri="wss://example.com/tap")
    assert (TapStep(path="sections.main[0].tap", control_id="made-1", options=options),) == example(
        "tap"
    ).steps


def test_the_documented_recording_is_a_recording() -> None:
    """An MP3 of both sides."""

    options = RecordOptions(format=Format.MP3)
    assert (
        RecordCall(path="sections.main[0].record_call", control_id="made-1", options=options),
    ) == example("record-mp3").steps


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("record-and-play", RecordOptions(beep=True, terminators="#")),
        ("record-speaker", RecordOptions(beep=True, direction=Direction.SPEAK)),
    ],
)
def test_what_plays_between_is_skipped(name: str, options: RecordOptions) -> None:
    """A variable in a method that isn't ours is nobody's fault."""

    expected = Script(
        steps=(
            RecordCall(path="sections.main[0].record_call", control_id="made-1", options=options),
            StopRecordCall(path="sections.main[2].stop_record_call", control_id=None),
        ),
        skipped=(
            Skipped(path="sections.main[1].play", method="play"),
            Skipped(path="sections.main[3].play", method="play"),
        ),
    )

    assert expected == example(name)


@pytest.mark.parametrize("stop", ["stop_record_call", {"stop_record_call": None}])
def test_a_method_without_properties_may_be_a_bare_word(stop: object) -> None:
    """Or have nothing after its colon."""

    path = "sections.main[0].stop_record_call"
    assert (StopRecordCall(path=path, control_id=None),) == parse(stop).steps


@pytest.mark.parametrize(
    ("stop", "control_id"),
    [
        ("stop_call_record", None),
        ({"stop_call_record": None}, None),
        ({"stop_call_record": {"control_id": "mine"}}, "mine"),
    ],
)
def test_a_stop_may_have_the_name_that_the_documents_once_give_it(
    stop: object, control_id: str | None
) -> None:
    """`stop_call_record` is `stop_record_call`; its path is as it was written."""

    step = StopRecordCall(path="sections.main[0].stop_call_record", control_id=control_id)
    assert Script(steps=(step,), skipped=()) == parse(stop)


def test_the_text_of_a_boolean_or_number_is_one() -> None:
    """SignalWire fills variables in as text; ours become what they stand for."""

    script = read_yaml(
        b"""sections: {main: [
          {record_call: {stereo: "true", beep: 'false', max_length: "300", control_id: "7"}},
          {tap: {uri: "wss://example.com/t", rtp_ptime: "60", control_id: "8"}}]}"""
    )

    recording, tap = parse_script(script, ParseContext(new_id=str)).steps
    assert RecordOptions(stereo=True, max_length_s=300.0) == recording.options  # type: ignore[union-attr]  # a RecordCall
    assert 60 == tap.options.rtp_ptime_ms  # type: ignore[union-attr]  # a TapStep
    assert ("7", "8") == (recording.control_id, tap.control_id)


def test_a_variable_of_the_script_itself_is_filled_in() -> None:
    """`record_control_id` and `tap_control_id` are those of the method before."""

    script = parse(
        {"record_call": {}},
        {"record_call": {"control_id": "mine"}},
        {"tap": {"uri": "wss://example.com/tap"}},
        {"stop_record_call": {"control_id": "${record_control_id}"}},
        {"stop_tap": {"control_id": "%{tap_control_id}"}},
    )

    assert (
        StopRecordCall(path="sections.main[3].stop_record_call", control_id="mine"),
        StopTap(path="sections.main[4].stop_tap", control_id="made-2"),
    ) == script.steps[3:]


def test_what_lies_elsewhere_is_named_and_not_run() -> None:
    """In branches, in other sections: nobody knows here whether SWML would go there."""

    branches = [{"when": "x", "then": [{"record_call": {}}]}, {"else": [{"play": {}}]}]
    case = {"case": {"a": ["hangup"]}, "default": [{"stop_tap": {}}, {"stop_call_record": {}}]}

    script = parse(
        {"cond": branches}, {"switch": case}, "hangup", later=[{"tap": {"uri": 7}}, "answer"]
    )

    assert () == script.steps
    assert [
        ("sections.main[0].cond", "cond"),
        ("sections.main[0].cond[0].then[0].record_call", "record_call"),
        ("sections.main[1].switch", "switch"),
        ("sections.main[1].switch.default[0].stop_tap", "stop_tap"),
        ("sections.main[1].switch.default[1].stop_call_record", "stop_call_record"),
        ("sections.main[2].hangup", "hangup"),
        ("sections.later[0].tap", "tap"),
        ("sections.later[1].answer", "answer"),
    ] == [(skipped.path, skipped.method) for skipped in script.skipped]


@pytest.mark.parametrize(
    ("step", "code", "path"),
    [
        ({"record_call": {"format": "ogg"}}, "out_of_range", ".record_call.format: "),
        ({"record_call": {"formet": "ogg"}}, "unknown_property", ".record_call.formet: "),
        (
            {"record_call": {"stereo": "yes"}},
            "wrong_type",
            '.record_call.stereo: stereo must be true or false, not "yes"',
        ),
        ({"record_call": {"max_length": "1e999"}}, "out_of_range", ".record_call.max_length: "),
        ({"tap": {"uri": "wss://a.b", "rtp_ptime": "x"}}, "wrong_type", ".tap.rtp_ptime: "),
        ({"stop_call_record": {"id": "a"}}, "unknown_property", ".stop_call_record.id: "),
        ({"stop_call_record": "a"}, "wrong_type", ".stop_call_record: "),
        ({"record_call": {"stereo": "${a}"}}, "unresolved_variable", ".record_call.stereo: "),
        ({"record_call": {7: 1}}, "unknown_property", ".record_call.7: "),
        ({"record_call": {"status_url": "ftp://a.b"}}, "url_refused", ".record_call.status_url: "),
        ({"record_call": "loud"}, "wrong_type", ".record_call: "),
        ({"stop_record_call": {"control_id": " "}}, "out_of_range", ".stop_record_call.control_id"),
        ({"stop_tap": {"id": "a"}}, "unknown_property", ".stop_tap.id: "),
        ("tap", "missing_property", ".tap.uri: tap needs a uri"),
        ({"tap": {"uri": "wss://10.0.0.1"}}, "url_refused", ".tap.uri: "),
        ({"tap": {}, "stop_tap": {}}, "not_swml", ": not one method"),
        ({}, "not_swml", ": not one method"),
        (None, "not_swml", ": not one method"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(step: object, code: str, path: str) -> None:
    """Even if what stands before it could run."""

    found = refusal({"sections": {"main": ["answer", {"record_call": {}}, step]}})

    assert code == found[0]
    assert found[1].startswith(f"sections.main[2]{path}"), found[1]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (None, "the document: "),
        ([], "the document: "),
        ({}, "sections: "),
        ({"sections": []}, "sections: "),
        ({"sections": {"other": []}}, "sections: "),
        ({"sections": {"main": {}}}, "sections.main: "),
        ({"sections": {"main": [], "later": None}}, "sections.later: "),
        ({"sections": {"main": [], "later": [3]}}, "sections.later[0]: "),
        ({"version": "2.0.0", "sections": {"main": []}}, "version: "),
        ({"sections": {"main": []}, "title": "x"}, "title: "),
    ],
)
def test_what_is_no_script_is_refused(document: object, path: str) -> None:
    """Its shape is SWML's: a version, and sections that are lists of methods."""

    code, message = refusal(document)

    assert "not_swml" == code
    assert message.startswith(path)


def test_a_script_has_so_many_methods() -> None:
    """What is skipped doesn't count."""

    most = [{"record_call": {}}] * MAX_STEPS

    assert MAX_STEPS == len(parse(*most, *["play"] * 30).steps)
    assert "too_many_methods" == refusal({"sections": {"main": [*most, "stop_record_call"]}})[0]


# --- both judges ---

_VARIABLE = st.sampled_from(["${a}", "%{a.b}"])
_BOOLEAN = st.booleans() | st.sampled_from(["true", "false", "yes", "True"]) | _VARIABLE
_NUMBER_TEXT = st.sampled_from(["0", "20", "44.5", "3e1", "-1", "1e999", "NaN", " 30", "abc"])
_PROPERTIES = {
    "control_id": st.text(max_size=6) | st.sampled_from(["a", "b 1", "x" * 129]),
    "stereo": _BOOLEAN,
    "format": st.sampled_from(["wav", "mp3", "mp4", "ogg", "WAV"]),
    "direction": st.sampled_from(["speak", "listen", "both", "mixed"]),
    "terminators": st.sampled_from(["", "#*", "0123456789ABCD*#", "e", "#" * 17]),
    "beep": _BOOLEAN,
    "input_sensitivity": st.floats(-1, 101) | st.integers(-1, 101) | _NUMBER_TEXT | _VARIABLE,
    "initial_timeout": st.floats(-1, 50_000) | _NUMBER_TEXT | _VARIABLE,
    "end_silence_timeout": st.integers(-1, 50_000) | _NUMBER_TEXT | _VARIABLE,
    "max_length": st.floats(-1, 50_000) | _NUMBER_TEXT | _VARIABLE,
    "status_url": st.sampled_from(["https://example.com/s", "http://a.b", "", "x"]),
    "uri": st.sampled_from(["wss://example.com/t", "rtp://192.0.2.1:9", "rtp://8.8.8.8:4000", "x"]),
    "codec": st.sampled_from(["PCMU", "PCMA", "OPUS"]),
    "rtp_ptime": st.sampled_from([10, 20, 20.0, 25, 120, 130, 20.5]) | _NUMBER_TEXT | _VARIABLE,
    "extra": st.just(1),
}
_OF = {
    "record_call": [key for key in _PROPERTIES if key not in ("uri", "codec", "rtp_ptime")],
    "stop_record_call": ["control_id", "extra"],
    "tap": ["uri", "control_id", "direction", "codec", "rtp_ptime", "status_url", "extra"],
    "stop_tap": ["control_id", "extra"],
}


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    """A method with some of its properties, most of them right."""
    method = draw(st.sampled_from(sorted(_OF)))
    keys = draw(st.sets(st.sampled_from(_OF[method]), max_size=4))
    if method == "tap" and draw(st.booleans()):
        keys.add("uri")
    wild = draw(st.integers(0, 9)) == 0
    return {method: {key: draw(ANY_JSON if wild else _PROPERTIES[key]) for key in keys}}


def judged(document: object) -> str:
    """Return the code of a refusal; empty: it is taken."""
    try:
        parse_script(document, ParseContext(new_id=lambda: "made"))
    except InvalidRequest as error:
        return error.code
    return ""


_MAY_BE_TEXT = {
    *("stereo", "beep", "input_sensitivity", "initial_timeout", "end_silence_timeout"),
    *("max_length", "rtp_ptime"),
}
"""booleans and numbers; what the schema takes for them as text is a variable"""


def with_variables_filled_in(step: dict[str, Any]) -> dict[str, Any]:
    """Return a method as it is where its texts are what a variable stood for."""
    ((method, body),) = step.items()
    return {
        method: {
            key: filled_in(value) if key in _MAY_BE_TEXT else value for key, value in body.items()
        }
    }


@given(steps())
def test_we_take_what_the_schema_takes_and_nothing_else(step: dict[str, Any]) -> None:
    """Both judges agree, save where our own reasons say no."""

    ours = judged({"sections": {"main": [step]}})

    assert (ours == "") <= SCHEMA.is_valid(with_variables_filled_in(step)), step
    assert SCHEMA.is_valid(step) <= (ours in {"", *OUR_OWN}), ours


@pytest.mark.parametrize("name", sorted(path.stem for path in (FIXTURES / "swml").glob("*.json")))
def test_the_schema_takes_the_examples_too(name: str) -> None:
    """What we run of a documented example is valid by the official schema."""

    document: Any = read_json((FIXTURES / "swml" / f"{name}.json").read_bytes())
    ours = [step for step in document["sections"]["main"] if "play" not in step]

    assert [] == [error for step in ours for error in SCHEMA.iter_errors(step)]


@given(ANY_JSON)
def test_any_document_parses_or_is_refused(document: object) -> None:
    """Nothing but InvalidRequest is raised, wherever in a script it stands."""

    for whole in (document, {"sections": document}, {"sections": {"main": [document]}}):
        judged(whole)


def test_a_bare_word_in_a_branch_is_skipped_by_name() -> None:
    """As it is in a section; a text that is no method of ours isn't named."""

    branches = [{"when": "true", "then": ["stop_call_record", "hangup", {"stop_tap": {}}]}]

    assert [
        ("sections.main[0].cond", "cond"),
        ("sections.main[0].cond[0].then[0].stop_call_record", "stop_call_record"),
        ("sections.main[0].cond[0].then[2].stop_tap", "stop_tap"),
    ] == [(one.path, one.method) for one in parse({"cond": branches}).skipped]


@pytest.mark.parametrize(
    "sections",
    [
        {"main": [{"cond": [{"k" * 1000: ["tap"] * (MAX_SKIPPED // 1000)}]}]},
        {"main": [], "k" * 1000: ["hangup"] * (MAX_SKIPPED // 1000)},
    ],
)
def test_no_more_is_skipped_than_an_answer_can_hold(sections: dict[str, object]) -> None:
    """The path of each repeats the keys above it: 60 kB of SWML would be answered by 60 MB."""

    code, message = refusal({"sections": sections})

    assert ("too_many_methods", True) == (code, message.startswith("the document: the paths of"))


def test_a_document_full_of_methods_can_be_answered() -> None:
    """64 KiB have room for as many."""

    assert 5_000 == len(parse(*["hangup"] * 5_000).skipped)
