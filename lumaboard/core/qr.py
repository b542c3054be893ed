"""Codes that a phone's camera reads: modules in rows, drawn as one path with the quiet edge that the standard asks for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

_QUIET = 4  # modules of margin


@dataclass(frozen=True, slots=True)
class Drawing:
    """What an SVG needs: the `d` of a path, and how many modules each side has, edge and all."""

    path: str
    size: int


def draw(text: str) -> Drawing:
    code: QRCode[object] = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    path = "".join(
        _run(column, row, length)
        for row, modules in enumerate(code.modules)
        for column, length in _dark_runs([bool(module) for module in modules])
    )
    return Drawing(path=path, size=len(code.modules) + 2 * _QUIET)


def svg(text: str) -> str:
    """Draw it as a file of its own, dark on white, a millimetre for each module."""
    drawn = draw(text)
    size = drawn.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}mm" height="{size}mm" viewBox="0 0 {size} {size}"'
        f' shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff"/><path d="{drawn.path}"/></svg>'
    )


def _run(column: int, row: int, length: int) -> str:
    return f"M{column + _QUIET} {row + _QUIET}h{length}v1h-{length}z"


def _dark_runs(modules: list[bool]) -> list[tuple[int, int]]:
    """Where dark modules stand side by side: the first one's place and how many there are."""
    runs, place = [], 0
    for is_dark, group in groupby(modules):
        length = len(list(group))
        if is_dark:
            runs.append((place, length))
        place += length
    return runs
