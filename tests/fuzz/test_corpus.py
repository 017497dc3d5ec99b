"""The kept corpus, without a fuzzer: what every parser was fed once, it survives again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


def test_every_parser_has_a_corpus() -> None:
    """A parser without seeds would be fuzzed from nothing."""

    assert sorted(TARGETS) == sorted(path.name for path in CORPUS.iterdir() if any(path.iterdir()))


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_survives_its_corpus(target: str) -> None:
    """Each kept input is parsed, or refused as the parser says."""

    for path in sorted((CORPUS / target).iterdir()):
        TARGETS[target](path.read_bytes())
