"""The rooms: what the linter, the coverage rule and the tree say of them is the same.

Each contract of pyproject.toml is broken on purpose in a copy of the tree, arrow by arrow.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from itertools import combinations, permutations, product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]
LAYERS, PURE = CONTRACTS[0], CONTRACTS[1]
NO_ROOMS = {"chalicelib.console"}
"""folders without Python"""


def test_every_pure_room_is_covered_whole() -> None:
    """Exactly the rooms that the linter keeps pure are under the rule of 100 % coverage."""
    rule = re.search(r"^PURE := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    covered = {entry.removesuffix("/*").replace("/", ".") for entry in rule[1].split(",")}
    covered = {entry.removesuffix(".py") for entry in covered}
    assert set(PURE["source_modules"]) == covered


def test_every_room_has_its_layer() -> None:
    """The contract of layers names each room of the tree, and no others."""
    rooms = {
        "chalicelib." + path.stem
        for path in (ROOT / "chalicelib").iterdir()
        if path.name[0] not in "._" and (path.is_dir() or path.suffix == ".py")
    }
    assert rooms - NO_ROOMS == {room for layer in _layers(LAYERS) for room in layer}


def test_a_room_that_does_nothing_impure_is_a_pure_room() -> None:
    """A room whose modules import nothing impure is kept so by the linter, ports excepted.

    `ports` holds Protocols whose methods are coroutines: there is nothing in it to cover.
    """
    above = {"chalicelib.api", "chalicelib.sink", "chalicelib.wiring", "chalicelib.config"}
    above |= {"chalicelib.services", "chalicelib.adapters", "chalicelib.ports"}
    assert {room for layer in _layers(LAYERS) for room in layer} - above == set(
        PURE["source_modules"]
    )


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the linter says of a copy in which every forbidden import is made once."""
    copy = tmp_path_factory.mktemp("rooms")
    for folder in ("chalicelib", "infra"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for lower, higher in sorted({arrow for row in CONTRACTS for arrow in arrows(row)}):
        with _source(copy, lower).open("a") as module:
            module.write(f"\nimport {higher}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stdout


@pytest.mark.parametrize("contract", CONTRACTS, ids=[row["name"] for row in CONTRACTS])
def test_a_contract_fails_for_each_forbidden_import(
    contract: Mapping[str, Any], broken: str
) -> None:
    """Each arrow that a contract forbids is reported when a module draws it."""
    assert f"{contract['name']} BROKEN" in broken
    reported = {(at, to) for at, to in re.findall(r"([\w.]+) -> ([\w.]+) \(l\.", broken)}
    assert set(arrows(contract)) - reported == set()


def arrows(contract: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the imports that a contract forbids, between the rooms that it names."""
    match contract["type"]:
        case "forbidden":
            yield from product(contract["source_modules"], contract["forbidden_modules"])
        case "independence":
            allowed = [_arrow(line) for line in contract["ignore_imports"]]
            for at, to in permutations(_modules(contract["modules"]), 2):
                if not any(source.match(at) and target.match(to) for source, target in allowed):
                    yield at, to
        case "layers":
            for container in contract.get("containers", [""]):
                yield from _upwards(_layers(contract, container))


def _upwards(layers: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Yield each import from a layer into a higher one, and between the siblings of a layer."""
    for higher, lower in combinations(layers, 2):
        yield from product(lower, higher)
    for layer in layers:
        yield from permutations(layer, 2)


def _layers(contract: Mapping[str, Any], container: str = "") -> list[list[str]]:
    """Return the modules of each layer, the highest first; the siblings of a layer apart."""
    prefix = container + "." if container else ""
    return [
        [prefix + name.strip(" ()") for name in layer.split("|")] for layer in contract["layers"]
    ]


def _modules(patterns: list[str]) -> list[str]:
    """Return the modules that dotted patterns such as `chalicelib.carriers.*` mean."""
    found = []
    for pattern in patterns:
        folder = ROOT / pattern.removesuffix(".*").replace(".", "/")
        if not pattern.endswith(".*"):
            found.append(pattern)
            continue
        found += [
            pattern.removesuffix("*") + path.stem
            for path in sorted(folder.iterdir())
            if path.name[0] not in "._" and (path.is_dir() or path.suffix == ".py")
        ]
    return found


def _arrow(line: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what an ignored import `at -> to` matches; `.**` is everything below, and itself."""
    at, to = (re.escape(end).replace(r"\.\*\*", "") for end in line.split(" -> "))
    return re.compile(rf"{at}(\.|$)"), re.compile(rf"{to}(\.|$)")


def _source(copy: Path, module: str) -> Path:
    """Return the file of a module, or of a package's own module."""
    path = copy / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
