"""Context values of a deployment."""

from __future__ import annotations

import pytest
from aws_cdk import App

from infra.settings import Settings, generation_stack_name, read_settings

DOMAIN = "sink.example.com"


def read(**context: str) -> Settings:
    """The settings that `cdk -c name=value …` gives."""
    return read_settings(App(context=context).node)


def test_nothing_given_is_a_deployment_without_a_sink() -> None:
    """The recorder alone can be deployed; what it keeps is protected."""
    settings = read()

    assert ("", False, False) == (settings.sink_domain, settings.removable, settings.object_lock)


def test_a_domain_needs_a_certificate_or_a_zone() -> None:
    """Without either there is no way to TLS."""

    with pytest.raises(ValueError, match="certificate_arn or a hosted zone"):
        read(sink_domain="sink.example.com")


def test_a_zone_has_an_id_and_a_name() -> None:
    """One without the other can't be used."""

    with pytest.raises(ValueError, match="come together"):
        read(hosted_zone_id="Z1")


def test_a_flag_is_true_or_false() -> None:
    """Another word is refused, not taken for false."""

    with pytest.raises(ValueError, match="removable is true or false, not maybe"):
        read(removable="maybe")


@pytest.mark.parametrize("number", ["-1", "ten", "1.5"])
def test_concurrency_is_a_number(number: str) -> None:
    """Nothing is reserved by accident."""

    with pytest.raises(ValueError, match="reserved_concurrency is a number from 0"):
        read(reserved_concurrency=number)


def test_a_certificate_is_enough_for_a_domain() -> None:
    """DNS may live elsewhere."""
    settings = read(certificate_arn="arn:aws:acm:…", sink_domain=DOMAIN, sink_generation="1")

    assert (DOMAIN, "") == (settings.sink_domain, settings.hosted_zone_id)


@pytest.mark.parametrize("number", ["", "0", "20001", "two", "-1"])
def test_a_domain_needs_a_generation(number: str) -> None:
    """Left out by mistake it would be an older one, and its workers made anew."""

    with pytest.raises(ValueError, match="sink_generation"):
        read(sink_domain=DOMAIN, certificate_arn="arn:aws:acm:…", sink_generation=number)


def test_a_generation_s_stack_is_called_by_its_number() -> None:
    """So `make retire` finds it."""

    assert "SinkGeneration12" == generation_stack_name(12)


def test_a_generation_on_trial_leaves_new_calls_to_those_before() -> None:
    """Also those of RTP, which no load balancer leads."""

    assert 5 == read(sink_generation="5").newest_generation
    assert 4 == read(sink_generation="5", sink_on_trial="true").newest_generation
