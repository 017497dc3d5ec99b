"""The short form of the trial: both directions and the fixtures, all at once, in one local AWS."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.aws import LocalAws
from tests.versions.finish import finish
from tests.versions.fixture import Fixture, fixtures
from tests.versions.pair import Played, paired
from tests.versions.tree import NoHistory
from tests.versions.version import Version, baseline, working_tree


@dataclass(kw_only=True)
class ShortForm:
    """What came of it."""

    pairs: dict[str, Played] = field(default_factory=dict)
    """by the version whose workers had the calls"""
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    """what the working tree made of each fixture, by its name"""
    no_history: str = ""
    """why there is no pair"""


def play_short_form(aws: LocalAws, folder: Path) -> ShortForm:
    """Play everything; what fails raises."""
    played, new = ShortForm(), working_tree()
    with ThreadPoolExecutor(8) as pool:
        ended = {one.folder.name: pool.submit(_finish, aws, new, one, folder) for one in fixtures()}
        pairs: dict[str, Future[Played]] = {}
        try:
            old = baseline()
        except NoHistory as missing:
            played.no_history = str(missing)
        else:
            pairs["old"] = pool.submit(_play, aws, old, new, folder / "old")
            pairs["new"] = pool.submit(_play, aws, new, old, folder / "new")
        played.ended = {name: one.result() for name, one in ended.items()}
        played.pairs = {name: one.result() for name, one in pairs.items()}
    return played


def _play(aws: LocalAws, first: Version, second: Version, folder: Path) -> Played:
    with paired(aws, first, second, folder) as pair:
        return asyncio.run(pair.play())


def _finish(aws: LocalAws, version: Version, fixture: Fixture, folder: Path) -> dict[str, Any]:
    return finish(aws, version, fixture, folder / f"fixture-{fixture.folder.name}")
