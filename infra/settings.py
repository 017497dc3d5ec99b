"""What a deployment decides before synthesis: `cdk deploy -c name=value`.

What can change without another template (the sink's URL, allowed networks …) is a stack
parameter instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from constructs import Node

MOST_GENERATIONS = 20_000
"""each has two priorities of the listener's 50,000"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The context values, parsed."""

    removable: bool
    """no deletion protection, and `cdk destroy` removes tables and buckets with what they hold"""
    plain_http: bool
    """buckets take requests without TLS: only for a local AWS, which has none"""
    object_lock: bool
    """finished recordings can be locked against deletion; only a new bucket can get this"""
    alarm_email: str
    """where alarms go beside the topic; "" is nowhere"""
    reserved_concurrency: int
    """Lambda executions kept for the API, so that slow callbacks never starve a carrier's webhook;
    0 reserves none: a new account has only ten in all"""
    sink_domain: str
    """the sink's host name, e.g. sink.example.com; "" leaves the SinkStack out"""
    sink_generation: int
    """which generation of workers to deploy; a greater number is newer, and takes the new calls.
    Nobody means one by leaving it out"""
    sink_on_trial: bool
    """that generation takes only calls whose path names it; the others are the one's before"""
    hosted_zone_id: str
    """the Route 53 zone of that name; "" when DNS lives elsewhere and a certificate is given"""
    hosted_zone_name: str
    certificate_arn: str
    """an ACM certificate for that name; "" makes one, validated through the hosted zone"""

    @property
    def newest_generation(self) -> int:
        """Return the greatest number of a generation that takes new calls."""
        return self.sink_generation - self.sink_on_trial


def read_settings(node: Node) -> Settings:
    """Parse a construct's context. Raises ValueError for a combination that can't be deployed."""
    settings = Settings(
        removable=_flag(node, "removable"),
        plain_http=_flag(node, "plain_http"),
        object_lock=_flag(node, "object_lock"),
        alarm_email=_text(node, "alarm_email"),
        reserved_concurrency=_count(node, "reserved_concurrency"),
        sink_domain=_text(node, "sink_domain"),
        sink_generation=_count(node, "sink_generation"),
        sink_on_trial=_flag(node, "sink_on_trial"),
        hosted_zone_id=_text(node, "hosted_zone_id"),
        hosted_zone_name=_text(node, "hosted_zone_name"),
        certificate_arn=_text(node, "certificate_arn"),
    )
    _verify(settings)
    return settings


def generation_stack_name(number: int) -> str:
    """Return what a generation's stack is called."""
    return f"SinkGeneration{number}"


def _verify(settings: Settings) -> None:
    if bool(settings.hosted_zone_id) != bool(settings.hosted_zone_name):
        raise ValueError("hosted_zone_id and hosted_zone_name come together or not at all")
    if settings.sink_domain and not (settings.certificate_arn or settings.hosted_zone_id):
        raise ValueError("sink_domain needs a certificate_arn or a hosted zone")
    if settings.sink_domain and not 1 <= settings.sink_generation <= MOST_GENERATIONS:
        raise ValueError(f"sink_domain needs a sink_generation from 1 to {MOST_GENERATIONS}")


def _text(node: Node, name: str) -> str:
    return str(node.try_get_context(name) or "").strip()


def _count(node: Node, name: str) -> int:
    value = _text(node, name) or "0"
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{name} is a number from 0, not {value}")
    return int(value)


def _flag(node: Node, name: str) -> bool:
    value = _text(node, name).lower()
    if value not in ("", "true", "false"):
        raise ValueError(f"{name} is true or false, not {value}")
    return value == "true"
