"""The text of a SWML document, whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest, TooLarge
from chalicelib.swml.text import MAX_BYTES, read_json, read_yaml
from tests.carriers.samples import FIXTURES

BILLION_LAUGHS = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (name + 1, name + 1, name, name) for name in range(97, 120)
)
BILLION_MERGES = b"a: &a {x: 1}\n" + b"".join(
    b"%c: &%c {<<: [*%c, *%c]}\n" % (name + 1, name + 1, name, name) for name in range(97, 120)
)


@pytest.mark.parametrize("path", sorted((FIXTURES / "swml").glob("*.yaml")), ids=lambda p: p.stem)
def test_yaml_and_json_say_the_same(path: Any) -> None:
    """Each documented example reads alike in both languages."""

    document = read_yaml(path.read_bytes())

    assert read_json(path.with_suffix(".json").read_bytes()) == document


def test_a_json_text_is_yaml_too() -> None:
    """Whoever names the wrong one of both content types is understood."""

    text = (FIXTURES / "swml" / "record-and-play.json").read_bytes()

    assert json.loads(text) == read_yaml(text)


@pytest.mark.parametrize("text", [b"a: 2026-01-02", b'{"a": "2026-01-02"}'])
def test_what_looks_like_a_date_is_text(text: bytes) -> None:
    """As in JSON."""

    assert {"a": "2026-01-02"} == read_yaml(text)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"a: [", "while parsing"),
        (b"a: 1\na: 2", "a key that occurs twice"),
        (b"a: &x 1\nb: *x", "an alias"),
        (b"a: !!python/object:os.system x", "a tag"),
        (b"a: !!int x", "a tag"),
        (b"a: ! x", "a tag"),
        (b"? [a]\n: 1", "unhashable"),
        (b"a: 1\n---\nb: 2", "another document"),
        (b"a: \x07", "special characters"),
        (b"a: \xff", "invalid"),
        (b"a: " + b"9" * 5000, "digits"),
        *(
            (text, "an integer of more than 4096 bits")
            for number in (
                b"0x" + b"f" * 4000,
                b"-0x" + b"f" * 4000,
                b"0" + b"7" * 4000,
                b"0b" + b"1" * 5000,
                b"1" + b":59" * 4000,
            )
            for text in (
                b"a: " + number,
                b"? " + number + b"\n: 1",
                b"sections: {main: [{play: {? " + number + b" : 1}}]}",
            )
        ),
        (b"a: 1" + b":59" * 2000 + b".5", "too large"),
        (b"[" * 5000, "recursion"),
        (BILLION_LAUGHS, "an alias"),
        (BILLION_MERGES, "an alias"),
    ],
)
def test_what_is_no_swml_text_is_refused_at_once(text: bytes, fact: str) -> None:
    """Neither an alias nor a tag is followed: a bomb never goes off."""
    with pytest.raises(InvalidRequest, match=fact) as refused:
        read_yaml(text)

    assert "not_yaml" == refused.value.code


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 60_000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    """The message says so."""
    with pytest.raises(InvalidRequest, match="not JSON") as refused:
        read_json(text)

    assert "not_json" == refused.value.code


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_a_document_has_a_size(read: Any) -> None:
    """64 KiB, as for every request."""
    with pytest.raises(TooLarge, match="65537 bytes of at most 65536"):
        read(b" " * (MAX_BYTES + 1))


@given(st.text(alphabet=st.sampled_from("a1:-[]{},#&*!|>'\"%@? \n\t<~.=_e0x"), max_size=60))
def test_any_text_reads_or_is_refused(text: str) -> None:
    """Nothing else is raised, and what is read is JSON's."""
    try:
        document = read_yaml(text.encode())
    except InvalidRequest:
        return

    assert is_json(document)


def is_json(value: object) -> bool:
    """Whether a value is made of JSON's kinds; YAML's keys may be any plain one."""
    if isinstance(value, dict):
        return all(map(is_json, (*value.keys(), *value.values())))
    if isinstance(value, list):
        return all(map(is_json, value))
    return value is None or isinstance(value, str | int | float | bool)
