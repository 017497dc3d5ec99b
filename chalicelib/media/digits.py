"""The sixteen digits, and the events of a key press; the same from tones and from RFC 4733."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
"""ITU-T Q.23"""
KEYPAD = ("123A", "456B", "789C", "*0#D")
"""a row for each low frequency, a column for each high one"""

FREQUENCIES_HZ: Mapping[str, tuple[int, int]] = {
    digit: (low, high)
    for low, row in zip(LOW_HZ, KEYPAD, strict=True)
    for high, digit in zip(HIGH_HZ, row, strict=True)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitBegun:
    """A key is pressed: reported as soon as it is certain, once for each press."""

    digit: str
    first_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitEnded:
    """The same key is let go: follows its `DigitBegun`, once for each press."""

    digit: str
    first_sample: int
    samples: int


DigitEvent = DigitBegun | DigitEnded
