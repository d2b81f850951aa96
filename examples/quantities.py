"""Read the numbers people write in tables: thousands separators, decimal commas, currencies, percent, k and M."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

SYMBOLS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
CURRENCIES = frozenset(
    (
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "INR",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "CAD",
        "AUD",
        "NZD",
        "CNY",
        "BRL",
        "ZAR",
    )
)
SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "bn": 10**9, "B": 10**9}
NOTHING = frozenset({"", "-", "–", "—", "n/a", "na", "none", "null", "?", "."})
DIGITS_READ = 30
DIGITS_KEPT = 60

_CURRENCY = r"US\$|[$€£¥₹]|(?:" + "|".join(sorted(CURRENCIES)) + r")(?![A-Za-z])"
_PATTERN = re.compile(
    rf"""
    (?P<paren>\()? \s* (?P<sign>[-+−])? \s*
    (?P<before>{_CURRENCY})? \s* (?P<inner>[-+−])? \s*
    (?P<digits>\d(?:[\d.,'’_\s\u00a0\u202f\u2009]*\d)?)
    (?P<scale>bn|[kKMB])?
    (?: \s* (?P<after>%|{_CURRENCY}) | \s+ (?P<word>[A-Za-z]{{1,12}}) )? \s* (?(paren)\))
    """,
    re.VERBOSE,
)
_SPACED_GROUPS = re.compile(r"\d{1,3}(?:[\s\u00a0\u202f\u2009'’_]\d{3})+(?=[.,]|$)")
_SPACERS = re.compile(r"[\s\u00a0\u202f\u2009'’_]")
_COMMA_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}$|\d+$")
_DOT_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3})+$|\d+$")


@dataclass(frozen=True, slots=True)
class Quantity:
    """Hold an exact value with its unit: '' for a plain number, '%', an ISO 4217 currency, or a word like 'days'."""

    value: Decimal
    unit: str = ""

    def __str__(self) -> str:
        return f"{display(self.value)} {self.unit}".rstrip()


def parse_quantity(text: str, *, decimal_comma: bool = False) -> Quantity | None:
    """Read one cell, or give None where it is not a number.

    `decimal_comma` settles what '1.234' and '1,234' mean; see `uses_decimal_comma`.
    """
    match = _PATTERN.fullmatch(text.strip().replace("**", ""))
    if match is None:
        return None
    digits = _plain_digits(match["digits"], decimal_comma=decimal_comma)
    if digits is None or len(digits) > DIGITS_READ:
        return None
    with localcontext(prec=DIGITS_KEPT):
        value = Decimal(digits) * SCALES.get(match["scale"] or "", 1)
    negative = bool(match["paren"]) != (match["sign"] in ("-", "−") or match["inner"] in ("-", "−"))
    return Quantity(-value if negative else value, _unit(match["before"] or match["after"] or match["word"] or ""))


def uses_decimal_comma(cells: Iterable[str]) -> bool:
    """Tell from a column's cells whether its authors write 1.234,5 and not 1,234.5."""
    return any(re.search(r"\.\d{3},\d|^\D*0,\d|,\d{1,2}(?!\d|,\d)|,\d{4,}|\.\d{3}\.\d{3}", cell) for cell in cells)


def is_missing(cell: str) -> bool:
    return cell.strip().casefold() in NOTHING


def display(value: Decimal) -> str:
    """Write with thousands commas and at most two decimals, none for whole numbers."""
    with localcontext(prec=DIGITS_KEPT):
        rounded = value.quantize(Decimal("0.01"))
        return f"{rounded:,.0f}" if rounded == rounded.to_integral_value() else f"{rounded:,.2f}"


def _unit(written: str) -> str:
    return SYMBOLS.get(written, written)


def _plain_digits(digits: str, *, decimal_comma: bool) -> str | None:
    """Reduce separators to one decimal point; None where the groups are not those of a number."""
    if _SPACERS.search(digits):
        if not _SPACED_GROUPS.match(digits):
            return None
        digits = _SPACERS.sub("", digits)
    if "," in digits and "." in digits:
        decimal = "," if digits.rfind(",") > digits.rfind(".") else "."
    elif "," in digits:
        decimal = "," if decimal_comma or not _COMMA_GROUPS.fullmatch(digits) else "."
    else:
        decimal = "," if decimal_comma and _DOT_GROUPS.fullmatch(digits) else "."
    whole, _, fraction = digits.partition(decimal)
    groups = _COMMA_GROUPS if decimal == "." else _DOT_GROUPS
    if not groups.fullmatch(whole) or not re.fullmatch(r"\d*", fraction):
        return None
    return re.sub(r"[.,]", "", whole) + (f".{fraction}" if fraction else "")
