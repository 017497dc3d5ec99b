"""What a storm's figures are, and whether they are as promised."""

from __future__ import annotations

from collections.abc import Sequence

from trials.chaos.caller import KINDS
from trials.chaos.functions import FUNCTIONS
from trials.chaos.kills import Trap
from trials.chaos.storm import Tally

P50_S, P99_S, MAX_S = 1.0, 2.0, 3.0
PUT_P50_S, PUT_P99_S = 0.2, 1.0
"""the promise is for puts of 120 ms and 700 ms: where the machine makes them slower than this, what
is lost says nothing of it"""


def losses_s(tally: Tally) -> list[float]:
    """Return what each call lost by each death that concerned it, in order."""
    return sorted(lost for each in tally.verdicts.values() for lost in each.losses_s.values())


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that such a share of the others doesn't exceed (nearest rank)."""
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, int(rank) - 1)] if ordered else 0.0


def shown(tally: Tally) -> str:
    """Return the figures as a person reads them."""
    verdicts, losses, puts = tally.verdicts.values(), losses_s(tally), sorted(tally.put_s)
    lines = [
        f"seed {tally.plan.seed}; {tally.took_s:.0f} s",
        f"{len(tally.calls)} calls; of tracks sent: "
        + ", ".join(f"{seconds:.0f} s {dialect}" for dialect, seconds in sent_s(tally).items())
        + "; recordings: "
        + (", ".join(f"{count} {state}" for state, count in tally.states.items()) or "none"),
        "kills: " + ", ".join(f"{count} {moment}" for moment, count in tally.moments.items()),
        "functions killed at work: "
        + (", ".join(f"{count} {name}" for name, count in tally.function_kills.items()) or "none"),
        f"puts: p50 {1000 * percentile(puts, 0.5):.0f} ms, p99 {1000 * percentile(puts, 0.99):.0f}"
        f" ms, {len(puts)} of them",
        f"lost by call and death ({len(losses)}): {figure(tally)}",
        *(
            f"{name}: {sum(getattr(each, name) for each in verdicts)} samples"
            for name in ("unexplained", "corrupt", "reordered", "duplicated")
        ),
        f"holes of 40 ms and more: {sum(each.holes for each in verdicts)},"
        f" not told: {sum(len(each.untold) for each in verdicts)}",
    ]
    return "\n".join(lines)


def sent_s(tally: Tally) -> dict[str, float]:
    """Return how many seconds of tracks each dialect's calls sent."""
    found = dict.fromkeys((kind.dialect for kind in KINDS), 0.0)
    for call in tally.calls:
        verdict = tally.verdicts.get(call.call_id)
        found[call.kind.dialect] += verdict.sent / 8000 if verdict else 0
    return found


def unshown(tally: Tally) -> list[str]:
    """Return what a whole run has to have done, and this one hasn't."""
    found = [f"no kill while {trap}" for trap in Trap if not tally.moments[trap]]
    found += [f"no kill of {name}" for name in FUNCTIONS if not tally.function_kills[name]]
    found += [f"nothing sent by {dialect}" for dialect, s in sent_s(tally).items() if not s]
    if (kills := sum(tally.moments.values())) < tally.plan.kills:
        found.append(f"{kills} kills, not {tally.plan.kills}")
    return found


def figure(tally: Tally) -> str:
    """Return what was lost, in seconds."""
    losses = losses_s(tally)
    shares = ", ".join(
        f"p{100 * share:.0f} {percentile(losses, share):.2f}" for share in (0.5, 0.95, 0.99)
    )
    return f"{shares}, max {percentile(losses, 1):.2f} s"


def broken(tally: Tally, is_whole: bool) -> list[str]:
    """Return every promise that isn't kept; percentiles only of a whole run."""
    losses, puts = losses_s(tally), sorted(tally.put_s)
    limits = [(0.5, P50_S), (0.99, P99_S), (1.0, MAX_S)] if is_whole else [(1.0, MAX_S)]
    missed = [
        f"p{100 * share:.0f} of what is lost is {percentile(losses, share):.2f} s, not {most_s} s"
        for share, most_s in limits
        if percentile(losses, share) > most_s
    ]
    is_slow = percentile(puts, 0.5) > PUT_P50_S or percentile(puts, 0.99) > PUT_P99_S
    if missed and is_slow:
        missed.append("this machine was too busy to tell: puts took longer than they should")
    return [*missed, *tally.left, *tally.problems, *(unshown(tally) if is_whole else ())]
