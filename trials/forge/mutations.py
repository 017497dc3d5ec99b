"""Ways to change a text that opens something into one that must not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.:,$ "
LOOKALIKES = str.maketrans(
    {"a": "\u0430", "e": "\u0435", "k": "\u212a", "s": "\u017f", "0": "\uff10", "1": "\u0661"}
)
"""Cyrillic, Kelvin's sign, a long s, digits of other scripts: some fold to what they look like"""
BLANKS = (" ", "\t", "\n", "\0", "\u00a0", "\u2003", "\ufeff", "\u200b", "\u0301")


def _flip(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + chr(ord(text[place]) ^ 1 << random.randrange(8)) + text[place + 1 :]


def _replace(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + random.choice(LETTERS) + text[place + 1 :]


def _truncate(text: str, random: Random) -> str:
    kept = random.randrange(len(text))
    return text[:kept] if random.random() < 0.8 else text[kept + 1 :]


def _extend(text: str, random: Random) -> str:
    more = "".join(random.choices(LETTERS, k=random.randint(1, 12)))
    return text + more if random.random() < 0.7 else more + text


def _swap(text: str, random: Random) -> str:
    one, other = sorted(random.choices(range(len(text)), k=2))
    if one == other:
        return text
    return text[:one] + text[other] + text[one + 1 : other] + text[one] + text[other + 1 :]


def _turn_case(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    whole = random.random() < 0.2
    turned = text.swapcase() if whole else text[place].swapcase()
    return turned if whole else text[:place] + turned + text[place + 1 :]


def _look_alike(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + text[place:].translate(LOOKALIKES)


def _pad(text: str, random: Random) -> str:
    place = random.choice((0, len(text), random.randrange(len(text))))
    return text[:place] + random.choice(BLANKS) + text[place:]


def _repeat(text: str, random: Random) -> str:
    first, last = sorted(random.choices(range(len(text) + 1), k=2))
    return text[:last] + text[first:last] + text[last:]


def _escape(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    octets = text[place].encode("utf-8", "surrogatepass")
    return text[:place] + "".join(f"%{octet:02x}" for octet in octets) + text[place + 1 :]


WAYS: Sequence[Callable[[str, Random], str]] = (
    _flip,
    _replace,
    _truncate,
    _extend,
    _swap,
    _turn_case,
    _look_alike,
    _pad,
    _repeat,
    _escape,
)


def mutated(text: str, random: Random) -> str:
    """Return a text that isn't the given one, mostly by one change, sometimes by three.

    Blanks around it aren't a change: they don't belong to a header's value (RFC 9110, 5.5).
    """
    while True:
        changed = text
        for _ in range(random.choice((1, 1, 1, 3))):
            changed = random.choice(WAYS)(changed, random) or "x"
        if changed.strip(" ") != text:
            return changed


def reworded(text: str, random: Random) -> str:
    """Return a text of which one letter or digit is another one: its marks stay where they are."""
    places = [place for place, letter in enumerate(text) if letter.isascii() and letter.isalnum()]
    place = random.choice(places)
    others = [one for one in "abcxyzABCXYZ0123456789" if one.lower() != text[place].lower()]
    return text[:place] + random.choice(others) + text[place + 1 :]
