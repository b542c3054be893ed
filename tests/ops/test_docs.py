"""What the documentation promises is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lumaboard.accounts.access import RIGHTS, ROLE_WORDS, SCOPES
from lumaboard.accounts.models import Role
from lumaboard.settings import env

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def first_cells(path: Path) -> list[str]:
    """The first column of every table."""
    return [line.split("|")[1].strip() for line in path.read_text().splitlines() if line.startswith("| ")]


def locked_versions() -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements" / "run.txt").read_text().splitlines():
        if match := re.match(r"([a-z0-9-]+)==([^ ]+)", line):
            versions.setdefault(match[1], set()).add(match[2])
    return versions


def test_the_readme_lists_every_setting_and_no_other() -> None:
    listed = re.findall(r"^\| `LUMABOARD_(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(env._known)


def test_every_link_between_documents_leads_somewhere() -> None:
    dead = [
        (document.name, target)
        for document in documents()
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert dead == []


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {match[0] for text in wanted if (match := re.match(r"[a-z0-9-]+", text))}
    explained = {name.strip() for cell in first_cells(ROOT / "docs" / "dependencies.md") for name in cell.split(",")}
    assert names - explained == set()


def test_the_versions_in_the_documentation_are_the_locked_ones() -> None:
    locked = locked_versions()
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| (\d[\d.]*) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE
    )
    assert rows
    assert [(name, version) for name, version in rows if version not in locked[name]] == []


def test_the_table_of_roles_is_the_one_in_the_code() -> None:
    rows = _table_in_roles(0)
    roles = [Role(cell.strip().lower()) for cell in rows[0][2:]]
    table = {
        row[0].strip(" `"): {role for role, cell in zip(roles, row[2:], strict=True) if cell.strip() == "yes"}
        for row in rows[2:]
    }
    assert table == RIGHTS


def test_the_sentence_of_each_role_is_the_one_in_the_code() -> None:
    text = (ROOT / "docs" / "roles.md").read_text()
    said = re.findall(r"^- \*\*(\w+)\*\*: ((?:.+\n)(?:  .+\n)*)", text, re.MULTILINE)
    assert {role: " ".join(words.split()) for role, words in said} == {
        role.label: str(words) for role, words in ROLE_WORDS.items()
    }


def test_the_table_of_scopes_is_the_one_in_the_code() -> None:
    said = {row[0].strip(" `"): frozenset(re.findall(r"`(\w+)`", row[1])) for row in _table_in_roles(1)[2:]}
    assert said == SCOPES


def _table_in_roles(number: int) -> list[list[str]]:
    tables = re.findall(r"(?:^\|.*\n)+", (ROOT / "docs" / "roles.md").read_text(), re.MULTILINE)
    return [line.strip("| ").split("|") for line in tables[number].splitlines()]
