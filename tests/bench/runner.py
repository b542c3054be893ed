"""Run the measurements on one database, in a process of their own: `python -m tests.bench.runner`."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from tests.bench import scale as scales
from tests.bench.bench import Bench, prepare, say
from tests.bench.databases import PostgresDatabases, SqliteDatabases
from tests.bench.figures import Figure

AREAS = ("pages", "activity", "claims", "engine", "cluster", "writers", "media", "proxy", "polling", "creates", "stack")
_SQLITE_ONLY = {"writers", "media"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", choices=("tiny", "quick", "full"), required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--server", help="URL of a PostgreSQL server; without it, SQLite")
    parser.add_argument("--areas", nargs="*", choices=AREAS)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    scale = scales.chosen(options.scale, rows=options.rows)
    databases_of = (lambda folder: PostgresDatabases(options.server)) if options.server else SqliteDatabases
    with tempfile.TemporaryDirectory(prefix="lumaboard-bench-") as name:
        databases = databases_of(Path(name))
        try:
            figures = _measure(
                Bench(scale, Path(name), databases, prepare(Path(name), databases)), options.areas or AREAS
            )
        finally:
            databases.drop_all()
    options.out.write_text(json.dumps({key: figure.as_json() for key, figure in figures.items()}))


def _measure(bench: Bench, areas: tuple[str, ...]) -> Mapping[str, Figure]:
    """Run one area after the other; one that fails says why and leaves its rows empty."""
    import django

    django.setup()
    figures: dict[str, Figure] = {}
    for area in areas:
        if area in _SQLITE_ONLY and not bench.is_sqlite:
            continue
        started = time.monotonic()
        say(f"{bench.databases.label}: {area}")
        try:
            figures.update(import_module(f"tests.bench.{area}").measure(bench))
        except Exception:
            say(traceback.format_exc())
        say(f"{bench.databases.label}: {area} took {time.monotonic() - started:.0f} s")
    return figures


if __name__ == "__main__":
    main()
