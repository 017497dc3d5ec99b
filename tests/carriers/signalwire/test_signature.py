"""SignalWire's two signature headers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.carriers.signed import VECTORS, is_right

BY_NAME = {vector.name: vector for vector in VECTORS}
SHA1, SHA256 = BY_NAME["signalwire-json-sha1"], BY_NAME["signalwire-json-sha256"]


def test_sha256_decides_where_both_are_there() -> None:
    """A right SHA-1 doesn't mend a wrong SHA-256."""

    both = {**SHA1.signed.headers, **SHA256.signed.headers}
    signed = replace(SHA1.signed, headers=both)

    assert is_right("signalwire", signed, SHA1.key)
    weak = replace(signed, headers={**both, "X-SignalWire-Signature": "0" * 40})
    assert is_right("signalwire", weak, SHA1.key)
    strong = replace(signed, headers={**both, "X-Signalwire-SHA256-Signature": "0" * 64})
    assert not is_right("signalwire", strong, SHA1.key)


@given(
    position=st.integers(min_value=0, max_value=39), letter=st.characters(exclude_categories=["Cs"])
)
def test_no_changed_signature_is_right(position: int, letter: str) -> None:
    """One changed character anywhere is enough."""

    right = SHA1.signed.header(SHA1.proof)
    forged = right[:position] + letter + right[position + 1 :]

    signed = replace(SHA1.signed, headers={"X-SignalWire-Signature": forged})
    assert (forged == right) == is_right("signalwire", signed, SHA1.key)
