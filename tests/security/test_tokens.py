"""Capability tokens."""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import InvalidRequest, Unauthenticated
from chalicelib.security import tokens
from chalicelib.security.tokens import Claims, TokenKind

NEW = b"n" * 32
OLD = b"o" * 32
NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ALPHABET = string.ascii_letters + string.digits + "-_"


def issued(kind: TokenKind = TokenKind.PROFILE, subject: str = "support line") -> str:
    return tokens.issue([NEW, OLD], kind, "main", subject, LATER)


def refusal(token: str, kind: TokenKind = TokenKind.PROFILE, now: datetime = NOW) -> str:
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify([NEW, OLD], token, kind, now)
    return refused.value.code


def test_says_what_it_was_issued_for() -> None:
    """A verified token gives back its kind, account, subject and expiry."""

    claims = tokens.verify([NEW, OLD], issued(), TokenKind.PROFILE, NOW)

    assert (
        Claims(kind=TokenKind.PROFILE, account="main", subject="support line", expires_at=LATER)
        == claims
    )


def test_is_one_path_segment() -> None:
    """A token holds nothing that a path, a proxy or a template would read as its own."""

    assert set() == set(issued(subject="ä/ö?%.#${x}")) - set(ALPHABET)


def test_old_key_verifies_during_rotation() -> None:
    """A token of yesterday's key is good while both keys are configured, and not after."""

    token = tokens.issue([OLD], TokenKind.RECORDING, "main", "r-1", LATER)

    assert "r-1" == tokens.verify([NEW, OLD], token, TokenKind.RECORDING, NOW).subject
    with pytest.raises(Unauthenticated):
        tokens.verify([NEW], token, TokenKind.RECORDING, NOW)


def test_expires_at_its_very_second() -> None:
    """A token is good until just before its expiry and says that it expired from then on."""

    just_before = LATER - timedelta(microseconds=1)

    assert "main" == tokens.verify([NEW], issued(), TokenKind.PROFILE, just_before).account
    assert "token_expired" == refusal(issued(), now=LATER)


def test_kinds_are_not_interchangeable() -> None:
    """A profile's token downloads no recording."""

    assert "token_invalid" == refusal(issued(), kind=TokenKind.RECORDING)


@pytest.mark.parametrize(
    "token",
    ["", "A", "AAAA", "ä" * 40, "=" * 40, "A" * (tokens.TOKEN_MAX + 1), "A" * tokens.TOKEN_MAX],
)
def test_rubbish_is_invalid(token: str) -> None:
    """What never was a token is refused without telling why."""

    assert "token_invalid" == refusal(token)


def test_other_spellings_are_invalid() -> None:
    """Padding, white space and spare bits make another text, and another text is refused."""

    token = issued(subject="x")
    spare = [token[:-1] + letter for letter in ALPHABET if letter != token[-1]]

    assert {"token_invalid"} == {
        refusal(t) for t in [token + "=", token + "\n", " " + token, *spare]
    }


def test_too_long_a_subject_is_refused_at_issue() -> None:
    """Nothing is issued that verify would refuse for its length."""

    with pytest.raises(InvalidRequest) as refused:
        issued(subject="s" * tokens.TOKEN_MAX)

    assert "token_too_long" == refused.value.code


@settings(max_examples=2000)
@given(
    position=st.integers(min_value=0, max_value=10_000),
    mutation=st.one_of(
        st.tuples(st.just("replace"), st.text(min_size=1, max_size=3)),
        st.tuples(st.just("insert"), st.text(min_size=1, max_size=3)),
        st.tuples(st.just("cut"), st.just("")),
        st.tuples(st.just("replace"), st.sampled_from(ALPHABET)),
    ),
)
def test_no_mutation_is_accepted(position: int, mutation: tuple[str, str]) -> None:
    """Whatever is changed in a token's text, it isn't a token any more."""

    token = issued()
    at = position % len(token)
    kind, text = mutation
    mutated = token[:at] + text + token[at + (kind != "insert") :]

    assert mutated == token or "token_invalid" == refusal(mutated)


def test_a_hundred_thousand_forgeries_are_refused() -> None:
    """Changed at one to three random places, a token is never accepted."""

    random, token = Random(1), issued()
    accepted = 0
    for _ in range(100_000):
        forged = list(token)
        for _ in range(random.randint(1, 3)):
            forged[random.randrange(len(forged))] = random.choice(ALPHABET)
        with suppress(Unauthenticated):
            tokens.verify([NEW, OLD], "".join(forged), TokenKind.PROFILE, NOW)
            accepted += "".join(forged) != token

    assert 0 == accepted


@settings(max_examples=300)
@given(account=st.text(max_size=40), subject=st.text(max_size=60))
def test_any_names_survive(account: str, subject: str) -> None:
    """Whatever an account or a subject is called, the token says it back."""

    token = tokens.issue([NEW], TokenKind.RECORDING, account, subject, LATER)
    claims = tokens.verify([NEW], token, TokenKind.RECORDING, NOW)

    assert (account, subject) == (claims.account, claims.subject)
