"""The kept corpus, without a fuzzer: what every parser was fed once, it survives again."""

from __future__ import annotations

import pytest

from trials.fuzz.corpus import folder_of, kept
from trials.fuzz.targets import TARGETS


def test_every_parser_has_a_corpus() -> None:
    """A parser without seeds would be fuzzed from nothing."""

    assert sorted(TARGETS) == sorted(folder.name for folder in kept())


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_survives_its_corpus(target: str) -> None:
    """Each kept input is parsed, or refused as the parser says."""

    for path in sorted(folder_of(target).iterdir()):
        TARGETS[target](path.read_bytes())
