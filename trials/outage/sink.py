"""The bench's sink with a spool: `python -m trials.outage.sink URL LIMITS-AS-JSON FOLDER`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from bench.ingest_sink import main
from chalicelib.sink.runtime.limits import Limits

if __name__ == "__main__":
    limits = replace(Limits(sessions=100_000), **json.loads(sys.argv[2]))
    uvloop.run(main(sys.argv[1], limits, Path(sys.argv[3])))
