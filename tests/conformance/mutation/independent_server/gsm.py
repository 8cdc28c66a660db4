# ruff: noqa: RUF001 - letters that look alike are the point
"""Segments of a text: alphabets, sizes, counts; and its transliteration."""

import unicodedata
from dataclasses import dataclass

from tests.conformance.mutation.independent_server.traits import Traits

SIGNS = "!\"#¤%&'()*+,-./0123456789:;<=>?"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SMALL = CAPITALS.lower()
GREEK = "ΔΦΓΛΩΠΨΣΘΞ"
DEFAULT = frozenset(f"@£$¥èéùìòÇ\nØø\rÅå_{GREEK}ÆæßÉ {SIGNS}¡{CAPITALS}ÄÖÑÜ§¿{SMALL}äöñüà")
EXTENSION = frozenset("\f^{}\\[~]|€")
LOCKING = {
    "TR": frozenset(f"@£$¥€éùıòÇ\nĞğ\rÅå_{GREEK}ŞşßÉ {SIGNS}İ{CAPITALS}ÄÖÑÜ§ç{SMALL}äöñüà"),
    "PT": frozenset(
        f"@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|ÂâÊÉ {SIGNS.replace('¤', 'º')}Í{CAPITALS}ÃÕÚÜ§~{SMALL}ãõ`üà"
    ),
}
SINGLE = {
    "TR": EXTENSION | frozenset("ĞİŞçğış"),
    "ES": EXTENSION | frozenset("çÁÍÓÚáíóú"),
    "PT": EXTENSION | frozenset("êçÔôÁáΦΓΩΠΨΣΘÊÀÃÕÍÚãõíúÂâóÓ"),
}


@dataclass(frozen=True)
class Language:
    """A language and the tables of it that are asked for."""

    code: str
    locking: bool
    single: bool


@dataclass(frozen=True)
class Count:
    """How many segments a text has, and what is left in the last of them."""

    segments: int
    remaining: int


def count(text: str, language: Language | None, traits: Traits) -> Count:
    """Count the segments of a text."""
    costs = measure(text, language)
    if costs is None and language is not None:
        language, costs = None, measure(text, None)
    if costs is None:
        units = [len(character.encode("utf-16-le")) // 2 for character in text]
        part = 70 if traits.breaks("preview-unicode-70") else 67
        return pack(units, 70, part)
    alone, part = 160, 153
    if language and not traits.breaks("preview-language-free"):
        alone, part = (152, 146) if language.locking and language.single else (155, 149)
    if traits.breaks("preview-part-160"):
        part = alone
    return pack(costs, alone, part)


def measure(text: str, language: Language | None) -> list[int] | None:
    """List the septets of each character; None if an alphabet lacks one."""
    basic, extension = DEFAULT, EXTENSION
    if language and language.locking:
        basic = LOCKING.get(language.code, DEFAULT)
    if language and language.single:
        extension = SINGLE[language.code]
    if not (basic | extension).issuperset(text):
        return None
    return [1 if character in basic else 2 for character in text]


def pack(costs: list[int], alone: int, part: int) -> Count:
    """Put characters into segments, none of them split."""
    total = sum(costs)
    if total <= alone:
        return Count(1, alone - total)
    segments, used = 1, 0
    for cost in costs:
        if used + cost > part:
            segments, used = segments + 1, 0
        used += cost
    return Count(segments, part - used)


def find_language(code: str) -> Language:
    """Choose the tables of a language code that stands alone."""
    return Language(code, locking=code in LOCKING, single=code not in LOCKING)


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
