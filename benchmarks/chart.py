"""The chart of docs/performance.md: bars in SVG, readable on light and dark pages, drawn without a library."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH = 860
_LABELS, _FIGURES = 230, 70
_ROW, _BAR, _TITLE, _GAP, _MARGIN = 26, 16, 34, 18, 16
_STYLE = """
  :root { --text: #1f2328; --soft: #59636e; --ours: #3b5bdb; --peer: #aab2bd; --back: #ffffff; }
  @media (prefers-color-scheme: dark) {
    :root { --text: #e6edf3; --soft: #9198a1; --ours: #8ea6ff; --peer: #57606a; --back: #0d1117; }
  }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--text); }
  .title { font-weight: 600; font-size: 14px; }
  .figure { fill: var(--soft); font-variant-numeric: tabular-nums; }
  .ours { fill: var(--ours); } .peer { fill: var(--peer); } .back { fill: var(--back); }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    label: str
    figure: float
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    unit: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return _TITLE + _ROW * len(self.bars) + _GAP


def panels(medians: Iterable[Mapping[str, Any]]) -> list[Panel]:
    """Return what the chart shows: the chain at 128 in flight, in process and over REST."""
    rows = [row for row in medians if (row["shape"], row["delay_ms"], row["in_flight"]) == ("chain", 0, 128)]
    over_rest = [row for row in rows if row["contender"].endswith("rest")]
    in_process = [row for row in rows if row not in over_rest]
    wanted = (
        ("Tasks per second, chain of three, 128 in flight (more is better)", "", "per_second", in_process),
        ("The same, each task submitted and read over REST", "", "per_second", over_rest),
        ("CPU per task, all processes and PostgreSQL (less is better)", " ms", "cpu_ms", in_process),
    )
    return [
        Panel(title=title, unit=unit, bars=[_bar(row, figure) for row in chosen])
        for title, unit, figure, chosen in wanted
        if chosen
    ]


def svg(shown: Sequence[Panel]) -> str:
    """Return the panels, one under the other, as an SVG document."""
    height = 2 * _MARGIN + sum(panel.height for panel in shown) - _GAP
    body, top = [], _MARGIN
    for panel in shown:
        body += _drawn(panel, top)
        top += panel.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape("; ".join(panel.title for panel in shown))}">\n'
        f'<style>{_STYLE}</style>\n<rect class="back" width="{WIDTH}" height="{height}" rx="8"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _bar(row: Mapping[str, Any], figure: str) -> Bar:
    return Bar(label=row["title"], figure=row[figure], is_ours=row["contender"] in {"ours", "two", "rest"})


def _drawn(panel: Panel, top: int) -> list[str]:
    room = WIDTH - _LABELS - _FIGURES - 2 * _MARGIN
    most = max(bar.figure for bar in panel.bars)
    lines = [f'<text class="title" x="{_MARGIN}" y="{top + 16}">{escape(panel.title)}</text>']
    for number, bar in enumerate(panel.bars):
        y = top + _TITLE + number * _ROW
        width = max(1.0, room * bar.figure / most)
        left = _MARGIN + _LABELS
        kind = "ours" if bar.is_ours else "peer"
        figure = f"{bar.figure:.1f}" if panel.unit else f"{bar.figure:,.0f}"
        lines += [
            f'<text x="{left - 10}" y="{y + 13}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{left}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="3"/>',
            f'<text class="figure" x="{left + width + 8:.1f}" y="{y + 13}">{figure}{panel.unit}</text>',
        ]
    return lines
