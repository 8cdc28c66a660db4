# ruff: noqa: RUF001 - letters that look alike are the point
"""Transliteration of texts."""

import unicodedata

from tests.conformance.mutation.independent_server.gsm import DEFAULT, EXTENSION

GREEK_LETTERS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
CYRILLIC_LETTERS = {
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ж": "Z", "З": "Z", "И": "I",
    "Й": "J", "К": "K", "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S",
    "Т": "T", "У": "U", "Ф": "F", "Х": "H", "Ц": "C", "Ч": "C", "Ш": "S", "Щ": "S", "Ъ": "",
    "Ы": "Y", "Ь": "", "Э": "E", "Ю": "JU", "Я": "JA",
}  # fmt: skip


def transliterate(text: str, script: str) -> str:
    """Convert a text from one script to another; an estimate but for GREEK."""
    if script == "NON_UNICODE":
        return "".join(c for c in text if c in DEFAULT or c in EXTENSION)
    return "".join(_convert(character, script) for character in text)


def _convert(character: str, script: str) -> str:
    if character in DEFAULT or character in EXTENSION:
        return character
    base = unicodedata.normalize("NFD", character)[0]
    if script == "GREEK":
        capital = base.upper()
        return GREEK_LETTERS.get(capital, capital if capital in DEFAULT else character)
    if script == "CYRILLIC":
        found = CYRILLIC_LETTERS.get(base.upper(), character)
        return found if base.isupper() else found.lower()
    base = {"ı": "i", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"}.get(character, base)
    return base if base in DEFAULT else character
