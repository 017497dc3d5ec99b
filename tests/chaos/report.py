"""What a storm's figures are, and whether they are as promised."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.storm import Tally

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
    sent_s = sum(each.sent for each in verdicts) / 8000
    lines = [
        f"seed {tally.plan.seed}; {tally.took_s:.0f} s",
        f"{len(tally.calls)} calls, {sent_s:.0f} s of tracks sent; recordings: "
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
    return [*missed, *tally.problems]
