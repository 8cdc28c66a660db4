"""Transliteration: the letters of a text rewritten as the platform does before it counts and sends.

transliterate("Καλημέρα", "GREEK").text
"""

from __future__ import annotations

import re
import unicodedata

import attrs
from infobip_sms_schema import Transliteration

from .segments import is_gsm7, require_choice, require_text

# What the preview of GREEK in the vendor's specification of 2026 shows, letter by letter: capitals of
# the default alphabet are Greek, the others are the Latin letters that look like them.
GREEK = dict(
    zip(
        "αάΑβγδεΕηήθιίκλμΜνοόπρσςτυύφΧψωΩ",
        "AAABΓΔEEHHΘIIKΛMMNOOΠPΣΣTYYΦXΨΩΩ",
        strict=True,
    )
)


SCRIPTS = {Transliteration.GREEK: "GREEK ", Transliteration.CYRILLIC: "CYRILLIC "}
"""How the Unicode names of a script's characters begin."""


LETTERS = {
    Transliteration.TURKISH: frozenset("ÂâÇçĞğÎîİıÖöŞşÛûÜü"),
    # Windows calls code page 1250 Central European; it lacks the comma that Romanian writes today.
    Transliteration.CENTRAL_EUROPEAN: frozenset(
        letter
        for letter in bytes(range(0x80, 0x100)).decode("cp1250", "ignore") + "ȘșȚț"
        if unicodedata.name(letter).startswith("LATIN ")
    ),
}
"""Letters of the languages that a value is named after, Latin ones."""


_LETTER = re.compile(".[\u0300-\u036f]*", re.DOTALL)  # a character and the accents that follow it


@attrs.frozen(kw_only=True)
class Transliterated:
    """A text after transliteration."""

    text: str
    estimate: bool
    """Whether a character was rewritten in a way that no document of the vendor shows."""


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
    that needs one raises ModuleNotFoundError. Raise InvalidRequestError if the transliteration is unknown
    (SEND-012) or the text is no Unicode text (TEXT-001).
    """
    require_text(text)
    script = require_choice(transliteration, Transliteration, "transliteration", "SEND-012")
    letters: list[str] = _LETTER.findall(text)
    rewritten = [_rewrite(letter, script) for letter in letters]
    guessed = any(
        new != letter and not _is_attested(letter, script)
        for letter, new in zip(letters, rewritten, strict=True)
    )
    return Transliterated(text="".join(rewritten), estimate=guessed)


def _rewrite(letter: str, script: Transliteration) -> str:
    """Return what happens to a character with its accents."""
    composed = unicodedata.normalize("NFC", letter)
    if script is Transliteration.GREEK and composed in GREEK:
        return GREEK[composed]
    if is_gsm7(letter):
        return letter
    if script is Transliteration.NON_UNICODE:
        return "".join(filter(is_gsm7, letter))
    if not _is_in_script(letter, composed, script):
        return letter
    if script is Transliteration.GREEK:
        return _rewrite_greek(composed)
    return composed if is_gsm7(composed) else _romanize(composed)


def _rewrite_greek(letter: str) -> str:
    """Return a Greek letter as a capital, by the rule that the attested letters show."""
    capital = unicodedata.normalize("NFD", letter)[0].upper()
    for known in (capital, capital.lower()):
        if known in GREEK:
            return GREEK[known]
    return capital if is_gsm7(capital) else _romanize(capital)


def _romanize(letter: str) -> str:
    try:
        from anyascii import anyascii  # noqa: PLC0415 - optional: the extra text
    except ModuleNotFoundError:
        reason = "anyascii is not installed; run: pip install 'infobip-sms[text]'"
        raise ModuleNotFoundError(reason, name="anyascii") from None
    return anyascii(letter).replace("`", "'")  # the one printable ASCII character not in GSM-7


def _is_in_script(letter: str, composed: str, script: Transliteration) -> bool:
    if script in LETTERS:
        return composed in LETTERS[script]
    return unicodedata.name(letter[0], "").startswith(SCRIPTS[script])


def _is_attested(letter: str, script: Transliteration) -> bool:
    composed = unicodedata.normalize("NFC", letter)
    return script is Transliteration.GREEK and composed in GREEK
