"""Labels for files and boxes: what stands on them, and the sheets and rolls that they are printed on.

Rule 1: the code on a label holds an opaque address or a number, nothing that anybody said of the thing.
Rule 2: what is printed in words is asked for: without it a label has the number alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from vault.errors import InvalidInput

LABELS_MAX: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label: what its code holds, its number, and lines in words."""

    code: str
    number: str
    lines: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A kind of sheet or roll; lengths are millimetres. A roll has one label a page."""

    name: str
    page: tuple[float, float]
    columns: int
    rows: int
    label: tuple[float, float]
    margin: tuple[float, float] = (0.0, 0.0)
    """From the left and the upper edge of the page to the first label."""
    step: tuple[float, float] = (0.0, 0.0)
    """From one label to the next, across and down."""

    @property
    def places(self) -> int:
        """How many labels a page has."""
        return self.columns * self.rows


def _sheet(columns: int, rows: int, label: tuple[float, float], margin: tuple[float, float], gap: float = 0) -> Stock:
    name = f"a4-{columns}x{rows}"
    step = (label[0] + gap, label[1])
    return Stock(name=name, page=(210, 297), columns=columns, rows=rows, label=label, margin=margin, step=step)


def _roll(width: float, height: float) -> Stock:
    return Stock(name=f"roll-{width:g}x{height:g}", page=(width, height), columns=1, rows=1, label=(width, height))


STOCKS: Final[Mapping[str, Stock]] = MappingProxyType(
    {
        each.name: each
        for each in (
            _sheet(3, 8, (70, 37), (0, 0.5)),
            _sheet(3, 7, (63.5, 38.1), (7.2, 15.1), gap=2.5),
            _sheet(2, 7, (99.1, 38.1), (4.7, 15.1), gap=2.5),
            _sheet(2, 4, (99.1, 67.7), (4.7, 13.1), gap=2.5),
            _roll(62, 29),
            _roll(89, 36),
            _roll(100, 50),
        )
    }
)
"""Common sizes: A4 sheets by columns and rows, rolls by width and height."""
USUAL: Final = "a4-3x8"


def checked_stock(name: str, start: int) -> Stock:
    """A kind of sheet or roll, whose first label goes to the place ``start`` (from 1). Raises ``InvalidInput``."""
    stock = STOCKS.get(name)
    if stock is None:
        raise InvalidInput(f"labels are printed on one of: {', '.join(STOCKS)}", field="stock")
    if not 1 <= start <= stock.places:
        raise InvalidInput(f"the first label goes to a place from 1 to {stock.places}", field="start")
    return stock
