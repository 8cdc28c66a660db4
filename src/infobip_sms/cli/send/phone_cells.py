"""Phone numbers as they are in spreadsheets: what can be mended, and what is said of the rest."""

from __future__ import annotations

import re

# Blanks, apostrophes and hyphens of any kind, slashes, parentheses, and marks that nobody sees.
_SEPARATORS = re.compile(
    r"[\s()/'\u2018\u2019\u2010-\u2015\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]"
)
# How a spreadsheet is made to leave digits alone, and how it takes a number that begins with + or =.
_AS_TEXT = re.compile(r'="([^"]*)"|=(\+?[0-9]+)')
_DECIMAL = re.compile(r"(\+?\d+)(?:\.0+|,0{1,2})")
_GROUPS = re.compile(r"\+?\d{1,4}(?:(?:\.\d{2,4}){2,}|(?:,\d{3}){2,})")
_EXPONENT = re.compile(r"\+?\d+([.,]\d+)?[eE]\+?\d+")
_NEGATIVE = re.compile(r"=?\s*[-\u2212]\s*\d")
_TRUNK = "(0)"
_MAX_DIGITS = 15  # of a telephone number, by ITU-T E.164
_EXAMPLE = "+41791234567"


def mend_number(cell: str) -> str:
    """Return a number in the digits 0 to 9, without what separates them or what a spreadsheet adds."""
    if _TRUNK in cell or _NEGATIVE.match(cell):
        return cell
    as_text = _AS_TEXT.fullmatch(cell)
    bare = _SEPARATORS.sub("", (as_text[1] or as_text[2] or "") if as_text else cell)
    if not bare.isascii():  # digits of Arabic, of full width and others
        bare = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in bare)
    if bare[:4].lower() == "tel:":
        bare = bare[4:]
    if found := _DECIMAL.fullmatch(bare):
        return found[1]
    return bare.replace(".", "").replace(",", "") if _GROUPS.fullmatch(bare) else bare


def find_problem(number: str) -> str | None:
    """Return what to do about digits that are no international number; None for all others."""
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    if len(digits) > _MAX_DIGITS:
        return "No phone number has more than 15 digits: write one number in each row."
    return explain_number(number) if digits.startswith("0") else None


def explain_number(cell: str) -> str:
    """Return what to do about a number that nobody can be reached at."""
    if not cell:
        return "The cell is empty. Enter a number, or delete the row."
    if cell.startswith("#"):
        return "The spreadsheet could not compute the cell. Correct it, or delete the row."
    if _EXPONENT.fullmatch(cell):
        return (
            "A spreadsheet rounded the number. Format the column as text, enter the number again"
            " and save."
        )
    if _NEGATIVE.match(cell):
        return "A number with a minus sign may be the result of a formula. Enter the number again."
    if _TRUNK in cell:
        return "Leave out (0) after the country code."
    if cell.startswith(("00", "+00")):
        return "No country code begins with 0: write + instead of 00."
    if cell.startswith(("0", "+0")):
        return (
            "No country code begins with 0: write the country code instead of the first 0, or name"
            " the country of such numbers: --region CH."
        )
    return f"Write one number with its country code, such as {_EXAMPLE}, or delete the row."
