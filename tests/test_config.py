from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

import pytest

from chalicelib.config import LONGEST_STREAM_S, Settings, read_settings, required
from chalicelib.recording.options import MAX_SECONDS
from chalicelib.security.url_guard import USUAL_PORTS
from chalicelib.sink.runtime.limits import Limits
from tests.fake_claims import KEPT


def test_an_empty_environment_gives_the_defaults() -> None:
    """Every setting has a default, so that a process names only what it needs."""

    assert Settings() == read_settings({})


def test_variables_carry_the_prefix() -> None:
    """Of ours only TAPEDECK_ variables are read, and surrounding space doesn't count."""

    read = read_settings({"TAPEDECK_CORE_TABLE": " core ", "HOT_TABLE": "hot"})

    assert ("core", "") == (read.core_table, read.hot_table)


def test_the_agent_s_address_is_ecs_s_own_variable() -> None:
    """ECS names it, so it carries no prefix."""

    assert "http://169.254.170.2/api/t" == (
        read_settings({"ECS_AGENT_URI": "http://169.254.170.2/api/t"}).ecs_agent_uri
    )


def test_an_empty_variable_is_no_variable() -> None:
    """A stack parameter that was left empty means the default."""

    read = read_settings({"TAPEDECK_WAIT_SCALE": "", "TAPEDECK_ALLOWED_PORTS": ""})

    assert (1.0, USUAL_PORTS) == (read.wait_scale, read.url_policy.ports)


def test_the_url_policy_is_read_from_three_variables() -> None:
    """Plain http, networks and ports beyond the strict rule are the operator's to allow."""

    policy = read_settings(
        {
            "TAPEDECK_ALLOW_HTTP": "1",
            "TAPEDECK_ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128",
            "TAPEDECK_ALLOWED_PORTS": "80, 9000",
        }
    ).url_policy

    assert policy.http_allowed
    assert (ip_network("127.0.0.0/8"), ip_network("::1/128")) == policy.allowed_networks
    assert frozenset({80, 9000}) == policy.ports


def test_a_star_allows_every_port() -> None:
    """`*` is any port."""

    assert read_settings({"TAPEDECK_ALLOWED_PORTS": "*"}).url_policy.ports is None


def test_shared_credentials_are_pairs_of_an_account_and_a_name() -> None:
    """Names keep their case: another case is another secret."""

    read = read_settings(
        {"TAPEDECK_SHARED_CREDENTIALS": "sales:tapedeck/SW, main:tapedeck/eu/key,"}
    )

    assert {("sales", "tapedeck/SW"), ("main", "tapedeck/eu/key")} == read.shared_credentials


def test_waits_are_seconds() -> None:
    """Durations are read in seconds."""

    read = read_settings({"TAPEDECK_ANNOUNCED_SECONDS": "2.5", "TAPEDECK_SINK_PORT": "9001"})

    assert (timedelta(seconds=2.5), 9001) == (read.announced_for, read.sink_port)


def test_the_longest_stream_is_a_setting() -> None:
    """Twelve hours, and never more: what keeps tasks, ports and finalizations is made for that."""

    assert timedelta(hours=12) == read_settings({}).stream_for
    assert timedelta(hours=1) == read_settings({"TAPEDECK_STREAM_SECONDS": "3600"}).stream_for
    assert MAX_SECONDS == LONGEST_STREAM_S == Limits().stream_for_s
    assert timedelta(seconds=LONGEST_STREAM_S) + timedelta(minutes=10) < KEPT


def test_workers_reach_each_other() -> None:
    """Any free port, and an address that is found out, unless they are told."""

    told = {"TAPEDECK_RELAY_HOST": "10.0.0.1", "TAPEDECK_RELAY_PORT": "8081"}

    read = [read_settings(environ) for environ in ({}, told)]

    assert [("", 0), ("10.0.0.1", 8081)] == [(one.relay_host, one.relay_port) for one in read]


def test_carriers_hosts_are_listed() -> None:
    """Suffixes in lower case; none by default."""

    read = read_settings({"TAPEDECK_CARRIER_HOSTS": "pbx.Example.com, 127.0.0.1"})

    assert ("pbx.example.com", "127.0.0.1") == read.carrier_hosts
    assert () == read_settings({}).carrier_hosts


def test_a_trailing_slash_of_the_sink_s_url_is_dropped() -> None:
    """Paths are joined to the URL with one slash."""

    assert "wss://sink" == read_settings({"TAPEDECK_SINK_URL": "wss://sink/"}).sink_url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAPEDECK_ALLOW_HTTP", "perhaps"),
        ("TAPEDECK_WAIT_SCALE", "fast"),
        ("TAPEDECK_WAIT_SCALE", "-1"),
        ("TAPEDECK_WAIT_SCALE", "nan"),
        ("TAPEDECK_ALLOWED_NETWORKS", "127.0.0.1/8"),
        ("TAPEDECK_ALLOWED_PORTS", "80,http"),
        ("TAPEDECK_STREAM_SECONDS", "59"),
        ("TAPEDECK_STREAM_SECONDS", "43201"),
    ],
)
def test_a_value_that_can_t_be_read_names_its_variable(name: str, value: str) -> None:
    """A wrong value stops the process with the variable's name."""

    with pytest.raises(ValueError, match=name):
        read_settings({name: value})


def test_a_needed_setting_that_is_missing_names_its_variable() -> None:
    """What a process can't do without is asked for by name."""

    with pytest.raises(ValueError, match="TAPEDECK_CORE_TABLE is not set"):
        required("", "CORE_TABLE")
    assert "core" == required("core", "CORE_TABLE")


def test_rtp_comes_to_an_address_and_a_range_of_ports() -> None:
    """What carriers are told, and what the security group opens."""

    read = read_settings(
        {
            "TAPEDECK_RTP_HOST": "198.51.100.7",
            "TAPEDECK_RTP_PORTS": "30000-30999",
            "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/c-1/",
        }
    )

    assert ("198.51.100.7", (30_000, 30_999)) == (read.rtp_host, read.rtp_ports)
    assert "http://169.254.170.2/v4/c-1" == read.ecs_metadata_uri


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RTP_HOST", "sink.example.com"),
        ("RTP_HOST", "::1"),
        ("RTP_PORTS", "30000"),
        ("RTP_PORTS", "30000-30000"),
        ("RTP_PORTS", "80-90"),
        ("RTP_PORTS", "30000-70000"),
        ("RTP_PORTS", "a-b"),
    ],
)
def test_an_rtp_setting_that_is_none_is_named(name: str, value: str) -> None:
    """The message names the variable."""

    with pytest.raises(ValueError, match=f"TAPEDECK_{name} is"):
        read_settings({f"TAPEDECK_{name}": value})
