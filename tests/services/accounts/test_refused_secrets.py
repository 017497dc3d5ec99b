"""What happens where a secret is needed that isn't its profile's account's: it is never read, the
refusal is counted, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.carriers.contract.call_api import Standing
from chalicelib.errors import Forbidden, SecretRefused
from chalicelib.ports.values import Figure
from chalicelib.recording.model import State
from chalicelib.security.carrier_credentials import CarrierSecret
from chalicelib.security.secret_names import SharedCredentials
from chalicelib.security.url_guard import STRICT
from chalicelib.services.accounts.carrier_login import CarrierLogin
from chalicelib.services.accounts.carrier_secrets import SecretReader
from chalicelib.services.finalization.retry import retry
from tests.carrier_host import an_available
from tests.fakes import FakeCore, FakeCounters, FakeTexts
from tests.samples import CALL, a_profile
from tests.services.accounts.test_carrier_login import FakeGrants
from tests.services.fetching_desk import FetchingDesk
from tests.services.recovery.test_call_status import World as SilentWorld
from tests.services.recovery.test_retap import World as DeadWorld

FOREIGN, OWN = "tapedeck/sales/key", "tapedeck/main/key"
WHY = (
    "secret_id: the secret 'tapedeck/sales/key' belongs to account sales, not to main; name one of"
    " tapedeck/main/…, or let the operator add main:tapedeck/sales/key to SharedCredentials"
)
SECRET = {
    "basic": {"username": "u", "password": "p"},
    "webhook_basic": {"username": "u", "password": "p"},
    "signing_key": "PSK_1",
    "api_url": "https://voice.bandwidth.com/api/v2/accounts/9",
}
REFUSED = (Figure.REFUSED_SECRETS, {"account": "main", "profile": "front"})


class Watched(FakeTexts):
    """Secrets that note which of them were read."""

    def __init__(self) -> None:
        super().__init__(**{FOREIGN: json.dumps(SECRET), OWN: json.dumps(SECRET)})
        self.read: list[str] = []

    def get(self, name: str) -> str:
        """Return a text. Raises NotFound."""
        self.read.append(name)
        return super().get(name)


class Keeper:
    """What reads secrets, with fakes behind it."""

    def __init__(self, shared: SharedCredentials = frozenset()) -> None:
        self.texts, self.counters = Watched(), FakeCounters()
        self.secrets = SecretReader(secrets=self.texts, shared=shared, counters=self.counters)

    def sign_in(self, core: FakeCore) -> CarrierLogin:
        """Return what says credentials to carriers."""
        return CarrierLogin(
            profiles=core.profiles, secrets=self.secrets, grants=FakeGrants(), policy=STRICT
        )


def test_another_account_s_secret_is_not_read() -> None:
    """Each time is counted, with whose profile it was; the name of the secret stays out."""

    keeper = Keeper()

    with pytest.raises(SecretRefused) as refused:
        keeper.secrets.of(a_profile(secret_id=FOREIGN))

    assert ("secret_refused", WHY) == (refused.value.code, refused.value.message)
    assert ([], [REFUSED]) == (keeper.texts.read, keeper.counters.counted)


@pytest.mark.parametrize("name", [OWN, FOREIGN])
def test_an_own_or_a_shared_secret_is_read(name: str) -> None:
    """Nothing is counted then."""

    keeper = Keeper(frozenset({("main", FOREIGN)}))

    assert "PSK_1" == keeper.secrets.of(a_profile(secret_id=name)).signing_key
    assert ([name], []) == (keeper.texts.read, keeper.counters.counted)


def test_without_a_secret_nothing_is_read() -> None:
    """Nor refused; one that doesn't exist is another matter."""

    keeper = Keeper()

    assert CarrierSecret() == keeper.secrets.of(a_profile())
    with pytest.raises(Forbidden) as missing:
        keeper.secrets.of(a_profile(secret_id="tapedeck/main/none"))
    assert "bad_secret" == missing.value.code
    assert [] == keeper.counters.counted


def test_a_file_isn_t_fetched_until_the_name_is_right() -> None:
    """The recording ends in an error that says why; a retry after the change finishes it."""

    keeper, desk = Keeper(), FetchingDesk(a_profile(secret_id=FOREIGN))
    authorization = keeper.sign_in(desk.desk.core).authorization
    desk.fetching = replace(desk.fetching, authorization=authorization)
    desk.take(an_available())
    desk.execute()
    refused = desk.recording()
    desk.change(secret_id=OWN)

    again = retry(
        refused.recording_id,
        calls=desk.desk.core.calls,
        history=desk.desk.core.history,
        transitions=desk.desk.transitions,
        now=desk.at,
    )
    desk.run(again.recording_id, again.attempt)

    assert (State.ERROR, "carrier_secret_refused") == (refused.state, refused.reason)
    assert ([WHY], [REFUSED], [OWN]) == (desk.facts(), keeper.counters.counted, keeper.texts.read)
    assert State.FINISHED == desk.recording().state
    assert ["error", "finished"] == desk.desk.told()


def test_a_file_elsewhere_needs_no_secret() -> None:
    """To a host that isn't the carrier's nothing is said anyway."""

    keeper, desk = Keeper(), FetchingDesk(a_profile(secret_id=FOREIGN))
    desk.take(an_available(url="https://files.example/r.wav"))

    assert "" == keeper.sign_in(desk.desk.core).authorization(desk.recording())
    assert [] == keeper.counters.counted


def test_a_carrier_isn_t_asked_to_tap_again() -> None:
    """The history of the recording says why its streams didn't come back."""

    keeper, world = Keeper(), DeadWorld(secret_id=FOREIGN)
    world.needs = replace(world.needs, door=keeper.sign_in(world.desk.core).door)

    assert {"retap_failed": 2} == world.retap()

    assert [("retap_failed", WHY)] * 2 == world.told()
    assert ([], []) == (world.api.tapped, keeper.texts.read)
    assert [REFUSED] * 2 == keeper.counters.counted


def test_a_carrier_isn_t_asked_where_a_call_stands() -> None:
    """As if it had no API: the execution doesn't fail, because repeating it wouldn't help."""

    keeper, world = Keeper(), SilentWorld()
    core = world.desk.core
    core.store.profiles["main", "front"] = a_profile(secret_id=FOREIGN)
    needs = replace(world.needs(), door=keeper.sign_in(core).door)

    assert Standing.UNKNOWN is needs.check(CALL.key, "stream-1", "worker-9")

    assert ([], [], [REFUSED]) == (world.api.asked, keeper.texts.read, keeper.counters.counted)
    assert [] == world.told()
