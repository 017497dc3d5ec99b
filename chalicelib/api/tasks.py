"""The Lambda functions that Step Functions and the scheduler start."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib import wiring
from chalicelib.api.log import logger, opaque, telling_failures
from chalicelib.api.requests import now
from chalicelib.errors import DeliveryPostponed

if TYPE_CHECKING:
    from chalicelib.services.finalization.assemble import Assembled

# ruff: noqa: PLC0415  # every function loads this file; what one of them needs, only that one loads

functions = Blueprint(__name__)


@functions.lambda_function(name="assemble")
@telling_failures
def assemble(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Store a recording's rendition and manifest, and return the outcome."""
    from chalicelib.services.finalization.fetch_carrier_recording import fetch

    ports = wiring.ports()
    recording_id, attempt = event["recording_id"], event["attempt"]
    if ports.recordings.get(recording_id).carrier_media is not None:
        assembled = fetch(recording_id, attempt, ports.fetching)
    else:
        assembled = _assemble(recording_id, attempt)
    return {"outcome": str(assembled.outcome), "reason": assembled.reason}


def _assemble(recording_id: str, attempt: int) -> Assembled:
    from chalicelib.services.finalization.assemble import assemble as assemble_recording

    ports = wiring.ports()
    return assemble_recording(
        recording_id,
        attempt,
        recordings=ports.recordings,
        calls=ports.calls,
        media=ports.media,
        renditions=ports.renditions,
        encoder=ports.encoder,
        now=now,
    )


@functions.lambda_function(name="publish")
@telling_failures
def publish(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Finish a recording whose rendition is stored, or end one of which nothing was or will be."""
    from chalicelib.services.finalization import publish as service
    from chalicelib.services.finalization.assemble import Outcome

    recording_id, needs = event["recording_id"], wiring.ports().publishing
    assembled = event["assembled"]
    if assembled["outcome"] == Outcome.LOST:
        recording = service.publish_lost(recording_id, assembled["reason"], needs)
    elif assembled["outcome"] == Outcome.EMPTY:
        recording = service.publish_empty(recording_id, needs)
    else:
        recording = service.publish(recording_id, needs)
    return {"state": str(recording.state)}


@functions.lambda_function(name="mark_error")
@telling_failures
def mark_error(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Note that a finalization failed."""
    from chalicelib.services.finalization import publish as service

    needs = wiring.ports().publishing
    recording = service.mark_error(
        event["recording_id"], event["attempt"], _error_name(event), needs
    )
    return {"state": str(recording.state)}


@functions.lambda_function(name="sweep")
@telling_failures
def sweep(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Do what is due, and return the count of each kind of work."""
    done = dict(wiring.ports().sweeper.sweep())
    logger.info("Swept", extra=done)
    return done


@functions.lambda_function(name="ask_carrier")
@telling_failures
def ask_carrier(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Have carriers tap again what a silent worker held, or ask whether a silent call goes on;
    return the count of each outcome."""
    ports, worker = wiring.ports(), event["worker"]
    if "stream_key" in event:
        checker = ports.call_status_checker
        standing = checker.check(event["call_key"], event["stream_key"], worker)
        done = {str(standing): 1}
    else:
        done = dict(ports.retapper.retap(worker, event["renewals"]))
    logger.info("Asked carriers", extra=done)
    return done


@functions.lambda_function(name="attempt")
@telling_failures
def attempt(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Make one attempt to deliver a status callback. Raises DeliveryPostponed: wait, then again."""
    from chalicelib.services.delivery import deliver

    outcome = wiring.ports().deliverer.attempt(event["recording_id"], event["webhook_id"])
    if isinstance(outcome, deliver.Postponed):
        raise DeliveryPostponed(json.dumps({"wait_seconds": math.ceil(outcome.wait_seconds)}))
    if isinstance(outcome, deliver.GivenUp):
        # An alarm counts the lines with `disabled`: infra/alarms.py.
        named = {name: opaque(str(event[name])) for name in ("recording_id", "webhook_id")}
        logger.info("A callback was given up", extra={**named, "given_up": outcome.reason})
        return {"given_up": outcome.reason}
    return {"given_up": ""}


def _error_name(event: dict[str, Any]) -> str:
    """Return the class of what was raised: not every Step Functions has it in `error`."""
    try:
        return str(json.loads(event["cause"])["errorType"])
    except (ValueError, KeyError, TypeError):
        return str(event["error"])
