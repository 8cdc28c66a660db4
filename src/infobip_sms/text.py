"""What becomes of a text on its way: how many segments it takes, and how it reads transliterated.

    count_segments("Şifreniz 1234", "TR").segments
    transliterate("Καλημέρα", "GREEK").text

Lengths follow 3GPP TS 23.038 (alphabets) and TS 23.040 (headers, concatenation) and agree with every
preview that the vendor's documents show. Where those leave a question open, the docstring says which
reading this is.

Lives here: counting, the choice of the alphabet, the rewriting of letters.
Never here: the tables themselves (alphabets.py), requests, I/O.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

import attrs
from infobip_sms_schema import LanguageCode, Transliteration
from infobip_sms_schema.limits import Limit

from . import alphabets
from .errors import RequestRefused, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

_OCTETS = 140  # of user data in a segment, its header included: TS 23.040, 9.2.3.24
_SEPTET, _CODE_UNIT = 7, 16  # bits
# Octets of information elements in the user data header: identifier, length, and their data. That
# the reference of a concatenation has 8 bits shows in the previews: with 16, 67 would be 66.
_CONCATENATION = 5  # TS 23.040, 9.2.3.24.1
_SHIFT = 3  # TS 23.040, 9.2.3.24.15 (single) and 9.2.3.24.16 (locking)
_BEYOND_UCS2 = 0x10000
_LETTER = re.compile(".[\u0300-\u036f]*", re.DOTALL)  # a character and the accents that follow it
Choice = TypeVar("Choice", bound=Enum)


@attrs.frozen(kw_only=True)
class SegmentCount:
    """What a text takes; of the text itself it holds ``unicode_characters`` and no more."""

    encoding: Literal["GSM-7", "UCS-2"]
    """The alphabet that the whole text is sent in."""
    segments: int
    """How many short messages the text takes, which is what is billed; at least 1."""
    remaining: int
    """Units that may still be added before ``segments`` grows."""
    units: int
    """Length of the text: septets in GSM-7, UTF-16 code units in UCS-2. Headers are not counted."""
    per_segment: int
    """Units that each of the segments has room for, headers taken off."""
    language: LanguageCode | None
    """The language whose tables are used; None if none is."""
    locking_shift: bool
    """Whether that language's locking shift table is used."""
    single_shift: bool
    """Whether that language's single shift table is used."""
    unicode_characters: tuple[str, ...]
    """The different characters that make the text need UCS-2, in order of appearance."""


@attrs.frozen(kw_only=True)
class Transliterated:
    """A text after transliteration."""

    text: str
    estimate: bool
    """Whether a character was rewritten in a way that no document of the vendor shows."""


@attrs.frozen
class _Shifts:
    """Which tables of which language stand in place of the default ones."""

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
    """Count the segments of a text, as a preview by the platform would.

    A text goes out in GSM-7 if that has all its characters, else in UCS-2 as a whole. A character
    of the extension or of a single shift table takes two septets, one beyond the Basic Multilingual
    Plane two code units. Neither is split between two segments (TS 23.040, 9.2.3.24.1), so that
    a segment may end with a unit unused. An empty text is a message too: one segment.

    ``language`` alone means the locking shift table, or for ES, which has none, the single shift
    table. If one of the shifts is given, the other is off unless it is given too. The language is
    paid for (5 septets, 8 for both shifts) even if the text needs none of its characters. If its
    tables lack a character but the default ones have the whole text, it is sent without a language;
    in UCS-2 there is no language either.

    Open readings: the vendor shows the locking shift for TR alone, and does not say what PT alone
    means, whether an unneeded language costs its 5 septets (a preview in a community client's
    fixture has it so), what happens to a character that the language's tables lack, or whether
    surrogate pairs are kept together (TS 23.040 speaks of UCS2 characters, which have none).

    Raise RequestRefused if the language is unknown, or has no such table (SEND-011), or the text is
    no Unicode text (TEXT-001).
    """
    _check_text(text)
    wanted = _find_shifts(language, locking=locking_shift, single=single_shift)
    for shifts in (wanted, _Shifts()):
        septets = _find_septets(shifts)
        if septets.keys() >= set(text):
            return _count("GSM-7", [septets[character] for character in text], shifts)
    septets = _find_septets(wanted)
    foreign = dict.fromkeys(character for character in text if character not in septets)
    code_units = [1 + (ord(character) >= _BEYOND_UCS2) for character in text]
    return _count("UCS-2", code_units, _Shifts(), tuple(foreign))


def transliterate(text: str, transliteration: Transliteration | str) -> Transliterated:
    """Rewrite a text as the platform may do it before it counts and sends the text.

    Characters that GSM-7 has are kept, whatever they are. Of the others are rewritten

    * GREEK: characters of the Greek script, as capitals: Greek ones if GSM-7 has them, otherwise the
      Latin ones that look like them, without accents. One preview in the vendor's specification
      shows this; letters that do not occur in it follow the same rule, as an estimate.
    * CYRILLIC: characters of the Cyrillic script. An estimate: the vendor shows no table.
    * TURKISH: letters of Turkish, with and without circumflex. An estimate.
    * CENTRAL_EUROPEAN: letters of the Latin code page of that name and of Romanian. An estimate.
    * NON_UNICODE: all of them, by leaving them out, which is what the vendor says of it in words.
      An estimate: whether some are replaced is not shown.

    Estimates come from the library anyascii, which the extra ``text`` installs; without it a text
    that needs one raises ModuleNotFoundError. Raise RequestRefused if the transliteration is unknown
    (SEND-012) or the text is no Unicode text (TEXT-001).
    """
    _check_text(text)
    script = _find_choice(transliteration, Transliteration, "transliteration", "SEND-012")
    letters: list[str] = _LETTER.findall(text)
    rewritten = [_rewrite(letter, script) for letter in letters]
    guessed = any(
        new != letter and not _is_attested(letter, script)
        for letter, new in zip(letters, rewritten, strict=True)
    )
    return Transliterated(text="".join(rewritten), estimate=guessed)


def _count(
    encoding: Literal["GSM-7", "UCS-2"],
    sizes: list[int],
    shifts: _Shifts,
    unicode_characters: tuple[str, ...] = (),
) -> SegmentCount:
    bits = _SEPTET if encoding == "GSM-7" else _CODE_UNIT
    header = _SHIFT * (shifts.locking + shifts.single)
    segments, room = 1, _find_room(bits, header)
    used = units = sum(sizes)
    if units > room:
        room = _find_room(bits, header + _CONCATENATION)
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


def _find_room(bits: int, header: int) -> int:
    """Return the units of so many bits that fit beside information elements of so many octets."""
    octets = _OCTETS - (1 + header if header else 0)  # the header's own length takes one
    return octets * 8 // bits


def _fill(sizes: Iterable[int], room: int) -> tuple[int, int]:
    """Return how many segments are filled, and the units used of the last one."""
    segments, used = 1, 0
    for size in sizes:
        if used + size > room:
            segments, used = segments + 1, 0
        used += size
    return segments, used


def _find_shifts(language: object, *, locking: bool | None, single: bool | None) -> _Shifts:
    code = None
    if language is not None:
        code = _find_choice(language, LanguageCode, "language", "SEND-011")
    has_locking, has_single = code in alphabets.LOCKING_SHIFT, code in alphabets.SINGLE_SHIFT
    for name, asked, has in (("locking", locking, has_locking), ("single", single, has_single)):
        if asked and not has:
            wants = f"a language that has a {name} shift table"
            raise RequestRefused([Violation("language", code or "nothing", wants, "SEND-011")])
    if locking is None and single is None:
        locking, single = has_locking, has_single and not has_locking
    if not locking and not single:
        return _Shifts()
    return _Shifts(code, bool(locking), bool(single))


@cache
def _find_septets(shifts: _Shifts) -> dict[str, int]:
    """Return the septets that each character takes: 1, or 2 after an escape."""
    main, escaped = alphabets.DEFAULT, alphabets.EXTENSION
    if shifts.language and shifts.single:
        escaped = alphabets.SINGLE_SHIFT[shifts.language]
    if shifts.language and shifts.locking:
        main = alphabets.LOCKING_SHIFT[shifts.language]
    return dict.fromkeys(escaped.values(), 2) | dict.fromkeys(main.values(), 1)


def _check_text(text: object) -> None:
    if problems := Limit(requirement="SEND-009", required=True).check(text, str):
        raise RequestRefused(problem.inside("text") for problem in problems)


def _find_choice(value: object, kind: type[Choice], path: str, requirement: str) -> Choice:
    if problems := Limit(requirement=requirement, required=True).check(value, kind):
        raise RequestRefused(problem.inside(path) for problem in problems)
    return kind(value)


def _rewrite(letter: str, script: Transliteration) -> str:
    """Return what becomes of a character with its accents."""
    composed = unicodedata.normalize("NFC", letter)
    if script is Transliteration.GREEK and composed in alphabets.GREEK:
        return alphabets.GREEK[composed]
    if _is_gsm(letter):
        return letter
    if script is Transliteration.NON_UNICODE:
        return "".join(filter(_is_gsm, letter))
    if not _belongs(letter, composed, script):
        return letter
    if script is Transliteration.GREEK:
        return _rewrite_greek(composed)
    return composed if _is_gsm(composed) else _romanize(composed)


def _rewrite_greek(letter: str) -> str:
    """Return a Greek letter as a capital, by the rule that the attested letters show."""
    capital = unicodedata.normalize("NFD", letter)[0].upper()
    for known in (capital, capital.lower()):
        if known in alphabets.GREEK:
            return alphabets.GREEK[known]
    return capital if _is_gsm(capital) else _romanize(capital)


def _romanize(letter: str) -> str:
    try:
        from anyascii import anyascii  # noqa: PLC0415 - optional: the extra text
    except ModuleNotFoundError:
        reason = "anyascii is not installed; run: pip install 'infobip-sms[text]'"
        raise ModuleNotFoundError(reason, name="anyascii") from None
    return anyascii(letter).replace("`", "'")  # the one printable ASCII character not in GSM-7


def _belongs(letter: str, composed: str, script: Transliteration) -> bool:
    if script in alphabets.LETTERS:
        return composed in alphabets.LETTERS[script]
    return unicodedata.name(letter[0], "").startswith(alphabets.SCRIPTS[script])


def _is_attested(letter: str, script: Transliteration) -> bool:
    composed = unicodedata.normalize("NFC", letter)
    return script is Transliteration.GREEK and composed in alphabets.GREEK


def _is_gsm(text: str) -> bool:
    return _find_septets(_Shifts()).keys() >= set(text)
