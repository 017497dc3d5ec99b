"""Secrets are compared in constant time: nowhere in the package by an operator."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "chalicelib"
SECRET = re.compile(
    r"(?<![a-z])(secrets?|tokens?|signatures?|macs?|password|authorization|credentials?|api_key|"
    r"expected|presented|digest)(?![a-z])"
)
"""what a name that holds a secret, or is compared with one, has among its words"""

ACCEPTED = {
    (
        "security/tokens.py",
        "_text(sealed) != token",
    ): "whether a token is in its one spelling; no key is asked",
    ("security/callback_signature.py", "text == secret"): "whether the prefix was there",
    (
        "sink/forwarding/server.py",
        "tokens.verify(keys, hello.token, TokenKind.WORKER, now).subject != self._worker",
    ): "a worker's name, after its token was verified",
    ("adapters/s3/checksums.py", "expected != stored"): "checksums of an object",
    (
        "services/finalization/render.py",
        "self._digests.setdefault(key, digest) != digest",
    ): "a stored object",
}
"""with what they compare, if it isn't a secret that a stranger could guess at"""

_GUARDS = (
    "security/tokens",
    "security/carrier_credentials",
    "services/accounts/api_keys",
    "carriers/contract/webhook_signature",
)
"""who has to do with secrets, and so has to compare them"""


def _comparisons(source: str) -> Iterator[str]:
    """Yield what compares two values by an operator, one of them a secret by its name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In):
            sides = [node.left, *node.comparators]
            if not any(isinstance(side, ast.Constant) for side in sides) and any(
                SECRET.search(ast.unparse(side)) for side in sides
            ):
                yield ast.unparse(node)


def test_no_operator_compares_a_secret() -> None:
    """What does stands above, with its reason; and what stands there is still there."""

    found = {
        (str(path.relative_to(PACKAGE)), comparison)
        for path in sorted(PACKAGE.rglob("*.py"))
        for comparison in _comparisons(path.read_text(encoding="utf-8"))
    }

    assert set(ACCEPTED) == found


@pytest.mark.parametrize("guard", _GUARDS)
def test_guards_compare_through_hmac(guard: str) -> None:
    """Who judges secrets does it by `hmac.compare_digest`."""

    assert "hmac.compare_digest(" in (PACKAGE / f"{guard}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("given == self.token", True),
        ("mac(key) != header", True),
        ("signature == other", True),
        ("hmac.compare_digest(mac, header)", False),
        ("token == ''", False),
        ("machine == header", False),
    ],
)
def test_the_search_finds_what_it_is_for(source: str, is_found: bool) -> None:
    """Names by their words, not by letters in the midst of others."""

    assert is_found == bool(list(_comparisons(source)))
