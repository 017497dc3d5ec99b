"""`make run`: a local AWS, the deployed recorder, the sink, and three calls recorded in real time.

ONCE=1 ends after the table; AWS_PORT, SINK_PORT and RECEIVER_PORT fix ports (else: any free).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from infra.local import screen as paper
from infra.local.aws import DeployedStack, DeployParameters, LocalAws, deploy, local_aws
from infra.local.customer import Customer, make_customer
from infra.local.failures import RunFailed
from infra.local.outcome import Outcome, await_outcome
from infra.local.parts import PARTS, SECONDS
from infra.local.ports import HOST, choose_port
from infra.local.receiver import Receiver, receiving
from infra.local.rehearsal import create_profiles, play_calls
from infra.local.screen import Screen
from infra.local.secret import webhook_secrets
from infra.local.sink import running_sink
from infra.paths import ROOT

RUN = ROOT / ".run"
_INTERRUPTED = 130


def main() -> int:
    """Run, and return the process's exit code; whatever fails is one sentence."""
    # SIGINT too: a shell's background job begins with it ignored.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    try:
        with _only_one(RUN):
            return _run(RUN / "now", Screen(), once=os.environ.get("ONCE", "") not in ("", "0"))
    except RunFailed as failure:
        paper.fail(str(failure))
    except KeyboardInterrupt:
        paper.fail("stopped before the calls were recorded; nothing is left running.")
        return _INTERRUPTED
    except Exception as fault:  # noqa: BLE001  # the entry point: a person gets a sentence
        log = RUN / "fault.log"
        log.write_text(traceback.format_exc())
        paper.fail(f"an unforeseen fault, {type(fault).__name__}: {fault} (details: {log}).")
    return 1


def _run(folder: Path, screen: Screen, *, once: bool) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sink_port, receiver_port = choose_port("SINK_PORT"), choose_port("RECEIVER_PORT")
    with ExitStack() as parts:
        screen.say("starting the local AWS (MiniStack)")
        aws = parts.enter_context(local_aws(folder / "aws"))
        screen.say(f"local AWS at {aws.endpoint}; building and deploying RecorderStack")
        stack = deploy(aws, DeployParameters(sink_url=f"ws://{HOST}:{sink_port}"))
        screen.say(f"API at {stack.api_url}; starting the sink")
        parts.enter_context(running_sink(aws.tools.python, sink_port, folder, stack.environment))
        screen.say(f"sink at ws://{HOST}:{sink_port}; making an API key and profiles")
        secrets = webhook_secrets(aws, stack)
        receiver = parts.enter_context(receiving(receiver_port, secrets, screen.tell_callback))
        parts.callback(screen.say, "stopping: the sink stores what it has, then all ends")
        customer = make_customer(stack, aws.tools.python)
        outcomes = _record(aws, stack, customer, receiver, folder, screen)
        _show(screen, customer, outcomes)
        if not once:
            _stay(screen)
    return 0 if all(not outcome.problem for outcome in outcomes) else 1


def _record(
    aws: LocalAws,
    stack: DeployedStack,
    customer: Customer,
    receiver: Receiver,
    folder: Path,
    screen: Screen,
) -> list[Outcome]:
    instructions = create_profiles(customer, receiver.url)
    screen.say(
        f"{len(PARTS)} calls begin, {SECONDS} s each; calling.call.record goes to {receiver.url}"
    )
    calls = play_calls(
        stack,
        customer,
        aws.tools.python,
        folder,
        instructions,
        lambda line: screen.say(f"live      {line}"),
    )
    for call in calls:
        for sentence in call.refused_hooks:
            screen.say(f"webhook   {call.part.title}: {sentence}")
    screen.say("all hung up; the recordings are being finalized")
    return [await_outcome(customer, receiver, call, folder) for call in calls]


def _show(screen: Screen, customer: Customer, outcomes: list[Outcome]) -> None:
    screen.show(f"\n{paper.table(outcomes)}\n")
    screen.show(f"{paper.downloads(outcomes)}\n")
    screen.show(f"{paper.by_hand(customer, outcomes)}\n")


def _stay(screen: Screen) -> None:
    screen.show("Everything stays up until Ctrl-C.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.show("\nThe logs and the WAV files stay in .run/now.")


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunFailed(
                "another `make run` is at work in this folder: end it first."
            ) from error
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
