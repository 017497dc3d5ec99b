"""How each documented target is run by a test: a row for each.

A new target gets a row: `Runs` where a form of it is done in seconds, `RunsIn` where a test of its
own runs it, `Rehearsed`, with the reason, where it can be neither.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs here, in this folder, and ends well."""

    arguments: tuple[str, ...] = ()
    says: str
    """a part of what it prints"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsIn:
    """A test of its own runs it."""

    file: str
    """which has `make("<target>"` in it"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Its recipe runs where everything is a stub: its programs are imported, and don't run."""

    why: str
    """it doesn't run for real"""
    arguments: tuple[str, ...] = ()
    runs: tuple[str, ...]
    """command lines, among others"""
    shorter: str = ""
    """a test that does the same in a shorter form"""


Row = Runs | RunsIn | Rehearsed

_SCRATCH = RunsIn(file="tests/targets/test_scratch.py")
_OPERATOR = RunsIn(file="tests/targets/test_operator.py")

TABLE: dict[str, Row] = {
    # everyday
    "help": Runs(says="make help  "),
    "setup": _SCRATCH,
    "run": RunsIn(file="tests/targets/test_run.py"),
    "test": Rehearsed(
        why="it is the gate: this test runs in it",
        runs=(
            "pytest --quiet -m e2e -n 3 --dist loadfile --no-loadscope-reorder --reruns 2 -rR",
            "lint-imports --no-logo",
            "mypy",
        ),
    ),
    "openapi": Runs(says="chalicelib/api/openapi.json has"),
    "gstreamer": _SCRATCH,
    "check": Rehearsed(
        why="it is the gate: this test runs in it",
        runs=(
            "ruff format --check --quiet .",
            "ruff check --quiet .",
            "mypy",
            "lint-imports --no-logo",
            "pytest --quiet -m paced --reruns 2 -rR --cov --cov-append --cov-report=",
        ),
    ),
    "format": _SCRATCH,
    "clean": _SCRATCH,
    # measurements
    "bench": Rehearsed(why="half an hour", runs=("bench",), shorter="tests/bench/test_costs.py"),
    "hook": Rehearsed(why="a minute, in a local AWS", runs=("bench.hook --deployed",)),
    "costs": Rehearsed(why="minutes", runs=("bench.costs",), shorter="tests/bench/test_costs.py"),
    "callbacks": Rehearsed(why="eight minutes", runs=("bench.callbacks",)),
    "finalization": Rehearsed(why="six minutes", runs=("bench.finalization --promise",)),
    # trials
    "trial": Runs(arguments=("NAME=forge", "ARGS=--tries 200"), says=" forgeries, 0 faults"),
    "forge": Runs(arguments=("FORGE=--tries 200 --seed 7",), says=" 0 faults (seed 7)"),
    "webhooks": Runs(arguments=("WEBHOOKS=--orders 20 --lives 2",), says="100 % ended"),
    "leaks": Rehearsed(
        why="a minute, in a local AWS", runs=("trials.leaks",), shorter="tests/e2e/test_leaks.py"
    ),
    "pause": Rehearsed(why="a minute, in a local AWS", runs=("trials.pause",)),
    "autobahn": Rehearsed(
        why="minutes; it needs Python 2.7, and installs what it runs",
        runs=("trials.autobahn",),
        shorter="tests/trials/autobahn/test_verdicts.py",
    ),
    "attack": Rehearsed(
        why="minutes", runs=("trials.attack",), shorter="tests/trials/attack/test_attack.py"
    ),
    "chaos": Rehearsed(
        why="its shortest form, a kill in two calls, takes 50 s",
        arguments=("CHAOS=--kills 5 --calls 8 --seed 1",),
        runs=("trials.chaos --kills 5 --calls 8 --seed 1",),
        shorter="tests/e2e/test_chaos.py",
    ),
    "takeover": Rehearsed(
        why="minutes",
        runs=("trials.takeover",),
        shorter="tests/e2e/test_two_workers.py",
    ),
    "stop": Rehearsed(
        why="its shortest form takes 25 s, most of it the grace of 20 s",
        arguments=("STOP=--calls 50 --seconds 10",),
        runs=("trials.stop --calls 50 --seconds 10",),
        shorter="tests/trials/stop/test_stop.py",
    ),
    "retap": Rehearsed(
        why="its shortest form, one death, takes 40 s",
        arguments=("RETAP=--deaths 2",),
        runs=("trials.retap --deaths 2",),
        shorter="tests/e2e/test_retap.py",
    ),
    "crash": Rehearsed(
        why="minutes", runs=("trials.crash",), shorter="tests/trials/crash/test_crash.py"
    ),
    "outage": Rehearsed(
        why="twelve minutes", runs=("trials.outage",), shorter="tests/e2e/test_outage.py"
    ),
    "fuzz": Rehearsed(
        why="it installs a fuzzer; the tests replay its corpus",
        arguments=("FUZZ=rtp", "FUZZ_SECONDS=1"),
        runs=("trials.fuzz --seconds 1 rtp",),
        shorter="tests/trials/fuzz/test_corpus.py",
    ),
    "api-fuzz": Rehearsed(why="it installs what asks", runs=("trials.api_fuzz",)),
    "infra-check": Rehearsed(
        why="a minute, and the same as a test",
        runs=("tests.infra.checks",),
        shorter="tests/infra/test_findings.py",
    ),
    "audit": Rehearsed(
        why="it needs the advisories of pypi.org",
        runs=(
            "pip-audit --strict --progress-spinner off"
            " -r requirements.txt -r infra/sink/requirements.txt",
        ),
    ),
    # of a deployment
    "verify": RunsIn(file="tests/infra/test_verify.py"),
    "package": RunsIn(file="tests/infra/test_package.py"),
    "synth": _OPERATOR,
    "bootstrap": _OPERATOR,
    "deploy": _OPERATOR,
    "key": _OPERATOR,
    "workers": _OPERATOR,
    "secrets": _OPERATOR,
    "retire": _OPERATOR,
}
