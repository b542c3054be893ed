"""Nobody but the outbound package may open connections: holes appear where one caller forgot the guard."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "lumaboard"
ALLOWED = ("outbound", "cli")
"""The command line client runs on people's own machines and asks the board they named, wherever that is."""
DOORS = ("requests", "urllib3", "http.client", "httpx", "aiohttp", "urllib.request")


def doors_opened_by(source: str) -> set[str]:
    """Name the forbidden modules that this source imports, in any of the ways there are to import one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"}:
                names.add(str(node.args[0].value))
    return {door for door in DOORS for name in names if name == door or name.startswith(f"{door}.")}


def test_only_the_outbound_package_and_the_command_line_client_import_an_http_client() -> None:
    culprits = {
        str(path.relative_to(PACKAGE)): found
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ALLOWED and (found := doors_opened_by(path.read_text()))
    }
    assert culprits == {}


@pytest.mark.parametrize(
    "source",
    [
        "import requests",
        "import requests.adapters as r",
        "from urllib3 import PoolManager",
        "from http import client",
        "import http.client",
        "from urllib import request",
        "from urllib.request import urlopen",
        "def f():\n    import httpx",
        "import importlib\nimportlib.import_module('aiohttp')",
        "__import__('requests')",
    ],
)
def test_the_check_sees_every_way_to_import(source: str) -> None:
    assert doors_opened_by(source)


@pytest.mark.parametrize("source", ["from urllib.parse import urlsplit", "from http import HTTPStatus", "import http"])
def test_the_check_leaves_harmless_neighbours_alone(source: str) -> None:
    assert not doors_opened_by(source)
