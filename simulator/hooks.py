"""Webhooks over HTTP, as a carrier posts them."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 15


def post(url: str, event: dict[str, Any]) -> int:
    """Return the HTTP status of one POST; 0 where no answer came."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = connect(parts.netloc.rpartition("@")[2], timeout=TIMEOUT_S)
    try:
        connection.request(
            "POST", target, json.dumps(event), headers={"Content-Type": "application/json"}
        )
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
