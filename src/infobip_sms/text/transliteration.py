"""Transliteration: the letters of a text replaced as the platform does before it counts and sends.

transliterate("Καλημέρα", "GREEK").text
"""

from __future__ import annotations

import re
import unicodedata

import attrs
from infobip_sms_schema import Transliteration

from .segments import is_gsm7, require_choice, require_text

# From the preview of GREEK in Infobip's specification of 2026: Greek capitals that the default alphabet
# has, otherwise the Latin letters that look like them.
GREEK = dict(
    zip(
        "αάΑβγδεΕηήθιίκλμΜνοόπρσςτυύφΧψωΩ",
        "AAABΓΔEEHHΘIIKΛMMNOOΠPΣΣTYYΦXΨΩΩ",
        strict=True,
    )
)


SCRIPTS = {Transliteration.GREEK: "GREEK ", Transliteration.CYRILLIC: "CYRILLIC "}
"""Prefix of the Unicode names of a script's characters."""


LETTERS = {
    Transliteration.TURKISH: frozenset("ÂâÇçĞğÎîİıÖöŞşÛûÜü"),
    # Windows calls code page 1250 Central European; it lacks the comma that Romanian writes today.
    Transliteration.CENTRAL_EUROPEAN: frozenset(
        letter
        for letter in bytes(range(0x80, 0x100)).decode("cp1250", "ignore") + "ȘșȚț"
        if unicodedata.name(letter).startswith("LATIN ")
    ),
}
"""Latin letters of the languages that a value is named after."""


_LETTER = re.compile(".[\u0300-\u036f]*", re.DOTALL)  # a character and the accents that follow it


@attrs.frozen(kw_only=True)
class Transliterated:
    """A text after transliteration.

    text: The text, with its letters replaced.
    estimate: Whether a character was replaced in a way that Infobip does not document.
    """

    text: str
    estimate: bool


def transliterate(text: str, transliteration: Transliteration | str) -> Transliterated:
    """Transliterate a text as the platform may do before it counts and sends the text.

    Characters that GSM-7 has are kept. Of the others these are replaced:

    * GREEK: Greek letters, by capitals: Greek ones if GSM-7 has them, otherwise the Latin ones that look
      like them, without accents. One preview in Infobip's specification shows this; letters that do not
      occur in it follow the same rule, as an estimate.
    * CYRILLIC: Cyrillic letters. An estimate: Infobip shows no table.
    * TURKISH: letters of Turkish, with and without circumflex. An estimate.
    * CENTRAL_EUROPEAN: letters of the Latin code page of that name and of Romanian. An estimate.
    * NON_UNICODE: all of them are removed, as Infobip's description says. An estimate: it does not show
      whether some are replaced.

    Estimates use the library anyascii, installed by the extra ``text``; without it, a text that needs
    one raises ModuleNotFoundError. Raises InvalidRequestError if the transliteration is unknown
    (SEND-012) or the text contains a lone surrogate (TEXT-001).
    """
    require_text(text)
    script = require_choice(transliteration, Transliteration, "transliteration", "SEND-012")
    letters: list[str] = _LETTER.findall(text)
    rewritten = [_rewrite(letter, script) for letter in letters]
    estimate = any(
        new != letter and not _is_documented(letter, script)
        for letter, new in zip(letters, rewritten, strict=True)
    )
    return Transliterated(text="".join(rewritten), estimate=estimate)


def _rewrite(letter: str, script: Transliteration) -> str:
    """Return the replacement of a letter with its accents."""
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
    """Return a Greek letter as a capital, by the rule that the documented letters follow."""
    capital = unicodedata.normalize("NFD", letter)[0].upper()
    for known in (capital, capital.lower()):
        if known in GREEK:
            return GREEK[known]
    return capital if is_gsm7(capital) else _romanize(capital)


def _romanize(letter: str) -> str:
    try:
        from anyascii import anyascii  # noqa: PLC0415 - optional: the extra text
    except ModuleNotFoundError:
        message = "anyascii is not installed; run: pip install 'infobip-sms[text]'"
        raise ModuleNotFoundError(message, name="anyascii") from None
    return anyascii(letter).replace("`", "'")  # the one printable ASCII character not in GSM-7


def _is_in_script(letter: str, composed: str, script: Transliteration) -> bool:
    if script in LETTERS:
        return composed in LETTERS[script]
    return unicodedata.name(letter[0], "").startswith(SCRIPTS[script])


def _is_documented(letter: str, script: Transliteration) -> bool:
    composed = unicodedata.normalize("NFC", letter)
    return script is Transliteration.GREEK and composed in GREEK
