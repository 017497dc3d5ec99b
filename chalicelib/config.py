"""Reads a deployment's settings from the environment; no other module reads `os.environ`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, ip_network

from chalicelib.security.secret_names import SharedCredentials, parse_shared
from chalicelib.security.url_guard import STRICT, USUAL_PORTS, Network, UrlPolicy

_PREFIX = "TAPEDECK_"

SHORTEST_STREAM_S, LONGEST_STREAM_S = 60, 43_200
"""12 h: the protection of tasks, claims of ports, and the time and memory of a finalization are
made for that"""

_ANY_HOST = "0.0.0.0"  # noqa: S104  # a container's door is its security group
_SINK_PORT = 8080
_RTP_PORTS = (20_000, 21_999)
"""below the ports that Linux gives to outgoing sockets"""
_RUN_DIR = "/tmp"  # noqa: S108  # the one place that a task may write to


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a process; names that it doesn't need may be empty."""

    core_table: str = ""
    hot_table: str = ""
    media_bucket: str = ""
    """journal and segments"""
    recordings_bucket: str = ""
    """renditions and manifests"""
    finalization_arn: str = ""
    delivery_arn: str = ""
    carrier_arn: str = ""
    event_bus: str = ""
    """empty: no events beside the callbacks"""
    secret_id: str = ""
    """holds token keys and webhook secrets"""
    signing_key_id: str = ""
    """id of the KMS key that signs manifests"""
    public_url_parameter: str = ""
    """names the parameter that holds the API's public base"""
    sink_url: str = ""
    """e.g. wss://sink.example.com"""
    url_policy: UrlPolicy = STRICT
    carrier_hosts: tuple[str, ...] = ()
    """suffixes of hosts that hold recordings beside the carriers' own: they get credentials too"""
    shared_credentials: SharedCredentials = frozenset()
    """which accounts may use which secrets that aren't theirs"""
    wait_scale: float = 1.0
    """multiplies the waits of the Delivery schedule"""
    pending_for: timedelta = timedelta(minutes=5)
    """the time that a `record_call` waits for its call's media"""
    announced_for: timedelta = timedelta(seconds=15)
    """the time that an announced stream may have no media"""
    download_token_for: timedelta = timedelta(hours=24)
    """the time that a `record_call_url` works"""
    stream_for: timedelta = timedelta(seconds=LONGEST_STREAM_S)
    """the longest stream on one socket or port; then this side ends it"""
    sink_host: str = _ANY_HOST
    sink_port: int = _SINK_PORT
    relay_host: str = ""
    """the host by which other workers reach this one; empty: detect it"""
    relay_port: int = 0
    """the port at which they reach it; 0: any free one"""
    generation: int = 0
    """the generation of this worker: a greater number is newer; 0: there are no generations"""
    newest_generation: int = 0
    """that takes new calls: RTP ports are claimed at its workers, or at those before it; 0: at the
    newest that there is"""
    run_dir: str = _RUN_DIR
    """the folder for media that the store can't take at the moment"""
    rtp_host: str = ""
    """the public IPv4 that carriers send RTP to; empty: the task's own, and none outside ECS"""
    rtp_ports: tuple[int, int] = _RTP_PORTS
    """the first and the last port; RTP uses the even ones"""
    ecs_metadata_uri: str = ""
    """the URI of the task's metadata; ECS sets it"""
    ecs_agent_uri: str = ""
    """where the task's agent answers; ECS itself sets it, so its name has no prefix of ours"""


def required(value: str, variable: str) -> str:
    """Return a setting that this process needs. Raises ValueError with its name."""
    if not value:
        raise ValueError(f"{_PREFIX}{variable} is not set")
    return value


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Parse an environment. Raises ValueError naming the variable that can't be read."""
    read = _Reader(environ)
    return Settings(
        core_table=read.text("CORE_TABLE"),
        hot_table=read.text("HOT_TABLE"),
        media_bucket=read.text("MEDIA_BUCKET"),
        recordings_bucket=read.text("RECORDINGS_BUCKET"),
        finalization_arn=read.text("FINALIZATION_ARN"),
        delivery_arn=read.text("DELIVERY_ARN"),
        carrier_arn=read.text("CARRIER_ARN"),
        event_bus=read.text("EVENT_BUS"),
        secret_id=read.text("SECRET_ID"),
        signing_key_id=read.text("SIGNING_KEY_ID"),
        public_url_parameter=read.text("PUBLIC_URL_PARAMETER"),
        sink_url=read.text("SINK_URL").rstrip("/"),
        url_policy=_url_policy(read),
        carrier_hosts=read.texts("CARRIER_HOSTS"),
        shared_credentials=read.shared_credentials("SHARED_CREDENTIALS"),
        wait_scale=read.number("WAIT_SCALE", 1.0),
        pending_for=timedelta(seconds=read.number("PENDING_SECONDS", 300)),
        announced_for=timedelta(seconds=read.number("ANNOUNCED_SECONDS", 15)),
        download_token_for=timedelta(seconds=read.number("DOWNLOAD_TOKEN_SECONDS", 86_400)),
        stream_for=timedelta(
            seconds=read.bounded(
                "STREAM_SECONDS", LONGEST_STREAM_S, SHORTEST_STREAM_S, LONGEST_STREAM_S
            )
        ),
        sink_host=read.text("SINK_HOST", _ANY_HOST),
        sink_port=int(read.number("SINK_PORT", _SINK_PORT)),
        relay_host=read.text("RELAY_HOST"),
        relay_port=int(read.number("RELAY_PORT", 0)),
        generation=int(read.number("GENERATION", 0)),
        newest_generation=int(read.number("NEWEST_GENERATION", 0)),
        run_dir=read.text("RUN_DIR", _RUN_DIR),
        rtp_host=read.address("RTP_HOST"),
        rtp_ports=read.port_range("RTP_PORTS", _RTP_PORTS),
        ecs_metadata_uri=environ.get("ECS_CONTAINER_METADATA_URI_V4", "").strip().rstrip("/"),
        ecs_agent_uri=environ.get("ECS_AGENT_URI", "").strip().rstrip("/"),
    )


def _url_policy(read: _Reader) -> UrlPolicy:
    return UrlPolicy(
        http_allowed=read.flag("ALLOW_HTTP"),
        ports=read.ports("ALLOWED_PORTS"),
        allowed_networks=read.networks("ALLOWED_NETWORKS"),
    )


@cache
def settings() -> Settings:
    """Return this process's settings."""
    return read_settings(os.environ)


class _Reader:
    """Reads variables; an empty one is the same as none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(_PREFIX + name, "").strip() or default

    def flag(self, name: str) -> bool:
        value = self.text(name, "0").lower()
        if value not in ("0", "1", "true", "false"):
            raise ValueError(f"{_PREFIX}{name} is 0 or 1, not {value!r}")
        return value in ("1", "true")

    def number(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            raise ValueError(f"{_PREFIX}{name} is a number, not {value!r}") from None
        if not 0 <= number < float("inf"):
            raise ValueError(f"{_PREFIX}{name} is a number from 0, not {value!r}")
        return number

    def bounded(self, name: str, default: float, least: float, most: float) -> float:
        number = self.number(name, default)
        if not least <= number <= most:
            raise ValueError(f"{_PREFIX}{name} is from {least:g} to {most:g}, not {number:g}")
        return number

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return tuple(ip_network(text) for text in self._listed(name))
        except ValueError as error:
            raise ValueError(f"{_PREFIX}{name} is a list of networks: {error}") from None

    def ports(self, name: str) -> frozenset[int] | None:
        """Return None for `*`: any port."""
        listed = self._listed(name)
        if listed == ["*"]:
            return None
        try:
            return frozenset(int(text) for text in listed) or USUAL_PORTS
        except ValueError as error:
            raise ValueError(f"{_PREFIX}{name} is * or a list of ports: {error}") from None

    def address(self, name: str) -> str:
        """Return an IPv4 address, or nothing."""
        value = self.text(name)
        try:
            return str(IPv4Address(value)) if value else ""
        except ValueError:
            raise ValueError(f"{_PREFIX}{name} is an IPv4 address, not {value!r}") from None

    def port_range(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        value = self.text(name, "{}-{}".format(*default))
        first, _, last = value.partition("-")
        digits = first.isascii() and first.isdigit() and last.isascii() and last.isdigit()
        if not digits or not 1024 <= int(first) < int(last) <= 65_535:
            raise ValueError(f"{_PREFIX}{name} is first-last, from 1024 to 65535, not {value!r}")
        return int(first), int(last)

    def shared_credentials(self, name: str) -> SharedCredentials:
        try:
            return frozenset(parse_shared(text) for text in self._listed(name))
        except ValueError as error:
            raise ValueError(f"{_PREFIX}{name}: {error}") from None

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(text.lower() for text in self._listed(name))

    def _listed(self, name: str) -> list[str]:
        return [text.strip() for text in self.text(name).split(",") if text.strip()]
