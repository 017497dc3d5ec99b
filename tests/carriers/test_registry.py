"""The carriers' rows: each agrees with its folder, and a path chooses its dialect."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.capture.events import Clock
from chalicelib.carriers import registry
from chalicelib.carriers.contract.call_api import Standing
from chalicelib.carriers.contract.document import Arrangement
from chalicelib.carriers.registry import Row
from chalicelib.errors import NotFound
from infra.paths import ROOT
from tests.carriers.samples import ANY_JSON

ARRANGEMENT = Arrangement(
    sink_url="wss://sink.example.com", token="TOKEN", hook_url="https://api.example.com/hooks"
)
APIS = sorted(name for name in registry.ROWS if registry.carrier(name).call_api)


def path_of(dialect: str) -> str:
    parameters = registry.DIALECTS[dialect].streams[dialect]
    return "/".join(["", dialect, "t-1", *("x" for _ in parameters)])


@pytest.mark.parametrize("name", registry.ROWS)
def test_a_row_agrees_with_its_carrier(name: str) -> None:
    """What the row says before the carrier loads is what the carrier says then."""
    row, carrier = registry.ROWS[name], registry.carrier(name)
    written = [
        document.name
        for each in carrier.documents.values()
        for document in each.documents(ARRANGEMENT)
    ]

    assert name == row.name == carrier.name == carrier.webhooks.carrier
    assert list(row.streams) == list(carrier.streams) == list(carrier.documents)
    assert list(row.documents) == written
    assert carrier.call_api is None or name == carrier.call_api.carrier


@pytest.mark.parametrize("dialect", registry.DIALECTS)
def test_a_dialect_has_its_carrier(dialect: str) -> None:
    """A call's key holds the carrier, whichever of its dialects streams."""

    assert dialect in registry.ROWS[registry.carrier_of(dialect)].streams
    factory = registry.carrier(registry.carrier_of(dialect)).streams[dialect]
    assert factory is registry.stream(dialect)
    written = registry.carrier(registry.carrier_of(dialect)).documents[dialect]
    assert written is registry.documents(dialect)


@pytest.mark.parametrize("generation", ["/g1", "/g7", "/g20000"])
@pytest.mark.parametrize("dialect", registry.DIALECTS)
def test_a_generation_in_front_is_the_load_balancer_s(dialect: str, generation: str) -> None:
    """Any worker takes it: a document may name one that is gone."""
    path = path_of(dialect)

    assert registry.route(path) == registry.route(generation + path)


@pytest.mark.parametrize("dialect", registry.DIALECTS)
def test_a_query_is_left_out(dialect: str) -> None:
    """What a carrier or a proxy adds after `?` changes nothing."""
    path = path_of(dialect)

    assert registry.route(path) == registry.route(f"{path}?expires=1&x=/a/b")


@pytest.mark.parametrize("dialect", registry.DIALECTS)
def test_a_path_with_more_or_less_is_not_found(dialect: str) -> None:
    """Nothing but the path of a dialect is a dialect's path."""
    path = path_of(dialect)

    for other in (
        path[1:],
        f"/x{path}",
        f"/{path}",
        f"{path}/",
        f"{path}/more",
        f"/{dialect}",
        f"/{dialect}/",
        path.replace(dialect, dialect.capitalize(), 1),
        f"/g0{path}",
        f"/g123456{path}",
        f"/g7/g8{path}",
    ):
        with pytest.raises(NotFound) as refused:
            registry.route(other)
        assert "unknown_path" == refused.value.code


@pytest.mark.parametrize("path", ["", "/", "?", "/nobody/t", "/healthz", "/g7"])
def test_other_paths_are_not_found(path: str) -> None:
    """A path that no dialect has is found nowhere."""

    with pytest.raises(NotFound) as refused:
        registry.route(path)

    assert "unknown_path" == refused.value.code


@pytest.mark.parametrize("dialect", registry.DIALECTS)
def test_a_dialect_s_parser_has_its_name(dialect: str) -> None:
    """The name in the path is the name of the parser, and in the streams' rows."""
    factory = registry.stream(dialect)

    parser = factory.parser({"call_id": "c-1", "direction": "speak"})

    assert dialect == parser.name
    assert parser.clock in Clock


@pytest.mark.parametrize("name", ["", "nobody", "SignalWire", "x" * 500])
def test_others_are_not_found(name: str) -> None:
    """A carrier without a row has no hooks."""

    with pytest.raises(NotFound) as refused:
        registry.carrier(name)

    assert "unknown_path" == refused.value.code


@pytest.mark.skipif(not APIS, reason="no carrier here has an API")
@given(data=st.data(), body=st.binary() | ANY_JSON.map(json.dumps))
def test_whatever_an_api_answers_is_no_end(data: st.DataObject, body: bytes | str) -> None:
    """Bytes that say nothing that we know end no call."""
    api = registry.carrier(data.draw(st.sampled_from(APIS))).call_api
    octets = body if isinstance(body, bytes) else body.encode()

    assert api is not None
    assert Standing.ENDED is not api.read_standing(octets)


def test_a_carrier_can_be_added_and_forgotten() -> None:
    """A row from another package is as good as one of ours."""
    registry.add(
        Row(
            name="elsewhere",
            title="E",
            streams={"elsewhere-ws": ("id",)},
            documents=(),
            package="x",
        )
    )
    try:
        assert {"id": "a/b"} == registry.route("/elsewhere-ws/t/a%2Fb").parameters
        assert "elsewhere" == registry.carrier_of("elsewhere-ws")
    finally:
        registry.remove("elsewhere")

    assert not {"elsewhere"} & registry.ROWS.keys()
    with pytest.raises(NotFound):
        registry.route("/elsewhere-ws/t/a")


def test_a_carrier_s_modules_load_at_its_first_use() -> None:
    """Importing the app and reading every row loads no carrier."""
    program = """
import sys, app
from chalicelib.carriers import registry
list(registry.ROWS.values()), list(registry.DIALECTS)
for name in registry.ROWS:
    assert not [one for one in sys.modules if one.startswith(f"chalicelib.carriers.{name}")], name
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
