"""The log of the Lambda functions: constant sentences with keys. Of a failure it has the class and
the place; the message may quote what a caller sent, and stays out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from traceback import extract_tb
from typing import Any

from aws_lambda_powertools import Logger

from chalicelib.errors import DeliveryPostponed, TapedeckError

logger = Logger(service="tapedeck")


def place_of(error: BaseException) -> list[str]:
    """Return where an error was raised, from the outermost call in."""
    return [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)]


class _Discreet(logging.Filter):
    """Chalice logs what no view caught with its traceback: this takes the message away."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.failure, record.place = type(error).__name__, place_of(error)
        record.exc_info = record.exc_text = None
        return True


logger.addFilter(_Discreet())


def tell_failures(event: Any, proceed: Callable[[Any], Any]) -> Any:
    """Middleware of functions without HTTP: Lambda itself logs what they raise, with its message.

    Its class is left, which workflows compare, and of our own errors the code.
    """
    try:
        return proceed(event)
    except DeliveryPostponed:
        raise  # its message is an answer to the workflow
    except Exception as error:
        code = error.code if isinstance(error, TapedeckError) else ""
        failure = type(error).__name__
        logger.error("A task failed", failure=failure, code=code, place=place_of(error))
        error.args = (code,)
        error.__cause__ = error.__context__ = None
        raise
