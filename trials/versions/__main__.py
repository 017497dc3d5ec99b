"""`make trial NAME=versions`: run the baseline's processes beside the working tree's.

Both ways, and with what the baseline wrote. Exits with 1 if one version can't live with the other.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infra.local.aws import LocalAws, local_aws
from trials.versions.fixture import fixtures, lacks
from trials.versions.pair import Played
from trials.versions.short_form import ShortForm, leave, play_short_form
from trials.versions.takeover import TakenOver, play_takeover
from trials.versions.tree import NoHistory, baseline_commit
from trials.versions.version import Version, baseline, working_tree

MOST_LOST_S = 3.0
_OF = {"old": "the baseline", "new": "the working tree"}


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trials.versions", description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="where logs stay")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="tapedeck-versions-"))
    print(f"logs: {folder}", flush=True)
    print(f"the baseline is {baseline_commit()}", flush=True)
    with local_aws(folder / "aws") as aws:
        faults = [*_tell(_short(aws, folder)), *_tell(_long(aws, folder))]
    print("".join(f"NOT AS PROMISED: {fault}\n" for fault in faults), end="")
    return 1 if faults else 0


def _tell(found: Iterator[tuple[str, list[str]]]) -> Iterator[str]:
    """Print what was tried as it ends; yield what isn't as promised."""
    for what, faults in found:
        print(f"{'ok    ' if not faults else 'BROKEN'}  {what}", flush=True)
        yield from faults


def _short(aws: LocalAws, folder: Path) -> Iterator[tuple[str, list[str]]]:
    played = play_short_form(aws, folder)
    for fixture in fixtures():
        yield (
            f"what {fixture.folder.name} left is answered and ended",
            _of_fixture(played, fixture.folder.name),
        )
    if played.no_history:
        yield "the baseline's processes", [played.no_history]
    for owner, pair in played.pairs.items():
        other = _OF["new" if owner == "old" else "old"]
        for what, faults in _of_pair(pair):
            yield f"calls of {_OF[owner]}, {what} {other}", faults


def _of_fixture(played: ShortForm, name: str) -> list[str]:
    wanted = next(one for one in fixtures() if one.folder.name == name).read("ended")
    left = played.left[name]
    faults = lacks(wanted, played.ended[name])
    if left.rows[0] != left.rows[1] or left.objects[0] != left.objects[1]:
        faults.append("what only newer code knows was changed")
    del wanted["answers"], wanted["links"], wanted["failures"]
    return [*faults, *lacks(wanted, left.ended)]


def _of_pair(pair: Played) -> Iterator[tuple[str, list[str]]]:
    commands = [] if pair.answers == ["paused", "recording", "error"] else [str(pair.answers)]
    if pair.paused_frames_heard or not pair.heard_frames:
        commands.append(f"{pair.paused_frames_heard} paused frames are heard")
    yield "commanded by", [*commands, *pair.problems["commanded"]]
    moved = [] if pair.forwarded_tracks else ["no stream was forwarded"]
    if any(pair.losses_s["moved"]) or pair.exit_code:
        moved.append(f"lost {pair.losses_s['moved']}, exit code {pair.exit_code}")
    yield "forwarded by, and going on at", [*moved, *pair.problems["moved"]]
    late = [f"{lost:.1f} s lost" for lost in pair.losses_s["doomed"] if lost > MOST_LOST_S]
    yield "swept and finalized by", [*late, *pair.problems["doomed"], *pair.failures]
    yield "read by", lacks(pair.answers_of_old, pair.answers_of_new)


def _long(aws: LocalAws, folder: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        old, new = baseline(), working_tree()
    except NoHistory:
        return
    for first, second in ((old, new), (new, old)):
        taken = play_takeover(aws, first, second, folder / f"takeover-{first.name}")
        what = f"calls of {_OF[first.name]}, tapped, by RTP, taken over by a worker of"
        yield f"{what} {_OF[second.name]} in {taken.took_s:.0f} s", _of_takeover(taken)
    for fixture in fixtures():
        _tell_of_baseline(aws, old, fixture.folder.name, folder)


def _of_takeover(taken: TakenOver) -> list[str]:
    late = [f"{lost:.1f} s lost" for lost in taken.losses_s if lost > MOST_LOST_S]
    silent = [] if taken.tapped_bytes else ["the tap heard nothing"]
    return [*late, *silent, *taken.problems]


def _tell_of_baseline(aws: LocalAws, old: Version, name: str, folder: Path) -> None:
    """Say what the baseline itself does with words that it doesn't know: nothing can mend it."""
    fixture = next(one for one in fixtures() if one.folder.name == name)
    left = leave(aws, old, fixture, folder / "baseline")
    how = "leaves them alone" if left.rows[0] == left.rows[1] else "ends some"
    lost = "" if left.objects[0] == left.objects[1] else ", and deletes media"
    print(f"        the baseline, with words that it doesn't know: {how}{lost}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
