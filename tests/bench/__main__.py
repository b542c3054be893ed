"""Measure, and print one table: `python -m tests.bench [--full] [--rows N] [--postgres | --sqlite]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import machine, postgres
from tests.bench.figures import MEASUREMENTS, Figure, verdict_of
from tests.bench.runner import AREAS
from tests.bench.table import table
from tests.ops.installation import ROOT

_LONGEST = 3600


def main() -> int:
    options = _options()
    results = {}
    with _servers(options) as servers:
        for label, url in servers.items():
            results[label] = _figures(options, url)
    sys.stdout.write(f"\n{machine.described(with_postgres='PostgreSQL' in results)}\n\n{table(results)}\n")
    if options.areas:
        return 0
    verdicts = [
        verdict_of(measurement, figures.get(measurement.key))
        for label, figures in results.items()
        for measurement in MEASUREMENTS
        if measurement.is_measured_on(label)
    ]
    return 1 if "failed" in verdicts else 0  # a missed goal is news, a measurement that broke is an error


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", dest="scale", action="store_const", const="full", help="a million rows; 15 minutes")
    size.add_argument("--tiny", dest="scale", action="store_const", const="tiny", help="shows that it runs; no figures")
    parser.add_argument("--rows", type=int, metavar="N", help="rows of the large gallery")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--postgres", action="store_true", help="on PostgreSQL only")
    which.add_argument("--sqlite", action="store_true", help="on SQLite only")
    parser.add_argument("--areas", nargs="+", choices=AREAS, metavar="AREA", help=f"only some of: {', '.join(AREAS)}")
    parser.set_defaults(scale="quick")
    return parser.parse_args()


@contextmanager
def _servers(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Say on which databases to measure: SQLite, and the PostgreSQL server that is named or can be started."""
    servers = {} if options.postgres else {"SQLite": ""}
    url = os.environ.get("LUMABOARD_DATABASE_URL", "")
    if options.sqlite:
        yield servers
    elif url.startswith("postgres"):
        yield {**servers, "PostgreSQL": url}
    elif postgres.can_start():
        with postgres.throw_away_server() as own:
            yield {**servers, "PostgreSQL": own}
    elif options.postgres:
        sys.exit("No PostgreSQL server was named in LUMABOARD_DATABASE_URL, and none could be started.")
    else:
        sys.stderr.write("No PostgreSQL server was named or could be started: measuring on SQLite only.\n")
        yield servers


def _figures(options: argparse.Namespace, url: str) -> dict[str, Figure]:
    """Measure in a process of its own, since Django knows one kind of database for as long as a process lives."""
    with tempfile.TemporaryDirectory(prefix="lumaboard-bench-out-") as folder:
        out = Path(folder) / "figures.json"
        command: list[str] = [sys.executable, "-m", "tests.bench.runner", "--scale", options.scale, "--out", str(out)]
        command += _given("--server", [url] if url else [])
        command += _given("--rows", [str(options.rows)] if options.rows else [])
        command += _given("--areas", options.areas or [])
        subprocess.run(command, cwd=ROOT, check=True, timeout=_LONGEST, stdin=subprocess.DEVNULL)
        return {key: Figure(**figure) for key, figure in json.loads(out.read_text()).items()}


def _given(option: str, values: Sequence[str]) -> list[str]:
    return [option, *values] if values else []


if __name__ == "__main__":
    sys.exit(main())
