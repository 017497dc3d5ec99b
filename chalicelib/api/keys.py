"""`python -m chalicelib.api.keys create|list|revoke`: the API keys of an account.

A key's text is printed once, when it is made, and kept nowhere.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from typing import TextIO

from chalicelib import wiring
from chalicelib.api.requests import now
from chalicelib.errors import TapedeckError
from chalicelib.ports.accounts import ApiKeys
from chalicelib.ports.values import ApiKey
from chalicelib.services.accounts.api_keys import create_key


def main(arguments: Sequence[str], out: TextIO, errors: TextIO) -> int:
    """Run one command and return the process's exit code."""
    asked = _parser().parse_args(arguments)
    try:
        asked.command(wiring.ports().api_keys, asked, out)
    except (TapedeckError, ValueError) as error:
        errors.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chalicelib.api.keys")
    commands = parser.add_subparsers(required=True, metavar="create|list|revoke")
    for name, command, about in (
        ("create", _create, "make a key and print it, once"),
        ("list", _list, "show an account's keys"),
        ("revoke", _revoke, "switch a key off for good"),
    ):
        sub = commands.add_parser(name, help=about)
        sub.add_argument("--account", default="main", help="a label; default: main")
        sub.set_defaults(command=command)
    commands.choices["revoke"].add_argument("key_id", help="as `list` shows it")
    return parser


def _create(keys: ApiKeys, asked: argparse.Namespace, out: TextIO) -> None:
    made = create_key(keys, asked.account, now(), secrets.token_bytes)
    out.write(f"{made.text}\n")


def _list(keys: ApiKeys, asked: argparse.Namespace, out: TextIO) -> None:
    for key in keys.listing(asked.account):
        out.write(f"{key.key_id}  {key.created_at:%Y-%m-%d %H:%M} UTC  {_state(key)}\n")


def _revoke(keys: ApiKeys, asked: argparse.Namespace, out: TextIO) -> None:
    keys.revoke(asked.account, asked.key_id, now())
    out.write(f"{asked.key_id} is revoked\n")


def _state(key: ApiKey) -> str:
    return "active" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout, sys.stderr))
