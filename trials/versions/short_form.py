"""The short form of the trial: both directions and the fixtures, all at once, in one local AWS."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.aws import LocalAws
from tests.e2e.stage import ENDED
from trials.versions.cloud import Item
from trials.versions.finish import SWEEPS, finish, finishing
from trials.versions.fixture import Fixture, fixtures
from trials.versions.future import FutureWords
from trials.versions.pair import Played, paired
from trials.versions.tree import NoHistory
from trials.versions.version import Version, baseline, working_tree


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a version did with calls that only newer code can finish."""

    rows: tuple[list[Item], list[Item]]
    """theirs, before and after three sweeps"""
    objects: tuple[list[str], list[str]]
    """that hold their media"""
    swept: list[dict[str, int]]
    unfinished: set[str]
    """calls with recordings that haven't ended after that"""
    ended: dict[str, Any]
    """what came of everything when the version knew the words"""


@dataclass(kw_only=True)
class ShortForm:
    """What came of it."""

    pairs: dict[str, Played] = field(default_factory=dict)
    """by the version whose workers had the calls"""
    ended: dict[str, dict[str, Any]] = field(default_factory=dict)
    """what the working tree made of each fixture, by its name"""
    left: dict[str, Left] = field(default_factory=dict)
    """the same with words of the future in some of its calls"""
    no_history: str = ""
    """why there is no pair"""


def play_short_form(aws: LocalAws, folder: Path) -> ShortForm:
    """Play everything; what fails raises."""
    played, new = ShortForm(), working_tree()
    with ThreadPoolExecutor(8) as pool:
        ended = {one.folder.name: pool.submit(_finish, aws, new, one, folder) for one in fixtures()}
        left = {one.folder.name: pool.submit(leave, aws, new, one, folder) for one in fixtures()}
        pairs: dict[str, Future[Played]] = {}
        try:
            old = baseline()
        except NoHistory as missing:
            played.no_history = str(missing)
        else:
            pairs["old"] = pool.submit(_play, aws, old, new, folder / "old")
            pairs["new"] = pool.submit(_play, aws, new, old, folder / "new")
        played.ended = {name: one.result() for name, one in ended.items()}
        played.left = {name: one.result() for name, one in left.items()}
        played.pairs = {name: one.result() for name, one in pairs.items()}
    return played


def _play(aws: LocalAws, first: Version, second: Version, folder: Path) -> Played:
    with paired(aws, first, second, folder) as pair:
        return asyncio.run(pair.play())


def _finish(aws: LocalAws, version: Version, fixture: Fixture, folder: Path) -> dict[str, Any]:
    return finish(aws, version, fixture, folder / f"fixture-{fixture.folder.name}")


def leave(aws: LocalAws, version: Version, fixture: Fixture, folder: Path) -> Left:
    """Let a version sweep where it doesn't know all words; then let it know them."""
    with finishing(aws, version, fixture, folder / f"future-{fixture.folder.name}") as seen:
        future = FutureWords(fixture=fixture, cloud=seen.cloud)
        future.put()
        rows, objects = future.rows(), future.objects()
        swept = [seen.sweep(after) for after in SWEEPS]
        left = (rows, future.rows()), (objects, future.objects())
        unfinished = {one["call_id"] for one in seen.ended()["recordings"] if _is_live(one)}
        future.take_away()
        for after in SWEEPS:
            seen.sweep(SWEEPS[-1] + after)
        return Left(
            rows=left[0],
            objects=left[1],
            swept=swept,
            unfinished=unfinished,
            ended=seen.ended(),
        )


def _is_live(recording: dict[str, Any]) -> bool:
    return recording["state"] not in ENDED
