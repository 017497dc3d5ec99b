"""What a customer does with the API: a key, profiles, recordings, downloads."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.aws import DeployedStack
from infra.local.failures import RunFailed
from infra.paths import ROOT

_TIMEOUT_S = 35
_KEY_PREFIX = "tdk_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody with an API key."""

    api_url: str
    key: str

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON of a GET. Raises RunFailed."""
        return self._json("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Return the JSON of a POST. Raises RunFailed."""
        return self._json("POST", path, json.dumps(body).encode())

    def ask(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """Return an answer's status and JSON, {} without a body, whatever the status is.

        Raises RunFailed.
        """
        request = urllib.request.Request(
            self.api_url + path,
            data=body or None,
            method=method,
            headers={**self._headers(), "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                return response.status, json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except (OSError, ValueError) as error:
            raise RunFailed(f"{method} {path} failed: {error}.") from error

    def download(self, url: str) -> bytes:
        """Return the audio behind a recording's URL: the API redirects to the store."""
        request = urllib.request.Request(url, headers=self._headers())
        opener = urllib.request.build_opener(_WithoutKey)
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as response:
                return bytes(response.read())
        except OSError as error:
            raise RunFailed(f"GET {url} failed: {error}.") from error

    def _json(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.api_url + path, data=body, method=method, headers=self._headers()
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise RunFailed(f"{method} {path} answered {error.code}: {said}") from error
        except (OSError, ValueError) as error:
            raise RunFailed(f"{method} {path} failed: {error}.") from error

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}


class _WithoutKey(urllib.request.HTTPRedirectHandler):
    """Follows a redirect as a browser does: the API's key stays with the API."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        return urllib.request.Request(newurl)


def make_customer(stack: DeployedStack, python: str, account: str = "main") -> Customer:
    """Make an API key as an operator does, and hand it to a customer."""
    command = [python, "-m", "chalicelib.api.keys", "create", "--account", account]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(stack.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    keys = [word for word in done.stdout.split() if word.startswith(_KEY_PREFIX)]
    if done.returncode or not keys:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise RunFailed(f"No API key could be made: {said}")
    return Customer(api_url=stack.api_url, key=keys[0])


def find_recording(customer: Customer, call_id: str) -> dict[str, Any] | None:
    """Return a call's newest recording, or None while there is none."""
    query = urllib.parse.urlencode({"call_id": call_id})
    found = customer.get(f"/v1/recordings?{query}")["recordings"]
    return found[0] if found else None
