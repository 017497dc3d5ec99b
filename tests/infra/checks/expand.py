"""Translate SAM templates into plain CloudFormation: `expand.py FOLDER TEMPLATE…`.

Runs in the environment that has SAM's translator, and imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def main(folder: str, *sources: str) -> None:
    """Write each template as CloudFormation's own transform would hand it on, named after its
    stack."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the partition is taken from it
    for source in sources:
        template = json.loads(Path(source).read_text())
        if "Transform" in template:
            template = Translator({}, Parser()).translate(template, parameter_values={})
        assert "Transform" not in template
        stack = Path(source).name.partition(".")[0]
        Path(folder, f"{stack}.json").write_text(json.dumps(template, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
