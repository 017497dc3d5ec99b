"""What every SWML method's properties have in common."""

from __future__ import annotations

import math

import pytest

from chalicelib.errors import InvalidRequest
from chalicelib.recording import request_fields


def test_names_the_method_that_lacks_a_property() -> None:
    """A key of another method is refused under the method that was called."""
    with pytest.raises(InvalidRequest, match="tap has no property 'beep'") as refused:
        request_fields.verify_known("tap", {"uri": "x", "beep": True}, {"uri"})

    assert "unknown_property" == refused.value.code


@pytest.mark.parametrize("variable", ["${a}", "%{a}", "x${a}y", "${\n}"])
def test_refuses_a_variable_anywhere_in_a_text(variable: str) -> None:
    """A value that SWML should have filled in never becomes an option."""
    with pytest.raises(InvalidRequest, match="uri holds an SWML variable") as refused:
        request_fields.verify_known("tap", {"uri": variable}, {"uri"})

    assert "unresolved_variable" == refused.value.code


def test_a_property_that_isnt_given_is_its_default() -> None:
    """Only what stands in the body is parsed; null stands there."""
    assert "default" == request_fields.given({}, "key", request_fields.text, "default")
    with pytest.raises(InvalidRequest, match="key must be a string"):
        request_fields.given({"key": None}, "key", request_fields.text, "default")


@pytest.mark.parametrize(
    ("given", "expected"),
    [(20, 20), (20.0, 20), (-1, -1), ("20", 20), ("20.0", 20), ("2e1", 20), ("-1", -1)],
)
def test_a_whole_number_is_one_however_it_is_written(given: object, expected: int) -> None:
    """JSON's 20.0 is 20, as JSON Schema has it, and so is the text of either."""
    read = request_fields.whole_number("key", given)

    assert (expected, int) == (read, type(read))


@pytest.mark.parametrize(
    "wrong", [True, 20.5, math.inf, math.nan, None, "", "20.5", "1e999", "20x", "true", " 20", [20]]
)
def test_nothing_else_is_a_whole_number(wrong: object) -> None:
    """Neither a fraction nor a text that isn't one."""
    with pytest.raises(InvalidRequest, match="key must be a whole number, not ") as refused:
        request_fields.whole_number("key", wrong)

    assert ("wrong_type", "key") == (refused.value.code, refused.value.key)


@pytest.mark.parametrize(
    ("given", "expected"), [(True, True), (False, False), ("true", True), ("false", False)]
)
def test_a_boolean_may_be_its_text(given: object, expected: bool) -> None:
    """As a variable of SWML is filled in, in JSON's spelling."""
    assert expected is request_fields.boolean("key", given)


@pytest.mark.parametrize(
    "wrong", ["yes", "True", "TRUE", "1", "", " true", "true\n", 1, 0, None, [], {}]
)
def test_nothing_else_is_a_boolean(wrong: object) -> None:
    """Neither numbers nor other spellings."""
    with pytest.raises(InvalidRequest, match="key must be true or false, not ") as refused:
        request_fields.boolean("key", wrong)

    assert ("wrong_type", "key") == (refused.value.code, refused.value.key)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(300, 300.0), (0.5, 0.5), ("300", 300.0), ("0.5", 0.5), ("3e2", 300.0), ("3.0E+2", 300.0)],
)
def test_a_number_may_be_its_text(given: object, expected: float) -> None:
    """As a variable of SWML is filled in; it is kept as a number."""
    read = request_fields.number("key", given, 300)

    assert (expected, float) == (read, type(read))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        *((text, "wrong_type") for text in ("abc", "", " 300 ", "300\n", "+3", ".5", "5.", "01")),
        *((text, "wrong_type") for text in ("1_0", "0x1", "1,5", "1:30", "3 0", "--1", "1e")),
        *((text, "wrong_type") for text in ("NaN", "nan", "Infinity", "-inf", "true", "null")),
        *((text, "wrong_type") for text in ("\u0663\u0660\u0660", "\uff11", "\u00b2")),
        *((text, "out_of_range") for text in ("1e999", "-1", "-0.1", "300.5", "9" * 5_000)),
        *((other, "wrong_type") for other in (True, None, [], {})),
        *((other, "out_of_range") for other in (math.nan, math.inf, 10**400)),
        pytest.param(10**5_000, "out_of_range", id="more digits than Python writes"),
    ],
)
def test_nothing_else_is_a_number(wrong: object, code: str) -> None:
    """Only JSON's own digits are; what they say must lie in the range."""
    with pytest.raises(InvalidRequest, match=r"^key must be ") as refused:
        request_fields.number("key", wrong, 300)

    assert (code, "key") == (refused.value.code, refused.value.key)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("yes", '"yes"'),
        ("\u0663", '"\u0663"'),
        ('a"\n', r'"a\"\n"'),
        ("x" * 41, '"' + "x" * 40 + '…"'),
        (True, "true"),
        (None, "null"),
        (7.5, "7.5"),
        (10**400, "a number of more than 64 bits"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
    ],
)
def test_a_refusal_ends_with_the_value(value: object, shown: str) -> None:
    """As JSON, and not all of a long one."""
    refused = request_fields.wrong_type("key", "a string", value)

    assert f"key must be a string, not {shown}" == refused.message
