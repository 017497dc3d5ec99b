"""Run checkov over plain CloudFormation: `scan.py TEMPLATE…` prints JSON.

Runs in the environment that has checkov, and imports nothing of ours. Its platform isn't asked.
"""

from __future__ import annotations

import json
import sys

from checkov.cloudformation.runner import Runner
from checkov.runner_filter import RunnerFilter


def main(templates: list[str]) -> None:
    """Print the rules that ran, and what they found."""
    report = Runner().run(
        root_folder=None, files=templates, runner_filter=RunnerFilter(framework=["cloudformation"])
    )
    assert not report.parsing_errors, report.parsing_errors
    found = [
        {
            "template": check.file_path,
            "rule": check.check_id,
            "logical_id": check.resource.rpartition(".")[2],
            "fact": check.check_name,
        }
        for check in report.failed_checks
    ]
    ran = {check.check_id for check in (*report.passed_checks, *report.failed_checks)}
    print(json.dumps({"rules": sorted(ran), "findings": found}))


if __name__ == "__main__":
    main(sys.argv[1:])
