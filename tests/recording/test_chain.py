"""The chain over stored objects."""

from __future__ import annotations

import hashlib

from chalicelib.recording.chain import ChainLink, chained, head_of

ONE, TWO = (hashlib.sha256(body).digest() for body in (b"one", b"two"))
VECTOR = (
    "76aa48292a06298024c34d343a174f5466149a8082a7e90afae18e4494ce4731",
    "aca35907e91cc352894d363794794e4d5e0643df720272425b865b9dc921417d",
)
"""as `sha256sum` gives them"""


def test_the_vector_of_the_document() -> None:
    """The values that any other program computes from the documented rule."""

    begin = hashlib.sha256(b"tapedeck chain 1\0r-1").digest()
    first = hashlib.sha256(begin + b"segments/a" + ONE).digest()
    second = hashlib.sha256(first + b"segments/b" + TWO).digest()

    links = chained("r-1", [("segments/a", ONE), ("segments/b", TWO)])

    assert (
        ChainLink(key="segments/a", sha256=ONE.hex(), chain=first.hex()),
        ChainLink(key="segments/b", sha256=TWO.hex(), chain=second.hex()),
    ) == links
    assert VECTOR == tuple(link.chain for link in links)


def test_a_chain_depends_on_all_of_it() -> None:
    """Recording, order, keys, bytes: another value each."""

    heads = {
        head_of(chained(recording_id, objects))
        for recording_id, objects in (
            ("r-1", [("a", ONE), ("b", TWO)]),
            ("r-2", [("a", ONE), ("b", TWO)]),
            ("r-1", [("b", TWO), ("a", ONE)]),
            ("r-1", [("a", ONE), ("b", ONE)]),
            ("r-1", [("a", ONE), ("c", TWO)]),
            ("r-1", [("a", ONE)]),
        )
    }

    assert 6 == len(heads)


def test_where_nothing_was_read_there_is_no_chain() -> None:
    """A fetched file rests on its own hash."""

    assert "" == head_of(chained("r-1", []))
