from __future__ import annotations

import pytest
from chalice.app import Chalice
from chalice.test import Client

from app import app
from chalicelib import errors
from chalicelib.api.http import STATUS_OF, Routes, answer_of, correlate, shape_errors
from chalicelib.errors import TapedeckError
from tests.api.conftest import Api, error_of

MAPPED = [
    (errors.InvalidRequest("m"), 400, "invalid_request"),
    (errors.UrlRefused("m"), 400, "url_refused"),
    (errors.WireError("d", "f", code="bad"), 400, "bad"),
    (errors.Unauthenticated("m"), 401, "unauthenticated"),
    (errors.Forbidden("m"), 403, "forbidden"),
    (errors.NotFound("m"), 404, "not_found"),
    (errors.Conflict("m", code="taken"), 409, "taken"),
    (errors.IllegalTransition("m"), 409, "illegal_transition"),
    (errors.PreconditionFailed("m"), 409, "precondition_failed"),
    (errors.Gone("m"), 410, "gone"),
    (errors.TooLarge("m"), 413, "too_large"),
    (errors.Unavailable("m"), 503, "unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), MAPPED)
def test_every_error_has_its_status(error: TapedeckError, status: int, code: str) -> None:
    """The type says whose fault it is, the table which status that is."""

    answer = answer_of(error)

    assert (status, code) == (answer.status_code, answer.body["error"]["code"])


def test_what_is_our_fault_has_no_details() -> None:
    """A 500 says nothing of what went wrong."""

    answer = answer_of(errors.CorruptContainer("segment 7 of /secret"))

    assert {
        "error": {"code": "internal_error", "message": "an internal error occurred"}
    } == answer.body


def test_the_table_covers_the_whole_tree() -> None:
    """Its last row is the root, so that every error of ours finds a row."""

    assert (TapedeckError, 500) == STATUS_OF[-1]


@pytest.mark.parametrize(
    ("error", "header"),
    [
        (errors.Conflict("m", retry_after_s=5), ("Retry-After", "5")),
        (errors.Unavailable("m"), ("Retry-After", "1")),
        (errors.Unauthenticated("m"), ("WWW-Authenticate", "Bearer")),
    ],
)
def test_an_answer_says_what_to_do(error: TapedeckError, header: tuple[str, str]) -> None:
    """Waiting, or proving who one is, stands in a header."""

    assert header in answer_of(error).headers.items()


def fragile() -> Client:
    routes = Routes("fragile")

    @routes.route("/break/{name}")
    def break_it(name: str) -> dict[str, str]:
        if name == "fault":
            raise ZeroDivisionError("+15551112222")
        return {"name": name}

    fragile_app = Chalice(app_name="fragile", configure_logs=False)
    fragile_app.register_middleware(correlate, "all")
    fragile_app.register_middleware(shape_errors, "http")
    fragile_app.register_blueprint(routes)
    return Client(fragile_app)


def test_what_nobody_expected_is_a_500_without_details() -> None:
    """An exception that isn't ours tells the caller nothing."""

    response = fragile().http.get("/break/fault")

    assert (500, "internal_error") == error_of(response)
    assert b"5551112222" not in response.body


@pytest.mark.parametrize(
    ("sent", "seen"),
    [("a%20b", "a b"), ("v2%3Aa%2Fb", "v2:a/b"), ("50%2525", "50%25"), ("a+b", "a+b")],
)
def test_path_parameters_arrive_decoded(sent: str, seen: str) -> None:
    """Each is percent-decoded once, and a plus stays a plus."""

    assert {"name": seen} == fragile().http.get(f"/break/{sent}").json_body


def test_what_nobody_expected_is_logged_by_class_and_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its message may quote a caller, and stays out of the log."""

    fragile().http.get("/break/fault")

    (logged,) = caplog.records
    assert "ZeroDivisionError" == vars(logged)["failure"]
    assert "test_http.py:" in vars(logged)["place"][-1]
    assert "5551112222" not in repr(vars(logged))


def test_a_parameter_longer_than_any_name_is_a_404() -> None:
    """It never reaches a store, whose keys are limited too."""

    assert (404, "not_found") == error_of(fragile().http.get("/break/" + "a" * 513))


def test_the_framework_s_errors_have_our_shape(api: Api) -> None:
    """A method or a media type that a route doesn't take is told as everything else."""

    wrong_type = api.client.http.post(
        "/v1/profiles", headers={**api.headers, "Content-Type": "text/plain"}, body=b"{}"
    )

    assert (415, "unsupported_media_type") == error_of(wrong_type)


def test_no_answer_depends_on_accept(api: Api) -> None:
    """A client that accepts only audio still gets its JSON."""

    response = api.get("/v1/health", headers={"Accept": "audio/wav"})

    assert (200, {"status": "ok"}) == (response.status_code, response.json_body)
    assert [] == app.api.binary_types
