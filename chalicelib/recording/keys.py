"""Names of stored things: ids and S3 keys. A persisted format: change it only with a migration."""

from __future__ import annotations

from urllib.parse import quote, unquote
from uuid import UUID, uuid5

_TAPEDECK = UUID("6b5c1f0e-7a39-5a1e-9d6c-9f4a0d7c2e11")


def call_key(account: str, carrier: str, call_id: str) -> str:
    """Return `account/carrier/call id`, each percent-encoded: one path segment each."""
    return "/".join(quote(part, safe="") for part in (account, carrier, call_id))


def call_parts(call: str) -> tuple[str, str, str]:
    """Return account, carrier and call id of a call key. Raises ValueError for another text."""
    account, carrier, call_id = (unquote(part) for part in call.split("/"))
    return account, carrier, call_id


def journal_key(worker: str, number: int) -> str:
    """Return the key of a worker's journal object."""
    return f"journal/{worker}/{number:010d}"


def journal_number(key: str) -> int:
    """Return the number of a journal object, redacted or not."""
    return int(key.rpartition("/")[2].partition(".")[0])


def journal_prefix(worker: str) -> str:
    """Return what the keys of a worker's journal begin with."""
    return f"journal/{worker}/"


def segment_key(call: str, worker: str, number: int) -> str:
    """Return the key of a segment; `call` is the call key."""
    return f"segments/{call}/{worker}/{number:06d}"


def segments_prefix(call: str) -> str:
    """Return what the keys of a call's segments begin with."""
    return f"segments/{call}/"


def segment_prefix(call: str, worker: str) -> str:
    """Return what the keys of a worker's segments of a call begin with."""
    return f"{segments_prefix(call)}{worker}/"


def rendition_key(account: str, recording_id: str, extension: str) -> str:
    """Return the key of a finished audio object."""
    return f"recordings/{quote(account, safe='')}/{recording_id}/recording.{extension}"


def content_type(key: str) -> str:
    """Return the media type of what the recordings bucket holds under a key."""
    types = {
        "wav": "audio/wav",
        "mp3": "audio/mpeg",
        "mp4": "audio/mp4",
        "json": "application/json",
    }
    return types[key.rpartition(".")[2]]


def recording_prefix(account: str, recording_id: str) -> str:
    """Return what the keys of a recording's renditions and manifest begin with."""
    return f"recordings/{quote(account, safe='')}/{recording_id}/"


def redacted_key(key: str, crc: int) -> str:
    """Return the key of what takes the place of a journal object or a segment, with the CRC-32 of
    its body: it sorts after that object and before the next, and the same body has the same key."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}.{crc:08x}"


def manifest_key(account: str, recording_id: str) -> str:
    """Return the key of a recording's manifest."""
    return f"recordings/{quote(account, safe='')}/{recording_id}/manifest.json"


def proof_key(account: str, recording_id: str) -> str:
    """Return the key of a recording's proof: its manifest, signed."""
    return f"{recording_prefix(account, recording_id)}proof.json"


def default_control_id(call: str, round_: int) -> str:
    """Return the control id of the recording that a profile starts with a call's round."""
    return str(uuid5(_TAPEDECK, f"{call}#{round_}"))


def late_control_id(call: str, round_: int) -> str:
    """Return the control id of the recording that takes the place of that one, where it failed for
    want of media in the moment in which media came."""
    return str(uuid5(_TAPEDECK, f"{call}#{round_}#late"))


def recording_id(call: str, control_id: str) -> str:
    """Return the id of the recording that `record_call` with this control id makes."""
    return str(uuid5(_TAPEDECK, f"{call}/record_call/{control_id}"))


def carrier_recording_id(call: str, carrier_names: str) -> str:
    """Return the id of our copy of what the carrier recorded itself and names so."""
    return str(uuid5(_TAPEDECK, f"{call}/carrier/{carrier_names}"))


def tap_id(call: str, control_id: str) -> str:
    """Return the id of the tap that `tap` with this control id makes."""
    return str(uuid5(_TAPEDECK, f"{call}/tap/{control_id}"))


def event_channel(call: str) -> str:
    """Return the `event_channel` of a call whose carrier named none."""
    return f"swml:{uuid5(_TAPEDECK, call)}"


def webhook_id(recording_id_: str, number: int) -> str:
    """Return the constant id of a recording's n-th status callback."""
    return f"msg_{recording_id_}_{number}"


def finalization_name(recording_id_: str, attempt: int) -> str:
    """Return the name of a finalization's execution."""
    return f"{recording_id_}-{attempt}"


def retaps_name(worker: str, renewals: int) -> str:
    """Return the name of the execution that sees to what a worker held; a worker that only slept,
    and dies later, has renewed meanwhile."""
    return f"retap-{worker}-{renewals}"


def inquiry_name(stream_key: str, number: int) -> str:
    """Return the name of the execution that asks a carrier for the n-th time of a stream's call."""
    return f"ask-{uuid5(_TAPEDECK, stream_key)}-{number}"


def retap_control_id(stream_key: str) -> str:
    """Return the control id of the tap that takes the place of a dead worker's stream."""
    return f"tapedeck-{uuid5(_TAPEDECK, f'{stream_key}/retap')}"


def delivery_name(webhook_id_: str, round_: int) -> str:
    """Return the name of a delivery's execution."""
    return f"{webhook_id_}-{round_}"
