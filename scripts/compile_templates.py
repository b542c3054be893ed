"""Compile every template of ours, so that a misspelt tag or filter is found before a page is opened."""

import os
import sys
from pathlib import Path

import django
from django.template import engines
from django.template.exceptions import TemplateSyntaxError

ROOT = Path(__file__).resolve().parent.parent


def broken_templates() -> list[str]:
    """Say of each template that cannot be compiled which it is and why."""
    broken = []
    engine = engines["django"]
    for path in sorted([*ROOT.glob("templates/**/*.*"), *ROOT.glob("lumaboard/*/templates/**/*.*")]):
        try:
            engine.from_string(path.read_text())
        except TemplateSyntaxError as error:
            broken.append(f"{path.relative_to(ROOT)}: {error}")
    return broken


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lumaboard.settings")
    django.setup()
    sys.exit("\n".join(broken_templates()) or 0)
