"""Secrets and parameters, and how long their texts are kept."""

from __future__ import annotations

import pytest

from chalicelib.adapters.aws.settings_store import (
    KEPT_S,
    CachedTexts,
    ParameterStore,
    SecretsManager,
)
from chalicelib.errors import NotFound, Unavailable
from tests.adapters.aws_client import Client, fault


class TestTexts:
    """The ports Secrets and Parameters."""

    def test_reads_a_secret(self) -> None:
        """A secret's text comes back, and is read once."""

        client = Client({"SecretString": "s"})
        secrets = SecretsManager(client)
        assert ["s", "s"] == [secrets.get("id"), secrets.get("id")]
        assert [{"SecretId": "id"}] == client.requests

    def test_a_secret_of_bytes_holds_no_text(self) -> None:
        """Whoever made it with `--secret-binary` hears that, not of an error of ours."""

        secrets = SecretsManager(Client({"SecretBinary": b"PSK_1"}))

        with pytest.raises(NotFound, match="it holds bytes, no text"):
            secrets.get("id")

    def test_reads_a_parameter(self) -> None:
        """A parameter's text comes back."""

        client = Client({"Parameter": {"Value": "https://api"}})
        assert "https://api" == ParameterStore(client).get("name")

    def test_knows_what_is_missing(self) -> None:
        """What doesn't exist is NotFound."""

        with pytest.raises(NotFound):
            SecretsManager(Client(fault("ResourceNotFoundException"))).get("id")
        with pytest.raises(NotFound):
            ParameterStore(Client(fault("ParameterNotFound"))).get("name")

    def test_reads_again_after_five_minutes(self) -> None:
        """A text is read anew when its time is over, and kept while the outside is silent."""

        now, answers = [0.0], iter(["old", "new"])

        def read(name: str) -> str:
            try:
                return next(answers)
            except StopIteration:
                raise Unavailable("silent") from None

        texts = CachedTexts(read, lambda: now[0])
        found = [texts.get("n")]
        for at in (KEPT_S - 1, KEPT_S, 2 * KEPT_S, 2 * KEPT_S + 1):
            now[0] = at
            found.append(texts.get("n"))
        assert ["old", "old", "new", "new", "new"] == found

    def test_is_unavailable_where_nothing_was_read(self) -> None:
        """Without an earlier text the outside's silence is told."""

        with pytest.raises(Unavailable):
            SecretsManager(Client(fault("InternalServiceError"))).get("id")
