"""`make check`: known advisories against the packages that are installed (`python -m tests.advisories`).

pip-audit asks the package index for each. Where that tells of none (no network, a mirror), one line says so and nothing
fails: an advisory that nobody could look up is no reason to hold a change up. Findings fail.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from importlib.metadata import version
from typing import Any

# One request, so that an index that has no advisories to give is not asked for each package.
INDEX = f"https://pypi.org/pypi/django/{version('django')}/json"
AUDIT = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
NOT_ASKED = "advisories: the package index has none to give from here; nothing was looked up"


def reachable(url: str) -> bool:
    """Return whether the index tells of advisories at all."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return "vulnerabilities" in json.load(answer)
    except (OSError, HTTPException, ValueError):
        return False


def judged(report: str) -> tuple[list[str], int]:
    """Return what is to be said of pip-audit's report, and the exit code. Raises ValueError where it is none."""
    packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
        for package in packages
        for each in package.get("vulns", ())
    ]
    unknown = sum("skip_reason" in package for package in packages)
    asked = len(packages) - unknown
    return [*found, f"advisories: {len(found)} against {asked} packages; {unknown} could not be looked up"], bool(found)


def main(*, index: str = INDEX, audit: Sequence[str] = AUDIT) -> int:
    if not reachable(index):
        print(NOT_ASKED)
        return 0
    ended = subprocess.run(audit, capture_output=True, text=True, check=False)
    try:
        lines, code = judged(ended.stdout)
    except ValueError:
        lines, code = [NOT_ASKED, *ended.stderr.strip().splitlines()[-1:]], 0
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
