"""Which account may use which carrier's secret: decided here and nowhere else.

`tapedeck/{account}/…` belongs to that account. Every other name under `tapedeck/` is one without
an account, from before accounts were in names, and belongs to account `main`. The operator may let
an account use one that isn't its own (`SharedCredentials`).

Secrets Manager compares names letter by letter: it has no folders, resolves no `..` and ignores no
case, so the name alone decides. It also takes an ARN in a name's place, and guesses about the
random suffix of one; we take none, because an ARN is a second name for the same secret.
"""

from __future__ import annotations

import re

MAIN = "main"
"""the account that names without an account belong to"""

ACCOUNT = r"[a-z0-9][a-z0-9-]{0,62}"
"""what an account may be called"""

NAME = r"tapedeck(/(?!\.\.?([/,]|$))[A-Za-z0-9_+=.@-]+)+"
"""what a secret may be called: AWS's characters, no part of the path empty, `.` or `..`. Both are
compiled when they are first used, because every function imports this file and few need it."""

SharedCredentials = frozenset[tuple[str, str]]
"""pairs of an account and the name of a secret that isn't its own, but that it may use"""

SHARED_PATTERN = rf"({ACCOUNT}:{NAME}(,|$))*"
"""what the operator may list: `account:name`, separated by commas"""


def is_secret_name(text: str) -> bool:
    """Whether a text is a name that some account may use; an ARN isn't."""
    return bool(re.fullmatch(NAME, text))


def owner(name: str) -> str:
    """Return the account that a secret belongs to by its name."""
    _, account, *rest = name.split("/")
    return account if rest and re.fullmatch(ACCOUNT, account) else MAIN


def refusal(account: str, name: str, shared: SharedCredentials) -> str:
    """Return why an account may not use a secret, and what to do about it; empty where it may."""
    own = f"tapedeck/{account}/…"
    if not is_secret_name(name):
        return f"secret_id: {name!r} isn't the name of a carrier's secret; name one of {own}"
    if owner(name) == account or (account, name) in shared:
        return ""
    return (
        f"secret_id: the secret {name!r} belongs to account {owner(name)}, not to {account}; name"
        f" one of {own}, or let the operator add {account}:{name} to SharedCredentials"
    )


def parse_shared(text: str) -> tuple[str, str]:
    """Return the pair that `account:name` spells. Raises ValueError where it spells none."""
    account, _, name = text.partition(":")
    if not (re.fullmatch(ACCOUNT, account) and is_secret_name(name)):
        raise ValueError(f"account:name is needed, e.g. sales:tapedeck/bandwidth, not {text!r}")
    return account, name
