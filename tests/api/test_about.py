from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import app
from chalicelib.carriers import registry
from chalicelib.recording import keys
from chalicelib.recording.model import Interval, State
from tests.api.conftest import Api
from tests.api.test_recordings import finished
from tests.samples import (
    CALL,
    a_call,
    a_profile,
    a_recording,
    a_stream,
    an_announcement,
    an_event,
    an_inbound_event,
)

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "chalicelib" / "api" / "openapi.json").read_text()
)

SCRIPT = {
    "sections": {
        "main": [
            {"record_call": {"control_id": "x"}},
            {"record_call": {"control_id": "live", "stereo": True}},
            "answer",
            "stop_record_call",
        ]
    }
}


def test_the_document_is_served_to_anybody(api: Api) -> None:
    """No key is needed to read what the API offers."""

    response = api.get("/v1/openapi.json", headers={})

    assert (200, DOCUMENT) == (response.status_code, response.json_body)
    assert "application/json" == response.headers["Content-Type"]


def test_the_document_is_openapi() -> None:
    """OpenAPI 3.1's own rules hold."""

    assert [] == list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


def test_the_document_covers_every_route_and_no_other() -> None:
    """Paths and methods are those of the app."""

    routes = {(path, method.lower()) for path, by in app.routes.items() for method in by}
    documented = {(path, method) for path, by in DOCUMENT["paths"].items() for method in by}

    assert set() == routes - documented, (
        "describe these in infra/openapi/paths, then run make openapi: operationId (the view's"
        " name), parameters,"
        " body, every status; and ask each in test_answers_are_as_documented"
    )
    assert set() == documented - routes, "nothing answers these any more: take them out"


def test_operations_are_named_as_their_views() -> None:
    """One name in the document, the code and the logs."""

    views = {entry.view_name for by in app.routes.values() for entry in by.values()}
    operations = {op["operationId"] for by in DOCUMENT["paths"].values() for op in by.values()}

    assert views == operations


def test_the_document_names_every_carrier() -> None:
    """The values that a parameter may have are those of the registry."""
    rows, paths = registry.ROWS, DOCUMENT["paths"]
    with_basic = [name for name, row in rows.items() if row.asks_basic]
    documents = [name for row in rows.values() for name in row.documents]

    assert list(rows) == _values(paths["/hooks/{carrier}/{token}"]["post"], "carrier")
    assert with_basic == _values(paths["/hooks-basic/{carrier}/{token}"]["post"], "carrier")
    assert documents == _values(paths["/v1/profiles/{name}/instructions"]["get"], "document")
    for schema in ("Profile", "NewProfile"):
        dialect = DOCUMENT["components"]["schemas"][schema]["properties"]["dialect"]
        assert list(registry.DIALECTS) == _resolved(dialect)["enum"]


def _values(operation: dict[str, Any], parameter: str) -> list[str]:
    schemas = {one["name"]: one["schema"] for one in operation["parameters"] if "name" in one}
    values: list[str] = _resolved(schemas[parameter])["enum"]
    return values


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return named


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def documented(method: str, path: str, status: int) -> dict[str, Any]:
    """Return the schema of an answer; the path is a real one."""
    for template, operations in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, urlsplit(path).path) and method in operations:
            response = operations[method]["responses"][str(status)]
            if "$ref" in response:
                response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            schema: dict[str, Any] = response["content"]["application/json"]["schema"]
            return schema
    raise AssertionError(f"{method} {path} is not documented")


def fill(api: Api) -> str:
    api.core.call_life.join(a_call(), a_stream())
    api.core.inbox.accept(an_inbound_event(), None, an_announcement(), None)
    api.core.recordings.create(finished(), an_event(a_recording()), None)
    other = a_recording(recording_id="r-2", control_id="control-2", state=State.ERROR)
    api.core.recordings.create(other, an_event(other), None)
    live = a_recording(
        recording_id=keys.recording_id(CALL.key, "live"),
        control_id="live",
        intervals=(Interval(),),
    )
    api.core.recordings.create(live, an_event(live), None)
    api.core.calls.ensure(a_call(ref=replace(CALL, call_id="c-2"), open=False))
    api.core.profiles.create(a_profile())
    return finished().recording_id


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/v1/health", None, 200),
        ("get", "/v1/profiles", None, 200),
        ("get", "/v1/profiles/front", None, 200),
        ("post", "/v1/profiles", {"name": "n", "dialect": "bandwidth"}, 201),
        ("post", "/v1/profiles", {"name": "front", "dialect": "bandwidth"}, 409),
        ("post", "/v1/profiles", {}, 400),
        ("patch", "/v1/profiles/front", {"labels": {"a": "b"}}, 200),
        ("get", "/v1/profiles/front/instructions", None, 200),
        ("get", "/v1/profiles/nobody/instructions", None, 404),
        ("get", "/v1/recordings", None, 200),
        ("get", "/v1/recordings?limit=0", None, 400),
        ("get", "/v1/recordings/{id}", None, 200),
        ("get", "/v1/recordings/{id}/events", None, 200),
        ("get", "/v1/recordings/{id}/download?format=mp3", None, 404),
        ("get", "/v1/recordings/r-2/download", None, 409),
        ("get", "/v1/recordings/{id}/proof", None, 404),
        ("get", "/v1/recordings/r-2/proof", None, 409),
        ("get", "/v1/recordings/{id}/proof?as=pdf", None, 400),
        ("post", "/v1/recordings/{id}/redeliver", {}, 404),
        ("delete", "/v1/recordings/nothing", None, 404),
        ("post", "/v1/recordings/{id}/renditions", {"format": "wav"}, 200),
        ("post", "/v1/recordings/{id}/renditions", {"format": "mp3"}, 410),
        ("post", "/v1/recordings/{id}/renditions", {"format": "ogg"}, 400),
        ("post", "/v1/recordings/r-2/renditions", {"format": "mp3"}, 409),
        ("get", "/v1/calls", None, 200),
        ("get", "/v1/calls/c-1", None, 200),
        ("get", "/v1/calls/nothing", None, 404),
        ("post", "/v1/calls/c-9/record_call", {"format": "mp4"}, 201),
        ("post", "/v1/calls/c-9/record_call", {"stereo": "true", "max_length": "300"}, 201),
        ("post", "/v1/calls/c-1/record_call", {"control_id": "x"}, 201),
        ("post", "/v1/calls/c-1/record_call", {"control_id": "control-2"}, 201),
        ("post", "/v1/calls/c-1/record_call", {"control_id": "live", "stereo": True}, 409),
        ("post", "/v1/calls/c-1/record_call/live/pause", {"behavior": "silence"}, 200),
        ("post", "/v1/calls/c-1/record_call/live/pause", {"behavior": "noise"}, 400),
        ("post", "/v1/calls/c-1/record_call/live/resume", {}, 200),
        ("post", "/v1/calls/c-1/record_call/nobody/resume", {}, 404),
        ("post", "/v1/calls/c-1/record_call/live/discard", {}, 200),
        ("post", "/v1/calls/c-1/record_call/control-1/discard", {}, 409),
        ("post", "/v1/calls/c-1/record_call/control-1/pause", {}, 409),
        ("post", "/v1/calls/c-1/stop_record_call", {"control_id": "live"}, 200),
        ("post", "/v1/calls/c-2/stop_record_call", {}, 409),
        ("post", "/v1/calls/c-1/stop_call_record", {"control_id": "live"}, 200),
        ("post", "/v1/calls/c-2/stop_call_record", {}, 409),
        ("post", "/v1/calls/c-9/record_call", {"format": "ogg"}, 400),
        ("post", "/v1/calls/c-1/rtp_endpoint", {"direction": "listen"}, 503),
        ("post", "/v1/calls/c-1/rtp_endpoint", {"direction": "up"}, 400),
        ("post", "/v1/calls/c-1/swml", SCRIPT, 200),
        ("post", "/v1/calls/c-1/swml", {"sections": {"main": 7}}, 400),
    ],
)
def test_answers_are_as_documented(
    api: Api, method: str, path: str, body: Any, status: int
) -> None:
    """Real answers pass the document's schemas."""

    path = path.replace("{id}", fill(api))

    response = api.send(method.upper(), path, body)

    assert status == response.status_code, response.body
    found = validator(documented(method, path, status)).iter_errors(response.json_body)
    assert [] == [error.message for error in found]


def test_a_head_says_what_is_documented(api: Api) -> None:
    """Headers, and every status that GET has, without a body."""

    path = f"/v1/recordings/{fill(api)}/download"
    operations = DOCUMENT["paths"]["/v1/recordings/{recording_id}/download"]

    answer = api.head(path)

    described = operations["head"]["responses"]
    assert described["200"]["headers"].keys() <= answer.headers.keys()
    assert described.keys() - {"200"} == operations["get"]["responses"].keys() - {"302"}
    assert all("content" not in response for response in described.values())


def test_what_a_profile_may_be_set_to_is_documented(api: Api) -> None:
    """A profile as shown, without what only we set, is a body that the schema takes."""

    fill(api)
    shown = api.get("/v1/profiles/front").json_body
    settable = {key: shown[key] for key in shown if key not in ("carrier", "created_at")}

    schema = DOCUMENT["components"]["schemas"]["NewProfile"]
    assert [] == list(validator(schema).iter_errors(settable))
