"""Profiles hold the settings for all calls from one carrier; they are parsed strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.capture.events import Encoding
from chalicelib.carriers import registry
from chalicelib.errors import InvalidRequest, NotFound, SecretRefused
from chalicelib.ports.accounts import Profiles
from chalicelib.recording import options, request_fields
from chalicelib.recording.model import Profile, RecordOptions
from chalicelib.security.secret_names import SharedCredentials, is_secret_name, refusal
from chalicelib.security.url_guard import Purpose, UrlPolicy, parse_url

MAX_LABELS = 32
MAX_LABEL_NAME = 64
MAX_LABEL_VALUE = 256
MAX_TEXT = 256
RETENTION_DAYS = (1, 7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 2555, 3650)
"""one lifecycle rule of the recordings bucket each; 0 keeps for ever"""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LABEL_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_LABEL_NAME}}}")
_ENCODINGS = {encoding.value: encoding for encoding in (Encoding.PCMU, Encoding.PCMA)}

_Values = dict[str, Any]
"""fields of a Profile, parsed"""


def create_profile(
    profiles: Profiles,
    account: str,
    body: Mapping[str, object],
    policy: UrlPolicy,
    now: datetime,
    *,
    shared: SharedCredentials = frozenset(),
) -> Profile:
    """Store a new profile. Raises InvalidRequest naming the key, Conflict for a taken name."""
    values = _parse(body, _PROPERTIES, policy)
    _verify_secret(account, values, shared)
    for key in ("name", "dialect"):
        if key not in values:
            raise InvalidRequest(f"{key} is missing", code="missing_property")
    profile = Profile(
        account=account,
        carrier=registry.carrier_of(values["dialect"]),
        created_at=now,
        **values,
    )
    _verify_way_back(profile)
    profiles.create(profile)
    return profile


def change_profile(
    profiles: Profiles,
    account: str,
    name: str,
    body: Mapping[str, object],
    policy: UrlPolicy,
    *,
    shared: SharedCredentials = frozenset(),
) -> Profile:
    """Store the properties in the body, and keep the others.

    The profile may keep a secret that would be refused today. It is refused when it is used;
    everything else in the profile can still be changed.

    Raises InvalidRequest naming the key, NotFound.
    """
    values = _parse(body, _CHANGEABLE, policy)
    _verify_secret(account, values, shared)
    profile: Profile = replace(profiles.get(account, name), **values)
    _verify_way_back(profile)
    profiles.replace(profile)
    return profile


def find_profile(profiles: Profiles, account: str, name: str) -> Profile:
    """Return the profile of a name that a request gives. Raises NotFound."""
    if not _NAME.fullmatch(name):
        # The store limits the length of a key, and would fail.
        raise NotFound(f"profile {name[:MAX_TEXT]}", code="no_such_profile")
    return profiles.get(account, name)


def to_json(profile: Profile) -> dict[str, object]:
    """Return a profile as `/v1/profiles` shows it, and as it may be sent back."""
    return {
        "name": profile.name,
        "dialect": profile.dialect,
        "carrier": profile.carrier,
        "record_call": options.to_json(profile.record_call) if profile.record_call else None,
        "status_url": profile.status_url,
        "encoding": str(profile.encoding),
        "labels": dict(profile.labels),
        "project_id": profile.project_id,
        "space_id": profile.space_id,
        "retention_days": profile.retention_days,
        "secret_id": profile.secret_id,
        "tokened_url": profile.tokened_url,
        "bidirectional": profile.bidirectional,
        "created_at": profile.created_at.isoformat(),
    }


_Reader = Callable[[str, object, UrlPolicy], object]


def _parse(
    body: Mapping[str, object], readers: Mapping[str, _Reader], policy: UrlPolicy
) -> _Values:
    values: _Values = {}
    for key, given in body.items():
        if key not in readers:
            raise InvalidRequest(
                f"a profile has no property {key!r} to set", code="unknown_property"
            )
        values[key] = readers[key](key, given, policy)
    return values


def _verify_way_back(profile: Profile) -> None:
    if profile.bidirectional and not registry.stream(profile.dialect).plays:
        fact = f"false: {profile.dialect} takes no audio back"
        raise request_fields.out_of_range("bidirectional", fact, True)


def _verify_secret(account: str, values: _Values, shared: SharedCredentials) -> None:
    name = values.get("secret_id", "")
    if name and (why := refusal(account, name, shared)):
        raise InvalidRequest(why, code=SecretRefused.code, key="secret_id")


def _name(key: str, given: object, policy: UrlPolicy) -> str:
    text = _text(key, given, policy)
    if not _NAME.fullmatch(text):
        fact = "1 to 63 of a-z, 0-9, _ and -, a letter or digit first"
        raise request_fields.out_of_range(key, fact, given)
    return text


def _dialect(key: str, given: object, policy: UrlPolicy) -> str:
    text = _text(key, given, policy)
    if text not in registry.DIALECTS:
        raise request_fields.out_of_range(key, "one of " + ", ".join(registry.DIALECTS), given)
    return text


def _record_call(key: str, given: object, policy: UrlPolicy) -> RecordOptions | None:
    """Parse default options; null: recorded only on request."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise request_fields.wrong_type(key, "an object or null", given)
    if "control_id" in given:
        raise InvalidRequest(f"{key}: a default has no control_id", code="unknown_property")
    return options.parse_record_call(given, policy=policy)[1]


def _status_url(key: str, given: object, policy: UrlPolicy) -> str:
    text = _text(key, given, policy)
    if text:
        parse_url(text, policy, Purpose.STATUS_URL)
    return text


def _encoding(key: str, given: object, policy: UrlPolicy) -> Encoding:
    text = _text(key, given, policy)
    if text not in _ENCODINGS:
        raise request_fields.out_of_range(key, "one of " + ", ".join(_ENCODINGS), given)
    return _ENCODINGS[text]


def _labels(key: str, given: object, _policy: UrlPolicy) -> dict[str, str]:
    if not isinstance(given, dict):
        raise request_fields.wrong_type(key, "an object of strings", given)
    if len(given) > MAX_LABELS:
        raise request_fields.out_of_range(key, f"at most {MAX_LABELS} labels", given)
    for name, value in given.items():
        if not _LABEL_NAME.fullmatch(name):
            fact = f"named by 1 to {MAX_LABEL_NAME} of A-Z, a-z, 0-9, _ . -"
            raise request_fields.out_of_range(key, fact, name)
        if not isinstance(value, str):
            raise request_fields.wrong_type(f"{key}.{name}", "a string", value)
        if len(value) > MAX_LABEL_VALUE:
            fact = f"at most {MAX_LABEL_VALUE} characters"
            raise request_fields.out_of_range(f"{key}.{name}", fact, value)
    return given


def _retention_days(key: str, given: object, _policy: UrlPolicy) -> int:
    days = request_fields.whole_number(key, given)
    if days not in (0, *RETENTION_DAYS):
        fact = "0 or one of " + ", ".join(map(str, RETENTION_DAYS))
        raise request_fields.out_of_range(key, fact, given)
    return days


def _secret_id(key: str, given: object, policy: UrlPolicy) -> str:
    """Parse a secret's name; `_verify_secret` decides whose it is."""
    text = _text(key, given, policy)
    if text and not is_secret_name(text):
        fact = (
            "a secret's name like tapedeck/{account}/…, not an ARN: A-Z, a-z, 0-9, / _ + = . @ -,"
            " no part of it empty, . or .."
        )
        raise request_fields.out_of_range(key, fact, given)
    return text


def _boolean(key: str, given: object, _policy: UrlPolicy) -> bool:
    return request_fields.boolean(key, given)


def _text(key: str, given: object, _policy: UrlPolicy) -> str:
    text = request_fields.text(key, given)
    if len(text) > MAX_TEXT and key != "status_url":
        raise request_fields.out_of_range(key, f"at most {MAX_TEXT} characters", text)
    return text


_CHANGEABLE: Mapping[str, _Reader] = {
    "record_call": _record_call,
    "status_url": _status_url,
    "encoding": _encoding,
    "labels": _labels,
    "project_id": _text,
    "space_id": _text,
    "retention_days": _retention_days,
    "secret_id": _secret_id,
    "tokened_url": _boolean,
    "bidirectional": _boolean,
}
_PROPERTIES: Mapping[str, _Reader] = {"name": _name, "dialect": _dialect, **_CHANGEABLE}
