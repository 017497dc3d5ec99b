"""What every SWML method's properties have in common."""

from __future__ import annotations

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.recording import properties


def test_names_the_method_that_lacks_a_property() -> None:
    """A key of another method is refused under the method that was called."""
    with pytest.raises(InvalidRequest, match="tap has no property 'beep'") as refused:
        properties.verify_known("tap", {"uri": "x", "beep": True}, {"uri"})

    assert "unknown_property" == refused.value.code


@pytest.mark.parametrize("variable", ["${a}", "%{a}", "x${a}y", "${\n}"])
def test_refuses_a_variable_anywhere_in_a_text(variable: str) -> None:
    """A value that SWML should have filled in never becomes an option."""
    with pytest.raises(InvalidRequest, match="uri holds an SWML variable") as refused:
        properties.verify_known("tap", {"uri": variable}, {"uri"})

    assert "unresolved_variable" == refused.value.code


def test_a_property_that_isnt_given_is_its_default() -> None:
    """Only what stands in the body is parsed; null stands there."""
    assert "default" == properties.given({}, "key", properties.text, "default")
    with pytest.raises(InvalidRequest, match="key must be a string"):
        properties.given({"key": None}, "key", properties.text, "default")


def test_a_whole_number_is_one_however_it_is_written() -> None:
    """JSON's 20.0 is 20, as JSON Schema has it; nothing else stands for a number."""
    assert [20, 20, -1] == [properties.whole_number("key", value) for value in (20, 20.0, -1)]
    for value in (True, 20.5, float("inf"), "20", None):
        with pytest.raises(InvalidRequest, match="key must be a whole number"):
            properties.whole_number("key", value)
