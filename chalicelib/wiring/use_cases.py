"""Composes the use cases from the ports, each at its first use."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib.config import required
from chalicelib.recording.lifecycle import Writer
from chalicelib.security.deployment_keys import DeploymentKeys, parse_keys
from chalicelib.services.calls import instructions
from chalicelib.services.calls.instructions import Deployment
from chalicelib.wiring.adapters import Adapters, now

if TYPE_CHECKING:
    from chalicelib.recording.model import Recording
    from chalicelib.services.accounts.carrier_login import CarrierLogin
    from chalicelib.services.accounts.carrier_secrets import SecretReader
    from chalicelib.services.calls.call_lifecycle import CallController
    from chalicelib.services.calls.commands import Commander
    from chalicelib.services.calls.record_call import ProfileChooser, RecordingRequester
    from chalicelib.services.calls.rtp_endpoints import PortClaimer
    from chalicelib.services.calls.swml_methods import MethodRunner
    from chalicelib.services.calls.swml_script import ScriptRunner
    from chalicelib.services.calls.tap_commands import TapCommander
    from chalicelib.services.calls.tap_control import TapController
    from chalicelib.services.calls.transitions import RecordingMover
    from chalicelib.services.delivery.redeliver import Redeliverer
    from chalicelib.services.erasure.delete import RecordingDeleter
    from chalicelib.services.intake.intake import WebhookReceiver

# ruff: noqa: PLC0415  # services are imported where they are made


class UseCases(Adapters):
    """The use cases of one process."""

    # --- what moves calls and recordings

    @cached_property
    def transitions(self) -> RecordingMover:
        """The one place that moves a recording."""
        from chalicelib.services.calls.transitions import RecordingMover

        return RecordingMover(
            recordings=self.recordings,
            profiles=self.profiles,
            workflows=self.workflows,
            public_url=self.public_url,
            download_token=self._download_token,
        )

    @cached_property
    def tap_commands(self) -> TapCommander:
        """Sends the commands of taps."""
        from chalicelib.services.calls.tap_commands import TapCommander

        return TapCommander(taps=self.taps, commands=self.commands)

    @cached_property
    def commands(self) -> Commander:
        """Sends commands to live calls."""
        from chalicelib.services.calls.commands import Commander

        return Commander(
            calls=self.calls,
            transitions=self.transitions,
            mailbox=self.mailbox,
            now=now,
            wait=time.sleep,
            new_id=lambda: str(uuid4()),
        )

    @cached_property
    def recording_requester(self) -> RecordingRequester:
        """Creates the recordings that customers request."""
        from chalicelib.services.calls.record_call import RecordingRequester

        return RecordingRequester(
            calls=self.calls,
            transitions=self.transitions,
            now=now,
            pending_for=self.settings.pending_for,
        )

    @cached_property
    def profile_chooser(self) -> ProfileChooser:
        """Chooses the profile for a call."""
        from chalicelib.services.calls.record_call import ProfileChooser

        return ProfileChooser(profiles=self.profiles, calls=self.calls)

    @cached_property
    def script_runner(self) -> ScriptRunner:
        """Runs SWML scripts."""
        from chalicelib.services.calls.swml_script import ScriptRunner, ways

        return ScriptRunner(profiles=self.profile_chooser, ways=ways(self.methods))

    @cached_property
    def redeliverer(self) -> Redeliverer:
        """Delivers a callback again."""
        from chalicelib.services.delivery.redeliver import Redeliverer

        return Redeliverer(
            outbox=self.outbox,
            history=self.history,
            receivers=self.receivers,
            workflows=self.workflows,
            now=now,
        )

    @cached_property
    def recording_deleter(self) -> RecordingDeleter:
        """Deletes recordings."""
        from chalicelib.services.erasure.delete import RecordingDeleter

        return RecordingDeleter(
            recordings=self.recordings, versions=self.rendition_versions, now=now
        )

    @cached_property
    def methods(self) -> MethodRunner:
        """SWML's methods, as their routes and a script run them."""
        from chalicelib.services.calls.swml_methods import MethodRunner

        return MethodRunner(
            commands=self.commands,
            taps=self.tap_commands,
            deployment=self.deployment,
            requester=self.recording_requester,
            download_token_for=self.settings.download_token_for,
        )

    @cached_property
    def webhook_receiver(self) -> WebhookReceiver:
        """Takes in what carriers post."""
        from chalicelib.services.intake.intake import WebhookReceiver

        return WebhookReceiver(
            inbox=self.inbox,
            calls=self.calls,
            recordings=self.recordings,
            workflows=lambda: self.workflows,
        )

    def _control(self, writer: Writer) -> CallController:
        from chalicelib.services.calls.call_lifecycle import CallController

        return CallController(
            calls=self.calls,
            call_life=self.call_life,
            live_streams=self.live_streams,
            profiles=self.profiles,
            transitions=self.transitions,
            taps=self.live_taps,
            writer=writer,
        )

    def _download_token(self, recording: Recording, at: datetime) -> str:
        expires_at = at + self.settings.download_token_for
        return instructions.download_token(recording, self.token_keys(), expires_at)

    @cached_property
    def live_taps(self) -> TapController:
        """The call owner's writes to outgoing taps."""
        from chalicelib.services.calls.tap_control import TapController

        return TapController(
            calls=self.calls,
            taps=self.taps,
            profiles=self.profiles,
            workflows=self.workflows,
            now=now,
        )

    @cached_property
    def endpoints(self) -> PortClaimer:
        """Claims RTP ports for calls."""
        from chalicelib.services.calls.rtp_endpoints import PortClaimer

        return PortClaimer(
            claims=self.port_claims,
            calls=self.calls,
            leases=self.leases,
            mailbox=self.mailbox,
            now=now,
            wait=time.sleep,
            new_id=lambda: str(uuid4()),
            choose=secrets.randbelow,
            newest=self.settings.newest_generation,
        )

    @cached_property
    def carrier_secrets(self) -> SecretReader:
        """Reads profiles' secrets, each for its own account."""
        from chalicelib.services.accounts.carrier_secrets import SecretReader

        return SecretReader(
            secrets=self.secrets, shared=self.settings.shared_credentials, counters=self.counters
        )

    def sign_in(self) -> CarrierLogin:
        """Return what knows profiles' credentials."""
        from chalicelib.services.accounts.carrier_login import CarrierLogin

        return CarrierLogin(
            profiles=self.profiles,
            secrets=self.carrier_secrets,
            grants=self.token_grants,
            policy=self.settings.url_policy,
            trusted_hosts=self.settings.carrier_hosts,
        )

    # --- what a deployment knows of itself

    def public_url(self) -> str:
        """Return the API's public base, up to and with its stage."""
        name = required(self.settings.public_url_parameter, "PUBLIC_URL_PARAMETER")
        return self.parameters.get(name).rstrip("/")

    def token_keys(self) -> list[bytes]:
        """Return the keys of capability tokens, newest first."""
        return list(self._keys().token_keys)

    def webhook_secrets(self) -> list[str]:
        """Return the secrets that sign status callbacks, newest first."""
        return list(self._keys().webhook_secrets)

    def deployment(self) -> Deployment:
        """Return what URLs and tokens are made of."""
        return Deployment(
            public_url=self.public_url(),
            sink_url=required(self.settings.sink_url, "SINK_URL"),
            token_keys=self.token_keys(),
        )

    def _keys(self) -> DeploymentKeys:
        return parse_keys(self.secrets.get(required(self.settings.secret_id, "SECRET_ID")))
