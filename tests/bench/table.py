"""The one table a run prints: a line for each measurement, a pair of columns for each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.figures import MEASUREMENTS, Figure, Measurement, verdict_of

Figures = Mapping[str, Figure]


def table(results: Mapping[str, Figures]) -> str:
    """Draw the results of each database, as Markdown that also reads well in a terminal."""
    databases = list(results)
    head = ["Measurement", "Goal", *(text for name in databases for text in (name, ""))]
    rows = [_row(measurement, results) for measurement in MEASUREMENTS]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [_line(head, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _row(measurement: Measurement, results: Mapping[str, Figures]) -> list[str]:
    cells = [measurement.title, str(measurement.goal)]
    for label, figures in results.items():
        figure = figures.get(measurement.key)
        is_measured = measurement.is_measured_on(label)
        cells += [_shown(measurement, figure), verdict_of(measurement, figure)] if is_measured else ["", ""]
    return cells


def _shown(measurement: Measurement, figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.shown or figure.value is None:
        return figure.shown
    return f"{number(figure.value)}{measurement.goal.unit}"


def number(value: float) -> str:
    """Three digits that mean something; counts as they are."""
    if value == int(value):
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
