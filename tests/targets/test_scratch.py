"""Targets that install, change or remove, in a folder where that doesn't matter."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from infra.paths import ROOT
from tests.targets.running import make
from tests.targets.scratch import INSTALLED, bare, installed, program

_TELLS = 'echo "$(basename "$0")" "$@" >>"$LOG"\n'
_PYTHON = f"""{_TELLS}
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi"""


def only(folder: Path, *programs: str) -> dict[str, str]:
    """Return a PATH that has nothing but a folder, and links to some programs in it."""
    folder.mkdir(exist_ok=True)
    for name in ("sh", "rm", "mkdir", "touch", "cp", "basename", *programs):
        found = shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return {"PATH": str(folder)}


def test_setup_installs_each_environment_once(tmp_path: Path) -> None:
    """What isn't there is installed, what is there isn't, and what changed is installed again."""
    stubs, log = tmp_path / "stubs", tmp_path / "log"
    log.touch()
    program(stubs / "python-stub", _PYTHON)
    program(stubs / "npm", f"{_TELLS}mkdir -p node_modules")
    path = f"{stubs}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "LOG": str(log), "PYTHON": "python-stub"}
    bare(tmp_path)

    first = make("setup", folder=tmp_path, environment=environment)
    lines = log.read_text().splitlines()
    again = make("setup", folder=tmp_path, environment=environment)
    stamp = (tmp_path / ".venv-ministack/.stamp").stat().st_mtime
    os.utime(tmp_path / "infra/local/requirements.txt", (stamp + 1, stamp + 1))
    changed = make("setup", folder=tmp_path, environment=environment)

    assert [0, 0, 0] == [first.code, again.code, changed.code], first.said
    assert [] == again.printed
    assert {
        "python -m pip install -qq -r requirements-dev.txt",
        "python -m pip install -qq -r infra/local/requirements.txt",
        "python -m pip install -qq --no-compile -r tests/infra/checks/requirements.txt",
        "npm ci --silent --no-audit --no-fund",
    } <= set(lines)
    assert ["Setting up .venv-ministack ..."] == changed.printed


def test_setup_says_what_is_missing(tmp_path: Path) -> None:
    """A Python, a new one, or npm."""
    bare(tmp_path)
    program(tmp_path / "old", "case $1 in -V) echo Python 3.9.1;; *) exit 1;; esac")
    nothing = only(tmp_path / "bin", "make")

    none = make("setup", "PYTHON=no-python", folder=tmp_path)
    old = make("setup", f"PYTHON={tmp_path / 'old'}", folder=tmp_path)
    no_npm = make("setup", "PYTHON=true", folder=tmp_path, environment=nothing)

    assert "Python 3.11 or newer is needed: no-python was not found." in none.said
    assert f"Python 3.11 or newer is needed: {tmp_path / 'old'} is Python 3.9.1." in old.said
    assert "Node.js 20 or newer with npm is needed for the CDK: it was not found." in no_npm.said
    assert {2} == {none.code, old.code, no_npm.code}


def test_gstreamer_is_installed_where_it_can_be(tmp_path: Path) -> None:
    """It is there, root installs it, or it is said what tests do without it."""
    bare(tmp_path)
    log = {"LOG": str(tmp_path / "log")}
    without = only(tmp_path / "without", "make") | log
    root = only(tmp_path / "root", "make") | log
    program(tmp_path / "root/id", "echo 0")
    program(tmp_path / "root/apt-get", _TELLS)
    there = only(tmp_path / "there", "make") | log
    program(tmp_path / "there/gst-launch-1.0", "exit 1")

    missing = make("gstreamer", folder=tmp_path, environment=without)
    installs = make("gstreamer", folder=tmp_path, environment=root)
    present = make("gstreamer", folder=tmp_path, environment=there)

    assert [0, 0, 0] == [missing.code, installs.code, present.code]
    assert missing.printed[-1].startswith("GStreamer isn't there: tests replay what it once sent")
    assert ["Installing GStreamer ..."] == installs.printed
    update, install = (tmp_path / "log").read_text().splitlines()
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install -qq -y --no-install-recommends gstreamer1.0-tools ")
    assert [] == present.printed


def test_format_sorts_and_formats(tmp_path: Path) -> None:
    """Every file in the folder, by the project's own rules."""
    installed(tmp_path)
    program(tmp_path / ".venv/bin/python", f'exec {sys.executable} "$@"')
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "some.py").write_text("import sys\nimport os\nx = { 'a':os, 'b':sys }\n")

    done = make("format", folder=tmp_path)

    assert 0 == done.code, done.said
    expected = 'import os\nimport sys\n\nx = {"a": os, "b": sys}\n'
    assert expected == (tmp_path / "some.py").read_text()


def test_clean_leaves_the_sources(tmp_path: Path) -> None:
    """What was installed, built or measured goes, nothing else."""
    installed(tmp_path)
    for name in (".build", ".run", ".hypothesis", ".chalice/deployments"):
        (tmp_path / name).mkdir(parents=True)
    for name in (".coverage", ".coverage.host.1", ".chalice/config.json", "app.py"):
        (tmp_path / name).touch()

    done = make("clean", folder=tmp_path)

    assert (0, []) == (done.code, done.printed), done.said
    left = {path.name for path in tmp_path.iterdir()}
    assert set() == left & {*INSTALLED, ".build", ".run", ".hypothesis"}
    assert {"Makefile", "app.py", "requirements.txt", "infra", ".chalice"} <= left
    assert ["config.json"] == [path.name for path in (tmp_path / ".chalice").iterdir()]


def test_autobahn_says_what_it_needs(tmp_path: Path) -> None:
    """Where there is no Python 2.7: what to install, or which variable names one."""
    installed(tmp_path)
    (tmp_path / ".venv-autobahn/.stamp").unlink()

    done = make("autobahn", "PYTHON2=/no/python2", folder=tmp_path)

    assert 2 == done.code
    assert "Python 2.7 is needed for Autobahn|Testsuite and was not found: " in done.said
    assert "make trial NAME=autobahn PYTHON2=/path/to/python2.7" in done.said
