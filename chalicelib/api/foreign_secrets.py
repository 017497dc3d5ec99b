"""`python -m chalicelib.api.foreign_secrets`: profiles that name a secret of another account.

Its exit code is 1 where one of them is refused, so that a deployment can depend on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from shlex import quote
from typing import TextIO

from chalicelib import wiring
from chalicelib.errors import TapedeckError
from chalicelib.security.secret_names import SharedCredentials
from chalicelib.services.accounts.foreign_secrets import ForeignSecret, foreign_secrets

_PATCH = "curl -X PATCH -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json'"


def main(out: TextIO, errors: TextIO) -> int:
    """List them with what to do about each, and return the process's exit code."""
    ports = wiring.ports()
    shared = ports.settings.shared_credentials
    try:
        found = list(foreign_secrets(ports.api_keys, ports.profiles, shared))
    except (TapedeckError, ValueError) as error:
        errors.write(f"{error}\n")
        return 1
    refused = [one for one in found if not one.is_shared]
    for one in found:
        out.write(f"{_told(one)}\n")
        out.writelines(f"  {line}\n" for line in ([] if one.is_shared else _remedies(one)))
    out.writelines(f"{line}\n" for line in _about_parameter(refused, found, shared))
    return 1 if refused else 0


def _told(one: ForeignSecret) -> str:
    profile = one.profile
    whose = f"of account {one.owner}" if one.owner else "no name of a carrier's secret"
    state = "allowed by SharedCredentials" if one.is_shared else "REFUSED"
    # A name from before it was verified may hold anything, also what moves a terminal's cursor.
    return f"{profile.account}/{profile.name}: {profile.secret_id!a}, {whose}: {state}"


def _remedies(one: ForeignSecret) -> Iterable[str]:
    profile, name = one.profile, one.own_name
    body = quote(f'{{"secret_id": "{name}"}}')
    yield f"aws secretsmanager create-secret --name {name} --secret-string file://secret.json"
    yield f'{_PATCH} "$API/v1/profiles/{profile.name}" -d {body}'
    if one.owner:
        yield f"or let it work as it is: {':'.join(one.pair)} in SharedCredentials"


def _about_parameter(
    refused: Sequence[ForeignSecret], found: Sequence[ForeignSecret], shared: SharedCredentials
) -> Iterable[str]:
    for account, name in sorted(shared - {one.pair for one in found}):
        yield f"{account}:{name} is in SharedCredentials, and no profile needs it: take it out"
    if wanted := {one.pair for one in refused if one.owner}:
        value = ",".join(":".join(pair) for pair in sorted(shared | wanted))
        yield "All of them work as they are, with make deploy and the OPTIONS that you deploy with,"
        yield f"and: --parameters RecorderStack:SharedCredentials={value}"


if __name__ == "__main__":
    sys.exit(main(sys.stdout, sys.stderr))
