"""Shared by all routes: turns errors into answers, by one table, and decodes path parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote

from chalice.app import Blueprint, Request, Response

from chalicelib.api import audit
from chalicelib.api.log import logger, place_of
from chalicelib.errors import (
    CallerError,
    Conflict,
    CredentialsNeeded,
    Forbidden,
    Gone,
    IllegalTransition,
    NotFound,
    PreconditionFailed,
    TapedeckError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WireError,
)

MAX_PARAMETER = 512
"""bytes; as long as the longest token"""

View = Callable[..., Any]

STATUS_OF: tuple[tuple[type[TapedeckError], int], ...] = (
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Gone, 410),
    (TooLarge, 413),
    (CallerError, 400),
    (WireError, 400),
    (IllegalTransition, 409),
    (PreconditionFailed, 409),
    (Unavailable, 503),
    (TapedeckError, 500),
)
"""The first row whose class fits decides."""

_FRAMEWORK_CODES = {
    400: "bad_request",
    405: "method_not_allowed",
    415: "unsupported_media_type",
}
_RETRY_UNAVAILABLE_S = 1


class Routes(Blueprint):
    """A blueprint whose views raise TapedeckError and take decoded path parameters."""

    def route(self, path: str, **options: Any) -> Callable[[View], View]:
        """Return a decorator that registers a view."""
        register: Callable[[View], View] = super().route(path, **options)
        return lambda view: register(_answering(view, lambda: self.current_request))


def _answering(view: View, request: Callable[[], Request]) -> View:
    @wraps(view)
    def audited(**parameters: str) -> Any:
        audit.begin()
        # API Gateway's REST API hands them over as in the URL.
        decoded = {name: unquote(value) for name, value in parameters.items()}
        answer, asked = _answer(view, decoded), request()
        audit.tell(view.__name__, decoded, answer, asked)
        if asked is not None and asked.method == "HEAD":
            answer.body = ""
        return answer

    return audited


def _answer(view: View, decoded: Mapping[str, str]) -> Any:
    try:
        _verify_names(decoded)
        return view(**decoded)
    except TapedeckError as error:
        return answer_of(error)
    except Exception as error:  # noqa: BLE001  # the entry point: nobody expected it
        logger.error("A request failed", failure=type(error).__name__, place=place_of(error))
        return _error(500, "internal_error", "an internal error occurred")


def _verify_names(parameters: Mapping[str, str]) -> None:
    """Raises NotFound for a parameter that is longer than anything we name, or no Unicode text.

    A key of a table has a limit in bytes, which would be an error there.
    """
    for value in parameters.values():
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise NotFound("a part of the path is no Unicode text") from None
        if size > MAX_PARAMETER:
            raise NotFound("a part of the path is longer than any name")


def answer_of(error: TapedeckError) -> Response:
    """Return the HTTP answer that tells an error."""
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    if status == 500:
        logger.error("A request failed", code=error.code)
        return _error(500, "internal_error", "an internal error occurred")
    response = _error(status, error.code, error.message)
    response.headers.update(_headers_of(error))
    return response


def failed(method: str, error: TapedeckError) -> Response:
    """Return the HTTP answer that tells how a SWML method failed, its result variable among it."""
    response = answer_of(error)
    response.body = {**response.body, f"{method}_result": "failed", "reason": error.code}
    return response


def _headers_of(error: TapedeckError) -> dict[str, str]:
    if isinstance(error, CredentialsNeeded):
        return {"WWW-Authenticate": 'Basic realm="tapedeck"'}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Conflict) and error.retry_after_s is not None:
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(_RETRY_UNAVAILABLE_S)}
    return {}


def _error(status: int, code: str, message: str) -> Response:
    return Response(body={"error": {"code": code, "message": message}}, status_code=status)


def correlate(request: Request, proceed: Callable[[Request], Response]) -> Response:
    """Middleware: give every log line the id of its request."""
    logger.set_correlation_id(getattr(request.lambda_context, "aws_request_id", ""))
    return proceed(request)


def shape_errors(request: Request, proceed: Callable[[Request], Response]) -> Response:
    """Middleware: give the framework's own errors (405, 415 …) our shape."""
    response = proceed(request)
    if isinstance(response.body, dict) and response.body.keys() == {"Code", "Message"}:
        code = _FRAMEWORK_CODES.get(response.status_code, "internal_error")
        response.body = {"error": {"code": code, "message": response.body["Message"]}}
    return response
