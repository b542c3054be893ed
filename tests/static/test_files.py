"""What must hold for the files of the front end: sizes, names, hashes, and nothing our content policy would refuse."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SPECIMEN = sorted((Path(__file__).parent / "specimen" / "templates").glob("*.html"))
CSS_BUDGET = 20_000
ICON_USES = (
    re.compile(r"icons\.svg' %\}#([\w-]+)"),
    re.compile(r"\{\{ icons \}\}#([\w-]+)"),
    re.compile(r'_icon\.html" with name="([\w-]+)"'),
)


def _names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_all_style_sheets_together_stay_in_their_budget() -> None:
    sheets = [path.read_bytes() for path in (STATIC / "css").glob("*.css")]
    assert sum(len(gzip.compress(sheet, 9)) for sheet in sheets) <= CSS_BUDGET


def test_every_vendored_file_is_listed_with_its_hash_and_licence() -> None:
    packages = tomllib.loads((VENDOR / "VENDORED.toml").read_text())["package"]
    listed = {name: digest for package in packages for name, digest in package["files"].items()}
    present = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {"VENDORED.toml"}
    assert set(listed) == present
    for name, digest in listed.items():
        body = (VENDOR / name).read_bytes()
        assert digest == "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode(), name
        assert b"sourceMappingURL" not in body, name
    for package in packages:
        assert package["version"]
        assert package["licence"]
        assert package["licence_file"] in listed


def test_every_icon_a_page_uses_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))
    used = {
        (path.name, name)
        for path in (*TEMPLATES, *SPECIMEN)
        for pattern in ICON_USES
        for name in pattern.findall(path.read_text())
    }
    assert used
    assert {pair for pair in used if pair[1] not in drawn} == set()


@pytest.mark.parametrize("name", _names([*TEMPLATES, *SPECIMEN]))
def test_a_template_carries_nothing_inline(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<style\b", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\bhx-on\b|\bhx-vals\s*=\s*['\"]?js:|\son[a-z]+\s*=\s*['\"]", text)
    assert not re.search(r"(?:src|href)\s*=\s*['\"]?(?:data|javascript|https?):", text)


@pytest.mark.parametrize("name", ["base.css", "parts.css", "pages.css"])
def test_colours_are_named_in_the_tokens_alone(name: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (STATIC / "css" / name).read_text(), flags=re.S)
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*;)", text)
    assert not re.search(r"\b(?:rgb|hsl|oklch|oklab|lab|lch)a?\(\s*[\d.]", text)
    assert "data:" not in text


def test_style_sheets_use_only_tokens_that_exist() -> None:
    sheets = {path.name: path.read_text() for path in (STATIC / "css").glob("*.css")}
    defined = set(re.findall(r"(--[\w-]+)\s*:", "\n".join(sheets.values())))
    used = set(re.findall(r"var\((--[\w-]+)", "\n".join(sheets.values())))
    assert used - defined == set()


def test_layers_are_declared_in_the_same_order_everywhere() -> None:
    for name in ("base.css", "parts.css", "pages.css"):
        assert (STATIC / "css" / name).read_text().startswith("@layer reset, base, shell, parts, pages;\n")


def test_scripts_are_modules_that_evaluate_no_text() -> None:
    for path in (STATIC / "js").glob("*.js"):
        text = path.read_text()
        assert text.startswith("/*"), f"{path.name} says what it does"
        assert not re.search(r"\beval\(|new Function|\.innerHTML\s*=|\bimport\(", text), path.name
        for imported in re.findall(r'from "(\./[\w.]+)"|import "(\./[\w.]+)"', text):
            assert (path.parent / next(filter(None, imported))).exists(), path.name


def test_every_word_a_script_asks_for_is_given_by_the_page() -> None:
    given = set(re.findall(r"\bdata-([\w-]+)=", (ROOT / "templates/core/_words.html").read_text()))
    asked = set()
    for path in (STATIC / "js").glob("*.js"):
        text = path.read_text()
        asked |= set(re.findall(r'\bword\("(\w+)"', text)) | set(
            re.findall(r'bind\([^"\]]*(?:"[^"]*"|\[[^\]]*\]), "(do\w+)"', text)
        )
    kebab = {re.sub(r"[A-Z]", lambda letter: "-" + letter[0].lower(), name) for name in asked}
    assert kebab - given == set()
