"""Every `make <target>` that somebody can read somewhere is run by a test."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.__main__ import MEASUREMENTS
from infra.paths import ROOT
from tests.targets.documented import documented, documented_trials, in_document
from tests.targets.running import make
from tests.targets.scratch import installed, program
from tests.targets.table import TABLE, Rehearsed, Row, Runs, RunsIn
from trials.__main__ import trials

REHEARSE = f"PY={sys.executable} {ROOT / 'tests/targets/rehearse.py'}"


def rows(kind: type[Row]) -> list[object]:
    """Return the table's rows of one kind, with their targets."""
    found = [(target, row) for target, row in TABLE.items() if isinstance(row, kind)]
    return [pytest.param(target, row, id=target) for target, row in found]


def test_each_documented_target_has_a_row() -> None:
    """The table has each documented target; trials may be documented as `make trial` alone."""
    named = documented()

    assert {} == {target: where for target, where in named.items() if target not in TABLE}
    assert set() == set(TABLE) - set(named) - set(own_names()), "documented nowhere"


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Type `make run`, or `ONCE=1 make check`.", ["run", "check"]),
        ("```sh\nmake key ARGS=list  # make tea\nA=1 make api-fuzz\n```\n", ["key", "api-fuzz"]),
        ("They make tea; `other make tea`.", []),
    ],
)
def test_a_document_names_targets_as_commands(text: str, targets: list[str]) -> None:
    """In backticks or in a block; elsewhere it is prose."""

    assert targets == in_document(text)


@pytest.mark.parametrize(("target", "row"), rows(Runs))
def test_a_short_form_ends_well(target: str, row: Runs) -> None:
    """The target runs for real."""

    done = make(target, *row.arguments)

    assert (0, True) == (done.code, row.says in done.said), done.said


@pytest.mark.parametrize(("target", "row"), rows(RunsIn))
def test_another_test_runs_it(target: str, row: RunsIn) -> None:
    """The file that the table names has the call."""

    assert f'make("{target}"' in (ROOT / row.file).read_text(encoding="utf-8")


@pytest.mark.parametrize(("target", "row"), rows(Rehearsed))
def test_a_long_one_is_rehearsed(target: str, row: Rehearsed, tmp_path: Path) -> None:
    """Its recipe runs the programs that it should, and each of ours can be imported."""
    program(tmp_path / "bin/gst-launch-1.0", "exit 0")  # else `make test` installs it

    done = make(
        target,
        *row.arguments,
        REHEARSE,
        folder=installed(tmp_path),
        environment={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )

    assert 0 == done.code, done.said
    assert [] == [line for line in row.runs if line not in done.printed], done.said
    assert not row.shorter or (ROOT / row.shorter).exists()


WITHOUT_TARGETS = [name for name in trials() if name.replace("_", "-") not in TABLE]


@pytest.mark.parametrize("name", ["api-fuzz", *WITHOUT_TARGETS])
def test_a_trial_runs_by_its_name(name: str, tmp_path: Path) -> None:
    """With its arguments; it is rehearsed, as those that have a target of their own are."""

    done = make("trial", f"NAME={name}", "ARGS=--more", REHEARSE, folder=installed(tmp_path))

    assert 0 == done.code, done.said
    assert f"trials.{name.replace('-', '_')} --more" == done.printed[-1]


def test_each_documented_trial_is_there() -> None:
    """What follows `make trial NAME=` in a document, the Makefile or a message."""

    assert {} == {
        name: where for name, where in documented_trials().items() if name not in trials()
    }


def test_every_measurement_is_there() -> None:
    """`make bench` passes over one that isn't."""

    assert [] == [name for name in MEASUREMENTS if find_spec(f"bench.{name}") is None]


def test_help_says_what_each_target_is() -> None:
    """A line for each target with a row, in groups, except those that are another one by name.

    The first group is the user's, and no longer than somebody reads.
    """
    first, *others = [group.splitlines()[1:] for group in "\n".join(listed()).split("\n\n")]
    lines = [line for group in (first, *others) for line in group]

    assert 12 >= len(first)
    assert [] == [line for line in lines if len(line) > 100]
    assert sorted(TABLE) == sorted([line.split()[1] for line in lines] + own_names())


def listed() -> list[str]:
    """Return what `make help` prints, without its first empty line."""
    empty, *lines = make("help").printed
    assert "" == empty
    return lines


def own_names() -> list[str]:
    """Return the measurements and trials that can be made by their own names."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (names,) = re.findall(r"^OWN_NAMES := (.*)$", text, re.MULTILINE)
    return names.split()


def test_a_trial_has_to_be_named() -> None:
    """Without a name, or with a wrong one, all are listed, each with what it does."""
    nameless, wrong = make("trial"), make("trial", "NAME=choas")

    assert (2, 2) == (nameless.code, wrong.code)
    assert "Say which trial: make trial NAME=…. There are:" in nameless.said
    assert "There is no trial 'choas'. There are:" in wrong.said
    words = [line.split() for line in wrong.said.splitlines()]
    assert ["chaos", "kill", "workers", "in"] in [line[:4] for line in words]
