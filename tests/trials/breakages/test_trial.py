"""The trial itself, on a project of one function and its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from trials.breakages.__main__ import main
from trials.breakages.table import Breakage
from trials.breakages.trial import applied, attempt, baseline

CODE = "def double(number):\n    return 2 * number\n"
TESTS = """
from code_of_ours import double

def test_two_is_four():
    assert 4 == double(2)

def test_nothing_is_nothing():
    assert 0 == double(0)

def test_three_is_seven():
    assert 7 == double(3)
"""
ROW = """
[[breakage]]
name = "triple"
file = "code_of_ours.py"
original = "2 * number"
broken = "3 * number"
noticed_by = ["tests/test_code.py::{test}"]
"""
TRIPLE = Breakage(
    name="triple",
    file="code_of_ours.py",
    original="2 * number",
    broken="3 * number",
    noticed_by=("tests/test_code.py::test_two_is_four",),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with code, tests, and an empty table."""
    (tmp_path / "trials" / "breakages").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (tmp_path / "code_of_ours.py").write_text(CODE)
    (tmp_path / "tests" / "test_code.py").write_text(TESTS)
    return tmp_path


def listed(project: Path, test: str) -> Path:
    """Write a table of one breakage, which a test should notice."""
    (project / "trials" / "breakages" / "table.toml").write_text(ROW.format(test=test))
    return project


def test_a_breakage_that_is_noticed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its test fails; the project itself is never touched."""

    assert 0 == main([], listed(project, "test_two_is_four"))

    said = capsys.readouterr().out
    assert "noticed  triple" in said
    assert "assert 4 == 6" in said
    assert CODE == (project / "code_of_ours.py").read_text()


def test_a_breakage_that_lives(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its test passes all the same: the trial fails, and names both."""

    assert 1 == main(["triple"], listed(project, "test_nothing_is_nothing"))

    said = capsys.readouterr().out
    assert "ALIVE    triple" in said
    assert "NOT NOTICED BY tests/test_code.py::test_nothing_is_nothing: PASSED" in said


def test_a_test_that_fails_anyway_notices_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The named tests have to pass without the breakage."""

    assert 1 == main([], listed(project, "test_three_is_seven"))
    assert "test_three_is_seven" in capsys.readouterr().out


def test_a_test_that_is_not_there_notices_nothing(project: Path) -> None:
    """An id that leads nowhere neither passes nor fails."""

    lost = Breakage(
        name="triple",
        file=TRIPLE.file,
        original=TRIPLE.original,
        broken=TRIPLE.broken,
        noticed_by=(*TRIPLE.noticed_by, "tests/test_code.py::test_five_is_ten"),
    )

    assert ["tests/test_code.py::test_five_is_ten: NOT FOUND"] == baseline([lost], project)
    assert "tests/test_code.py::test_five_is_ten: NOT FOUND" in attempt(lost, project).blind


def test_code_that_cannot_be_imported_is_not_noticed(project: Path) -> None:
    """A breakage is one that only a test sees; such a one is seen by everything."""

    torn = Breakage(
        name="torn",
        file=TRIPLE.file,
        original="def double",
        broken="def duple",
        noticed_by=TRIPLE.noticed_by,
    )

    assert attempt(torn, project).blind


def test_the_file_is_whole_again(project: Path) -> None:
    """Whatever happens while it is broken."""

    file, seen = project / "code_of_ours.py", []

    with pytest.raises(ZeroDivisionError), applied(TRIPLE, project):
        seen.append(1 / (CODE == file.read_text()))
    assert ([], CODE) == (seen, file.read_text())


def test_a_name_that_is_none_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As argparse refuses."""

    with pytest.raises(SystemExit):
        main(["odd"], listed(project, "test_two_is_four"))
    assert "no breakage is called odd" in capsys.readouterr().err
