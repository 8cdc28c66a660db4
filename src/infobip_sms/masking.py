"""What a server says, without what we sent: no text, number, id or key appears in an error.

Removed are every value of the request that has four or more characters wherever it appears, shorter
ones where they are a whole word, and every piece of eight characters of a longer one, because servers
cut what they quote; of what is left, digits that could be a phone number. Upper and lower case, HTML
entities and percent encoding make no difference.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from infobip_sms.text.escapes import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infobip_sms.transport.messages import Request

MAX_LENGTH = 300
"""Characters of a server's message that are shown."""
_PIECE = 8
_ANYWHERE = 4
_MASK = "***"
_DIGITS = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){6,}")
_MAX_BODY = 8192  # bytes of a body in which words are looked for
_TITLE = re.compile(r"<title>([^<]*)</title>", re.IGNORECASE)
_WORDS = ("message", "detail", "error_description", "title", "error", "description")
"""JSON fields in which gateways say what is wrong, the most telling first."""
_TAG = re.compile(r"<[^<>]*>")


def mask_sent(text: str, sent: Iterable[str]) -> str:
    """Return a server's words as one bounded line, without what was sent and without long numbers.

    sent: the values of the request, as ``list_sent`` finds them.
    """
    if not text:
        return ""
    shown = _normalize(text[: 2 * MAX_LENGTH])
    folded = _fold(shown)
    values = {_fold(_normalize(value).strip()) for value in sent} - {""}
    short = {value for value in values if len(value) < _PIECE}
    whole = "\0".join(values)
    hidden = bytearray(len(shown))
    for start in range(len(folded)):
        for length in range(1, _PIECE):
            if folded[start : start + length] in short and (
                length >= _ANYWHERE or _is_word(folded, start, start + length)
            ):
                hidden[start : start + length] = b"\1" * len(folded[start : start + length])
        piece = folded[start : start + _PIECE]
        if len(piece) == _PIECE and piece in whole:
            hidden[start : start + _PIECE] = b"\1" * _PIECE
    for digits in _DIGITS.finditer(shown):
        hidden[digits.start() : digits.end()] = b"\1" * len(digits[0])
    return _cut(escape(_hide(shown, hidden)))


def find_words(body: bytes) -> str:
    """Return what an error says that is not of this API: a page's title, a usual JSON field, a short text."""
    text = body[:_MAX_BODY].decode(errors="replace").strip()
    if text.startswith("<"):
        title = _TITLE.search(text)
        return title[1].strip() if title else ""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return text if len(text) <= MAX_LENGTH and text.isprintable() else ""
    fields = plain if isinstance(plain, dict) else {}
    return next((found for n in _WORDS if isinstance(found := fields.get(n), str) and found), "")


def list_sent(request: Request) -> list[str]:
    """Return the values of a request: of its body, its path and query, and its credentials."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    in_path = map(unquote_plus, re.split("[/?&=]", request.path))
    found = [credentials, *in_path, *_list_body(request.body)]
    if scheme == "Basic":
        found += _list_basic(credentials)
    public = {part for part in request.route.split("/") if "{" not in part}
    return [value for value in found if value not in public]


def _list_basic(credentials: str) -> list[str]:
    try:
        user, _, password = base64.b64decode(credentials).decode().partition(":")
    except (binascii.Error, UnicodeError):
        return []
    return [user, password]


def _list_body(body: bytes) -> Iterator[str]:
    text = body.decode(errors="replace")
    try:
        yield from _list_values(json.loads(text or "null"))
    except ValueError:  # XML
        yield from map(html.unescape, _TAG.split(text))
        return


def _list_values(plain: Any) -> Iterator[str]:
    if isinstance(plain, dict | list):
        for value in plain.values() if isinstance(plain, dict) else plain:
            yield from _list_values(value)
    elif plain is not None and not isinstance(plain, bool):
        yield str(plain)


def _normalize(text: str) -> str:
    if text.isascii() and "&" not in text and "%" not in text:
        return text
    return unicodedata.normalize("NFC", unquote(html.unescape(text)))


def _fold(text: str) -> str:
    """Return a text in lower case, character by character, so that places stay what they are."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)


def _is_word(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _hide(text: str, hidden: bytearray) -> str:
    runs = groupby(zip(text, hidden, strict=True), lambda pair: pair[1])
    return "".join(_MASK if hide else "".join(sign for sign, _ in run) for hide, run in runs)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
