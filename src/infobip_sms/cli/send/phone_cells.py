"""Phone numbers as they are in spreadsheets: what can be mended, and what is said of the rest."""

from __future__ import annotations

import re

# Blanks and hyphens of any kind, slashes, parentheses, and marks that nobody sees.
_SEPARATORS = re.compile(
    r"[\s()/\u2010-\u2015\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]"
)
_DECIMAL = re.compile(r"(\+?\d+)\.0+")
_EXPONENT = re.compile(r"\+?\d+([.,]\d+)?[eE]\+?\d+")
_TRUNK = "(0)"


def mend_number(cell: str) -> str:
    """Return a number without what separates its digits, and without a spreadsheet's ``.0``."""
    if _TRUNK in cell:
        return cell
    bare = _SEPARATORS.sub("", cell)
    found = _DECIMAL.fullmatch(bare)
    return found[1] if found else bare


def explain_number(cell: str) -> str | None:
    """Return what to do about a number that nobody can be reached at; None if nothing is known."""
    if not cell:
        return "The cell is empty."
    if _EXPONENT.fullmatch(cell):
        return (
            "A spreadsheet rounded the number. Format the column as text, enter the number again"
            " and save."
        )
    if _TRUNK in cell:
        return "Leave out (0) after the country code."
    if cell.startswith(("00", "+00")):
        return "No country code begins with 0: write + instead of 00."
    if cell.startswith(("0", "+0")):
        return "No country code begins with 0: write the country code instead of the first 0."
    return None
