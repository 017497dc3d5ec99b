"""`/v1/recordings`."""

from __future__ import annotations

import time

from chalice.app import Response

from chalicelib import wiring
from chalicelib.api import audit
from chalicelib.api.http import Routes
from chalicelib.api.redelivery import redelivered
from chalicelib.api.requests import account_of, asker_of, json_object, now, query
from chalicelib.api.views import events_json, recording_json, recordings_json
from chalicelib.errors import Unauthenticated
from chalicelib.ports.values import Opener, Requester
from chalicelib.recording import keys
from chalicelib.recording.model import Recording
from chalicelib.security import tokens
from chalicelib.security.tokens import TokenKind
from chalicelib.services.calls import queries
from chalicelib.services.finalization import extra_formats
from chalicelib.services.finalization.downloads import (
    StoredFile,
    Waiting,
    await_finished,
    find_audio,
    find_proof,
    open_audio,
    open_proof,
)
from chalicelib.services.finalization.retry import retry

routes = Routes(__name__)

_FILTERS = ("call_id", "state", "from", "to", "label", "label.", "cursor", "limit")


@routes.route("/v1/recordings", methods=["GET"])
def list_recordings() -> Response:
    """List an account's recordings, newest first."""
    account, ports = account_of(routes.current_request), wiring.ports()
    asked = query(routes.current_request, _FILTERS)
    page = queries.list_recordings(ports.recordings, account, asked)
    return Response(body=recordings_json(page, ports.public_url()))


@routes.route("/v1/recordings/{recording_id}", methods=["GET"])
def get_recording(recording_id: str) -> Response:
    """Show a recording."""
    return Response(body=recording_json(_found(recording_id), wiring.ports().public_url()))


@routes.route("/v1/recordings/{recording_id}", methods=["DELETE"])
def delete_recording(recording_id: str) -> Response:
    """Delete a recording that ended; nothing of it is found from then on."""
    asker, recording = _asked(recording_id)
    wiring.ports().recording_deleter.delete(recording.recording_id, asker)
    return Response(body="", status_code=204)


@routes.route("/v1/recordings/{recording_id}/events", methods=["GET"])
def list_events(recording_id: str) -> Response:
    """Show what happened to a recording, in order."""
    recording = _found(recording_id)
    return Response(body=events_json(wiring.ports().history.events(recording.recording_id)))


@routes.route("/v1/recordings/{recording_id}/download", methods=["GET"])
def download(recording_id: str) -> Response:
    """Redirect to the audio."""
    asked = query(routes.current_request, ("format",))
    asker, recording = _asked(recording_id)
    return _redirect(recording, asked.get("format"), asker)


@routes.route("/v1/recordings/{recording_id}/download", methods=["HEAD"])
def head_download(recording_id: str) -> Response:
    """Return type and length of the audio; a redirect's URL would be signed for GET alone."""
    asked = query(routes.current_request, ("format",))
    return _described(find_audio(_found(recording_id), asked.get("format")))


@routes.route("/v1/recordings/{recording_id}/download/{token}", methods=["GET"])
def download_with_token(recording_id: str, token: str) -> Response:
    """Redirect the holder of the token to the audio, as soon as it exists."""
    asked = query(routes.current_request, ("format",))
    asker, recording = _opened(recording_id, token)
    return _redirect(recording, asked.get("format"), asker)


@routes.route("/v1/recordings/{recording_id}/download/{token}", methods=["HEAD"])
def head_download_with_token(recording_id: str, token: str) -> Response:
    """Show the holder of the token the audio's type and length, as soon as it exists."""
    asked = query(routes.current_request, ("format",))
    _, recording = _opened(recording_id, token)
    return _described(find_audio(recording, asked.get("format")))


@routes.route("/v1/recordings/{recording_id}/proof", methods=["GET"])
def download_proof(recording_id: str) -> Response:
    """Redirect to the recording's signed manifest."""
    query(routes.current_request, ())
    asker, recording = _asked(recording_id)
    ports = wiring.ports()
    url = open_proof(recording, asker, store=ports.renditions, history=ports.history, at=now())
    return _redirected(url)


@routes.route("/v1/recordings/{recording_id}/proof", methods=["HEAD"])
def head_proof(recording_id: str) -> Response:
    """Return type and length of the recording's signed manifest."""
    query(routes.current_request, ())
    return _described(find_proof(_found(recording_id), wiring.ports().renditions))


@routes.route("/v1/recordings/{recording_id}/redeliver", methods=["POST"])
def redeliver_callback(recording_id: str) -> Response:
    """Send a status callback again, under its own id."""
    asker, recording = _asked(recording_id)
    return redelivered(recording.recording_id, asker, routes.current_request)


@routes.route("/v1/recordings/{recording_id}/retry", methods=["POST"])
def retry_finalization(recording_id: str) -> Response:
    """Finalize again what ended in an error."""
    recording, ports = _found(recording_id), wiring.ports()
    again = retry(
        recording.recording_id,
        calls=ports.calls,
        history=ports.history,
        transitions=ports.transitions,
        now=now(),
    )
    return Response(body=recording_json(again, ports.public_url()), status_code=202)


@routes.route("/v1/recordings/{recording_id}/renditions", methods=["POST"])
def request_rendition(recording_id: str) -> Response:
    """Have a finished recording made in another format."""
    recording, ports = _found(recording_id), wiring.ports()
    wanted = extra_formats.parse_wish(json_object(routes.current_request))
    asked = extra_formats.request_rendition(
        recording.recording_id,
        wanted,
        recordings=ports.recordings,
        workflows=ports.workflows,
        now=now(),
    )
    body = recording_json(asked, ports.public_url())
    return Response(body=body, status_code=202 if asked.making else 200)


def _asked(recording_id: str) -> tuple[Requester, Recording]:
    asker = asker_of(routes.current_request)
    recordings = wiring.ports().recordings
    return asker, queries.find_recording(recordings, asker.account, recording_id)


def _found(recording_id: str) -> Recording:
    return _asked(recording_id)[1]


def _opened(recording_id: str, token: str) -> tuple[Requester, Recording]:
    """Return the requester behind a token, and its recording, after waiting for finalization."""
    ports = wiring.ports()
    claims = tokens.verify(ports.token_keys(), token, TokenKind.RECORDING, now())
    if claims.subject != recording_id:
        raise Unauthenticated("token: of another recording", code="token_invalid")
    asker = Requester(account=claims.account, by=Opener.TOKEN)
    audit.identify(asker)
    waiting = Waiting(clock=time.monotonic, sleep=time.sleep)
    return asker, await_finished(ports.recordings, recording_id, waiting)


def _redirect(recording: Recording, format_: str | None, asker: Requester) -> Response:
    ports = wiring.ports()
    url = open_audio(
        recording, format_, asker, store=ports.renditions, history=ports.history, at=now()
    )
    return _redirected(url)


def _redirected(url: str) -> Response:
    return Response(
        body={"url": url},
        status_code=302,
        headers={"Location": url, "Cache-Control": "no-store"},
    )


def _described(file: StoredFile) -> Response:
    """Return what the answer to a HEAD tells of a file.

    API Gateway may put the length of its empty body into Content-Length: the other header stays.
    """
    length = str(file.size)
    return Response(
        body="",
        status_code=200,
        headers={
            "Content-Type": keys.content_type(file.key),
            "Content-Length": length,
            "X-Content-Length": length,
            "Cache-Control": "no-store",
        },
    )
