"""SWML, read: what a script asks of us, method by method. `swml` writes it.

Source: SWML's schema (`SWMLObject`, `tap`, `record_call` and their ends): sections of methods, of
which `main` runs. We run the recording and tapping methods that stand in `main` itself; everything
else is named as skipped: other methods, whatever lies within them, and other sections.

Stricter than the schema: `version` is 1.0.0 where it is given, a step holds one method, and see
`parse_record_call` and `parse_tap`. Wider: a method without properties may be a bare word, or null;
booleans and numbers may be text, as variables are filled in; and `stop_call_record`, as SWML's page
of `record_call` once has it, is `stop_record_call`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from chalicelib.errors import InvalidRequest
from chalicelib.recording import request_fields
from chalicelib.recording.model import RecordOptions
from chalicelib.recording.options import parse_record_call
from chalicelib.security.url_guard import STRICT, UrlPolicy
from chalicelib.tapping.model import TapOptions
from chalicelib.tapping.options import parse_tap

MAX_STEPS = 10
"""that run: each may wait 2 s for a worker, and an API request lasts 29 s at most"""

MAX_SKIPPED = 500_000
"""characters of paths and names: nested under long keys they repeat them, and an answer of a Lambda
function has 6 MB, six bytes for a character that isn't ASCII"""

VERSION = "1.0.0"


class Method(StrEnum):
    """A SWML method that we run."""

    RECORD_CALL = "record_call"
    STOP_RECORD_CALL = "stop_record_call"
    TAP = "tap"
    STOP_TAP = "stop_tap"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCall:
    """`record_call`."""

    path: str
    """where it is, e.g. `sections.main[2].record_call`"""
    control_id: str
    """given, or made"""
    options: RecordOptions
    method: Method = Method.RECORD_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecordCall:
    """`stop_record_call`."""

    path: str
    control_id: str | None
    """None: the last started"""
    method: Method = Method.STOP_RECORD_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class TapStep:
    """`tap`."""

    path: str
    control_id: str
    """given, or made"""
    options: TapOptions
    method: Method = Method.TAP


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTap:
    """`stop_tap`."""

    path: str
    control_id: str | None
    """None: the most recent"""
    method: Method = Method.STOP_TAP


Step = RecordCall | StopRecordCall | TapStep | StopTap


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A method that isn't run."""

    path: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A SWML document, valid in all that we run."""

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseContext:
    """The settings that a script is read with."""

    policy: UrlPolicy = STRICT
    new_id: Callable[[], str]
    """makes the control id of a method that has none"""


def parse_script(document: object, context: ParseContext) -> Script:
    """Return what a document asks for.

    Raises InvalidRequest, its message begins with the path of what is wrong; nothing of a script
    that is wrong anywhere is returned.
    """
    sections = _sections(document)
    steps: list[Step] = []
    skipped: list[tuple[str, str, object]] = []
    known: dict[str, str] = {}
    for path, name, body in _methods("sections.main", sections["main"]):
        if name in _PARSERS:
            steps.append(_step(path, name, body, known, context))
        else:
            skipped.append((path, name, body))
    if len(steps) > MAX_STEPS:
        raise _wrong("sections.main", f"at most {MAX_STEPS} methods can run", "too_many_methods")
    return Script(steps=tuple(steps), skipped=tuple(_told(chain(skipped, _others(sections)))))


def _others(sections: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    """Yield the methods of the sections that don't run."""
    for section, methods in sections.items():
        if section != "main":
            yield from _methods(f"sections.{section}", methods)


def _told(methods: Iterable[tuple[str, str, object]]) -> Iterator[Skipped]:
    """Yield all that is skipped. Raises InvalidRequest where an answer couldn't hold it."""
    length = 0
    for path, name, body in methods:
        for one in _skips(path, name, body):
            length += len(one.path) + len(one.method)
            if length > MAX_SKIPPED:
                fact = f"the paths of skipped methods have more than {MAX_SKIPPED} characters"
                raise _wrong("the document", fact, "too_many_methods")
            yield one


def _sections(document: object) -> Mapping[str, object]:
    """Return the methods by section; `main` is one of them."""
    if not isinstance(document, Mapping):
        raise _wrong("the document", "not a mapping with sections", "not_swml")
    for key in document:
        if key not in ("version", "sections"):
            raise _wrong(str(key), "SWML has version and sections", "not_swml")
    if document.get("version", VERSION) != VERSION:
        raise _wrong("version", f"must be {VERSION}", "not_swml")
    sections = document.get("sections")
    if not isinstance(sections, Mapping) or "main" not in sections:
        raise _wrong("sections", "not a mapping with main", "not_swml")
    return sections


def _methods(path: str, methods: object) -> Iterator[tuple[str, str, object]]:
    """Yield path, name and properties of a section's methods."""
    if not isinstance(methods, list):
        raise _wrong(path, "not a list of methods", "not_swml")
    for number, step in enumerate(methods):
        here = f"{path}[{number}]"
        if isinstance(step, str):
            yield f"{here}.{step}", step, None
            continue
        if not isinstance(step, Mapping) or len(step) != 1:
            raise _wrong(here, "not one method", "not_swml")
        ((name, body),) = step.items()
        yield f"{here}.{name}", str(name), body


def _skips(path: str, name: str, body: object) -> Iterator[Skipped]:
    """Yield a method that isn't run, and those of ours that lie in it, as in `cond`'s branches."""
    yield Skipped(path=path, method=name)
    left = [_children(path, body)]
    while left:
        for place, child, method in left[-1]:
            if method in _PARSERS:
                yield Skipped(path=place, method=method)
            left.append(_children(place, child))
            break
        else:
            left.pop()


def _children(path: str, value: object) -> Iterator[tuple[str, object, str]]:
    """Yield path, value and, where a method may stand, its name; one by one, as paths are long."""
    if isinstance(value, Mapping):
        is_step = path.endswith("]")
        for key, child in value.items():
            yield f"{path}.{key}", child, str(key) if is_step else ""
    elif isinstance(value, list):
        for number, child in enumerate(value):
            word = child if isinstance(child, str) else ""
            yield f"{path}[{number}]{'.' if word else ''}{word}", child, word


def _step(path: str, name: str, body: object, known: dict[str, str], context: ParseContext) -> Step:
    """Return one method; `known` are the variables that those before it set."""
    if body is None:
        body = {}
    if not isinstance(body, Mapping):
        raise _wrong(path, f"{name} takes a mapping of properties", "wrong_type")
    filled = {key: _filled(value, known) for key, value in body.items()}
    try:
        step = _PARSERS[name](path, filled, context)
    except InvalidRequest as error:
        where = f"{path}.{error.key}" if error.key else path
        raise InvalidRequest(f"{where}: {error.message}", code=error.code, key=error.key) from None
    if isinstance(step, RecordCall):
        known["record_control_id"] = step.control_id
    elif isinstance(step, TapStep):
        known["tap_control_id"] = step.control_id
    return step


def _filled(value: object, known: Mapping[str, str]) -> object:
    """Return a value, or what the variable stands for that it is."""
    if isinstance(value, str) and value[:2] in ("${", "%{") and value.endswith("}"):
        return known.get(value[2:-1], value)
    return value


def _record_call(path: str, body: Mapping[str, object], context: ParseContext) -> RecordCall:
    control_id, options = parse_record_call(body, policy=context.policy)
    return RecordCall(path=path, control_id=control_id or context.new_id(), options=options)


def _tap(path: str, body: Mapping[str, object], context: ParseContext) -> TapStep:
    control_id, options = parse_tap(body, policy=context.policy)
    return TapStep(path=path, control_id=control_id or context.new_id(), options=options)


def _stop_record_call(
    path: str, body: Mapping[str, object], context: ParseContext
) -> StopRecordCall:
    return StopRecordCall(path=path, control_id=_stopped(Method.STOP_RECORD_CALL, body))


def _stop_tap(path: str, body: Mapping[str, object], context: ParseContext) -> StopTap:
    return StopTap(path=path, control_id=_stopped(Method.STOP_TAP, body))


def _stopped(method: Method, body: Mapping[str, object]) -> str | None:
    request_fields.verify_known(method, body, {"control_id"})
    return request_fields.control_id(body)


def _wrong(path: str, fact: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"{path}: {fact}", code=code)


_PARSERS: Mapping[str, Callable[[str, Mapping[str, object], ParseContext], Step]] = {
    Method.RECORD_CALL: _record_call,
    Method.STOP_RECORD_CALL: _stop_record_call,
    "stop_call_record": _stop_record_call,
    Method.TAP: _tap,
    Method.STOP_TAP: _stop_tap,
}
