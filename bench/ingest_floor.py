"""The floor: a picows loop that reads and discards."""

from __future__ import annotations

import asyncio
import json
import logging

import uvloop
from picows import WSFrame, WSListener, WSTransport, WSUpgradeRequest, ws_create_server


class Discard(WSListener):
    """Reads and discards."""

    def on_ws_frame(self, _transport: WSTransport, _frame: WSFrame) -> None:
        """Nothing."""


def listener(_request: WSUpgradeRequest) -> Discard:
    """Let everybody in."""
    return Discard()


async def main() -> None:
    logging.getLogger("picows").setLevel(logging.CRITICAL)
    server = await ws_create_server(listener, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "path": "/bench"}), flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main())
