"""The documents' commands do what the documents say, on a stage with calls to try them on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import pytest

from infra.local.ports import choose_port
from tests.documents import ShellBlock, shell_blocks
from tests.e2e.document_reader import Reader, listening, make_clone
from tests.e2e.stage import Stage

pytestmark = pytest.mark.e2e

HERE = "tests/e2e/test_document_commands.py"
RUN = [block for block in shell_blocks() if not block.reason and block.run_by in ("", HERE)]
BY_DOCUMENT = {name: list(blocks) for name, blocks in groupby(RUN, lambda block: block.document)}
DELETING = sum("-X DELETE" in block.text for block in RUN)


@pytest.fixture(scope="module")
def reader(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with an API key, a live call and finished recordings."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    with listening() as listener, stage.worker("documents", choose_port(""), {}) as worker:
        hosts = {
            "wss://example.com": listener,
            "https://example.com/status": stage.receiver.url,
        }
        reader = Reader(stage=stage, worker=worker, folder=clone, hosts=hosts)
        with reader.calls(finished=1 + DELETING):
            yield reader
            worker.process.kill()  # a planned stop would wait for the live call to come back


@pytest.mark.parametrize("document", BY_DOCUMENT)
def test_commands_of(document: str, reader: Reader) -> None:
    """Every command of the document, from its first to its last, ends well."""

    blocks = BY_DOCUMENT[document]
    variables = reader.variables(document, "".join(block.text for block in blocks))
    for block in blocks:
        done = reader.paste(block, variables)
        assert 0 == done.code, f"{_place(block)}: {done.said}"


def _place(block: ShellBlock) -> str:
    return f"{block.document}:{block.line}"
