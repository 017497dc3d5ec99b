"""The log of the Lambda functions: constant sentences with keys. Of a failure it has the class and
the place; the message may quote what a caller sent, and stays out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from traceback import extract_tb
from typing import Any

from aws_lambda_powertools import Logger

from chalicelib.errors import DeliveryPostponed, TapedeckError

logger = Logger(service="tapedeck")

Task = Callable[[dict[str, Any], object], dict[str, Any]]

_OPAQUE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._-]{1,128}")


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


def opaque(name: str) -> str:
    """Return a name if it is one that means nothing to people; `withheld` in place of what could be
    a phone number or a SIP address."""
    return name if _OPAQUE.fullmatch(name) else "withheld"


def telling_failures(task: Task) -> Task:
    """Return a function without HTTP that logs what it raises, and takes the message off: Lambda
    logs that with its traceback.

    The class is left, which workflows compare, and of our own errors the code. No middleware:
    Lambda calls these functions in their own module, where no app is.
    """

    @wraps(task)
    def told(event: dict[str, Any], context: object) -> dict[str, Any]:
        logger.set_correlation_id(getattr(context, "aws_request_id", ""))
        try:
            return task(event, context)
        except DeliveryPostponed:
            raise  # its message is an answer to the workflow
        except Exception as error:
            code = error.code if isinstance(error, TapedeckError) else ""
            failure = type(error).__name__
            logger.error("A task failed", failure=failure, code=code, place=place_of(error))
            error.args = (code,)
            error.__cause__ = error.__context__ = None
            raise

    return told
