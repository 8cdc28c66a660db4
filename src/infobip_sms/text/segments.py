"""The number of segments of a text, and its encoding.

    count_segments("Şifreniz 1234", "TR").segments

Lengths follow 3GPP TS 23.038 (alphabets) and TS 23.040 (headers, concatenation), and agree with every
preview in Infobip's documentation.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

import attrs
from infobip_sms_schema import LanguageCode
from infobip_sms_schema.constraints import Constraint

from infobip_sms.errors import InvalidRequestError, Violation

from . import gsm7

if TYPE_CHECKING:
    from collections.abc import Iterable

_OCTETS = 140  # of user data in a segment, its header included: TS 23.040, 9.2.3.24
_SEPTET, _CODE_UNIT = 7, 16  # bits
# Octets of information elements in the user data header: identifier, length and data. The previews
# show that the concatenation reference has 8 bits: with 16, 67 would be 66.
_CONCATENATION = 5  # TS 23.040, 9.2.3.24.1
_SHIFT = 3  # TS 23.040, 9.2.3.24.15 (single) and 9.2.3.24.16 (locking)
_BEYOND_UCS2 = 0x10000
Choice = TypeVar("Choice", bound=Enum)


@attrs.frozen(kw_only=True)
class SegmentCount:
    """Segments and encoding of a text. Of the text itself it holds only ``unicode_characters``.

    encoding: Encoding of the whole text.
    segments: Number of segments, which is what is billed; at least 1.
    remaining: Units that can be added before ``segments`` grows.
    units: Length of the text: septets in GSM-7, UTF-16 code units in UCS-2. Headers are not
        counted.
    per_segment: Units that fit into each segment, beside its headers.
    language: The language whose shift tables are used, if any.
    locking_shift: Whether that language's locking shift table is used.
    single_shift: Whether that language's single shift table is used.
    unicode_characters: The distinct characters that require UCS-2, in order of appearance.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    remaining: int
    units: int
    per_segment: int
    language: LanguageCode | None
    locking_shift: bool
    single_shift: bool
    unicode_characters: tuple[str, ...]


@attrs.frozen
class _Shifts:
    """The shift tables that replace the default tables, and their language."""

    language: LanguageCode | None = None
    locking: bool = False
    single: bool = False


def count_segments(
    text: str,
    language: LanguageCode | str | None = None,
    *,
    locking_shift: bool | None = None,
    single_shift: bool | None = None,
) -> SegmentCount:
    """Count the segments of a text, as a preview by the platform does.

    A text is sent in GSM-7 if that has all its characters, otherwise all of it in UCS-2. A character of
    the extension table or of a single shift table takes two septets, one beyond the Basic Multilingual
    Plane two code units. Neither is split between two segments (TS 23.040, 9.2.3.24.1), so a segment may
    end with an unused unit. An empty text takes one segment.

    ``language`` alone selects the locking shift table, or for ES, which has none, the single shift table.
    If one of the shifts is given, the other is off unless it is given too. The language costs 5 septets
    (8 for both shifts) even if the text needs none of its characters. If its tables lack a character but
    the default tables have the whole text, the text is sent without a language; UCS-2 has no language.

    Not documented: Infobip shows the locking shift for TR only, and does not say what PT alone means,
    whether an unneeded language costs its 5 septets (a preview in a community client's fixture says so),
    what happens to a character that the language's tables lack, or whether surrogate pairs are kept
    together (TS 23.040 speaks of UCS2 characters, which have none).

    Raises InvalidRequestError if the language is unknown or has no such table (SEND-011), or the text
    contains a lone surrogate (TEXT-001).
    """
    require_text(text)
    requested = _choose_shifts(language, locking=locking_shift, single=single_shift)
    for shifts in (requested, _Shifts()):
        septets = _get_septets(shifts)
        if septets.keys() >= set(text):
            return _count("GSM-7", [septets[character] for character in text], shifts)
    septets = _get_septets(requested)
    foreign = dict.fromkeys(character for character in text if character not in septets)
    code_units = [1 + (ord(character) >= _BEYOND_UCS2) for character in text]
    return _count("UCS-2", code_units, _Shifts(), tuple(foreign))


def _count(
    encoding: Literal["GSM-7", "UCS-2"],
    sizes: list[int],
    shifts: _Shifts,
    unicode_characters: tuple[str, ...] = (),
) -> SegmentCount:
    bits = _SEPTET if encoding == "GSM-7" else _CODE_UNIT
    header = _SHIFT * (shifts.locking + shifts.single)
    segments, room = 1, _get_capacity(bits, header)
    used = units = sum(sizes)
    if units > room:
        room = _get_capacity(bits, header + _CONCATENATION)
        segments, used = _fill(sizes, room)
    return SegmentCount(
        encoding=encoding,
        segments=segments,
        remaining=room - used,
        units=units,
        per_segment=room,
        language=shifts.language,
        locking_shift=shifts.locking,
        single_shift=shifts.single,
        unicode_characters=unicode_characters,
    )


def _get_capacity(bits: int, header: int) -> int:
    """Return the units of ``bits`` that fit beside a header with ``header`` octets of elements."""
    octets = _OCTETS - (1 + header if header else 0)  # its length takes one octet
    return octets * 8 // bits


def _fill(sizes: Iterable[int], room: int) -> tuple[int, int]:
    """Return the number of segments, and the units used in the last one."""
    segments, used = 1, 0
    for size in sizes:
        if used + size > room:
            segments, used = segments + 1, 0
        used += size
    return segments, used


def _choose_shifts(language: object, *, locking: bool | None, single: bool | None) -> _Shifts:
    code = None
    if language is not None:
        code = require_choice(language, LanguageCode, "language", "SEND-011")
    has_locking, has_single = code in gsm7.LOCKING_SHIFT, code in gsm7.SINGLE_SHIFT
    for name, requested, has in (("locking", locking, has_locking), ("single", single, has_single)):
        if requested and not has:
            expected = f"a language with a {name} shift table"
            raise InvalidRequestError(
                [Violation("language", code or "nothing", expected, "SEND-011")]
            )
    if locking is None and single is None:
        locking, single = has_locking, has_single and not has_locking
    if not locking and not single:
        return _Shifts()
    return _Shifts(code, bool(locking), bool(single))


@cache
def _get_septets(shifts: _Shifts) -> dict[str, int]:
    """Return the septets of each character: 1, or 2 with an escape."""
    main, escaped = gsm7.DEFAULT, gsm7.EXTENSION
    if shifts.language and shifts.single:
        escaped = gsm7.SINGLE_SHIFT[shifts.language]
    if shifts.language and shifts.locking:
        main = gsm7.LOCKING_SHIFT[shifts.language]
    return dict.fromkeys(escaped.values(), 2) | dict.fromkeys(main.values(), 1)


def require_text(text: object) -> None:
    """Raise InvalidRequestError unless a value is a string without lone surrogates (TEXT-001)."""
    if problems := Constraint(requirement_id="SEND-009", required=True).check(text, str):
        raise InvalidRequestError(problem.inside("text") for problem in problems)


def require_choice(value: object, kind: type[Choice], path: str, requirement: str) -> Choice:
    """Convert a value to an enum; raise InvalidRequestError if it is unknown."""
    if problems := Constraint(requirement_id=requirement, required=True).check(value, kind):
        raise InvalidRequestError(problem.inside(path) for problem in problems)
    return kind(value)


def is_gsm7(text: str) -> bool:
    """Tell whether the default alphabet and its extension contain all characters of a text."""
    return _get_septets(_Shifts()).keys() >= set(text)
