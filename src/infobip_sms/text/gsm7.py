"""The GSM 7-bit alphabets: 3GPP TS 23.038, clauses 6.2.1 and 6.2.1.1 and annexes A.2 and A.3.

Each row of a table has 16 codes; the first row starts at code 0. ``␊`` is line feed, ``␌`` form feed,
``␍`` carriage return, ``␛`` the escape, and ``·`` a code without a character.
"""

# ruff: noqa: RUF001 - letters that look alike are the point of these tables

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms_schema import LanguageCode

if TYPE_CHECKING:
    from collections.abc import Mapping

_PICTURES = {"␊": "\n", "␌": "\f", "␍": "\r"}
_NO_CHARACTER = "·␛"


def parse_table(rows: str) -> dict[int, str]:
    """Return the characters of a table by code."""
    return {
        code: _PICTURES.get(sign, sign)
        for code, sign in enumerate(rows.replace("\n", ""))
        if sign not in _NO_CHARACTER
    }


# 3GPP TS 23.038 clause 6.2.1, GSM 7 bit default alphabet
DEFAULT = parse_table("""
@£$¥èéùìòÇ␊Øø␍Åå
Δ_ΦΓΛΩΠΨΣΘΞ␛ÆæßÉ
 !"#¤%&'()*+,-./
0123456789:;<=>?
¡ABCDEFGHIJKLMNO
PQRSTUVWXYZÄÖÑÜ§
¿abcdefghijklmno
pqrstuvwxyzäöñüà
""")

# clause 6.2.1.1, GSM 7 bit default alphabet extension table: after an escape
EXTENSION = parse_table("""
··········␌·····
····^······␛····
········{}·····\\
············[~]·
|···············
················
·····€··········
················
""")

LOCKING_SHIFT: Mapping[LanguageCode, dict[int, str]] = {
    # annex A.3.1
    LanguageCode.TR: parse_table("""
@£$¥€éùıòÇ␊Ğğ␍Åå
Δ_ΦΓΛΩΠΨΣΘΞ␛ŞşßÉ
 !"#¤%&'()*+,-./
0123456789:;<=>?
İABCDEFGHIJKLMNO
PQRSTUVWXYZÄÖÑÜ§
çabcdefghijklmno
pqrstuvwxyzäöñüà
"""),
    # annex A.3.3; A.3.2, Spanish, has no table
    LanguageCode.PT: parse_table("""
@£$¥êéúíóç␊Ôô␍Áá
Δ_ªÇÀ∞^\\€Ó|␛ÂâÊÉ
 !"#º%&'()*+,-./
0123456789:;<=>?
ÍABCDEFGHIJKLMNO
PQRSTUVWXYZÃÕÚÜ§
~abcdefghijklmno
pqrstuvwxyzãõ`üà
"""),
}
"""In place of the default alphabet."""

SINGLE_SHIFT: Mapping[LanguageCode, dict[int, str]] = {
    # annex A.2.1
    LanguageCode.TR: parse_table("""
··········␌·····
····^······␛····
········{}·····\\
············[~]·
|······Ğ·İ······
···Ş············
···ç·€·ğ·ı······
···ş············
"""),
    # annex A.2.2
    LanguageCode.ES: parse_table("""
·········ç␌·····
····^······␛····
········{}·····\\
············[~]·
|Á·······Í·····Ó
·····Ú··········
·á···€···í·····ó
·····ú··········
"""),
    # annex A.2.3
    LanguageCode.PT: parse_table("""
·····ê···ç␌Ôô·Áá
··ΦΓ^ΩΠΨΣΘ·␛···Ê
········{}·····\\
············[~]·
|À·······Í·····Ó
·····Ú·····ÃÕ···
·Â···€···í·····ó
·····ú·····ãõ··â
"""),
}
"""In place of the extension table: after an escape."""
