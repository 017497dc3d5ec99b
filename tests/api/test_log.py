"""What the functions' log says of failures."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.app import Chalice
from chalice.test import Client

from chalicelib.api import tasks
from chalicelib.api.log import logger, telling_failures
from chalicelib.errors import DeliveryPostponed, NotFound, TapedeckError
from tests.api.conftest import Api
from tests.api.test_webhooks import BANDWIDTH, STARTED
from tests.samples import a_profile

NUMBER = "+15551112222"


def failing(error: Exception) -> Client:
    app = Chalice(app_name="failing", configure_logs=False)

    @app.lambda_function(name="fail")
    @telling_failures
    def fail(_event: Any, _context: Any) -> dict[str, Any]:
        raise error from ValueError(NUMBER)

    return Client(app)


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotFound(NUMBER, code="no_such_call"), "no_such_call"), (KeyError(NUMBER), "")],
)
def test_what_a_task_raises_keeps_its_class_and_loses_its_message(
    caplog: pytest.LogCaptureFixture, error: Exception, code: str
) -> None:
    """Lambda logs it, and the workflow keeps it."""

    with pytest.raises(type(error)) as raised:
        failing(error).lambda_.invoke("fail", {})

    (line,) = [vars(record) for record in caplog.records]
    assert (type(error).__name__, code) == (line["failure"], line["code"])
    assert ((code,), None, None) == (
        raised.value.args,
        raised.value.__cause__,
        raised.value.__context__,
    )
    assert NUMBER not in repr(line)


def test_a_postponement_says_until_when() -> None:
    """Its message is for the workflow, and holds nothing else."""

    postponed = DeliveryPostponed('{"wait_seconds": 5}')

    with pytest.raises(DeliveryPostponed, match="wait_seconds"):
        failing(postponed).lambda_.invoke("fail", {})


def test_a_logged_exception_is_its_class_and_place(caplog: pytest.LogCaptureFixture) -> None:
    """Chalice logs with its traceback what no view caught."""

    try:
        raise ValueError(NUMBER)
    except ValueError:
        logger.exception("Caught exception")

    (line,) = [vars(record) for record in caplog.records]
    assert ("ValueError", None, None) == (line["failure"], line["exc_info"], line["exc_text"])
    assert NUMBER not in repr(line)


@pytest.mark.parametrize(
    ("secret", "headers", "signature"),
    [
        ("", {}, "absent"),
        ("", {"X-SignalWire-Signature": "00"}, "no_key"),
        ("{}", {"X-SignalWire-Signature": "00"}, "no_key"),
    ],
)
def test_a_webhook_s_line_says_whether_it_was_signed(
    api: Api,
    caplog: pytest.LogCaptureFixture,
    secret: str,
    headers: dict[str, str],
    signature: str,
) -> None:
    """Nobody documents which of SignalWire's callbacks are."""

    api.texts.texts["tapedeck/main/sw-key"] = secret
    profile = a_profile(
        name="sw",
        dialect="signalwire-tap",
        carrier="signalwire",
        secret_id="tapedeck/main/sw-key" if secret else "",
    )
    caplog.set_level("INFO")

    api.post_hook(api.hook(profile), {"event_type": "x"}, headers)

    (line,) = [vars(one) for one in caplog.records if "webhook" in one.getMessage()]
    assert ("signalwire", "sw", signature, True) == (
        *(line[name] for name in ("carrier", "profile", "signature")),
        line["new"],
    )


def test_a_repeated_webhook_is_told_as_such(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """It was taken in, and changed nothing."""

    hook = api.hook(BANDWIDTH)
    caplog.set_level("INFO")

    for _ in range(2):
        api.post_hook(hook, STARTED)

    assert [True, False] == [vars(one)["new"] for one in caplog.records if "new" in vars(one)]


@pytest.mark.parametrize("name", ["assemble", "publish", "mark_error", "ask_carrier"])
def test_every_task_tells_its_failures_so(api: Api, name: str) -> None:
    """As Lambda calls it: by its name in its module, with no app around it."""

    event = {"recording_id": NUMBER, "attempt": 1, "webhook_id": NUMBER, "worker": "w", NUMBER: 1}
    event |= {"assembled": {"outcome": NUMBER}, "error": NUMBER, "cause": NUMBER}

    with pytest.raises((TapedeckError, LookupError, ValueError)) as raised:
        getattr(tasks, name)(event, None)

    assert NUMBER not in str(raised.value)


def test_a_task_that_fails_says_so(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """There is no such recording."""

    with pytest.raises(NotFound):
        tasks.assemble({"recording_id": NUMBER, "attempt": 1}, None)

    assert ["A task failed"] == [record.getMessage() for record in caplog.records]
    assert NUMBER not in repr([vars(record) for record in caplog.records])


def test_who_gives_a_callback_up_names_what_is_ours(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """The event is ours, too, as long as the workflow starts it."""

    caplog.set_level("INFO")

    tasks.attempt({"recording_id": NUMBER, "webhook_id": NUMBER, "round": 1}, None)

    (line,) = [vars(record) for record in caplog.records]
    assert ("withheld", "withheld") == (line["recording_id"], line["webhook_id"])
