"""What a server wrote, as it may be shown: JSON, XML or anything else, whole or cut, in any encoding.

A body is not read and written anew, which would make a good document of a bad one. Its strings, texts and
attributes are looked at one by one where they stand; all around them stays as it came.
"""

import codecs
import html
import json
import re
from collections.abc import Iterator

from infobip_sms_conformance.sanitization.redaction import (
    OTHER_NUMBER,
    TEXT_FIELDS,
    Mask,
    clean,
    unescape,
)

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd]")
MAX_CONTROL_SHARE = 0.1
"""Share of characters that no text has, above which a body is not shown."""
JSON_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^"]+', re.DOTALL)
ESCAPE = 6
"""Characters of half an escape at the end of a string that breaks off."""
KEY = re.compile(r"\s*:")
XML_TOKEN = re.compile(r"<[^>]*>?|[^<]+")
COMMENT, CDATA = "<!--", "<![CDATA["
XML_ENDS = {COMMENT: "-->", CDATA: "]]>"}
XML_NAME = re.compile(r"</?\s*(?:[\w.-]+:)?([\w.-]+)")
ATTRIBUTE = re.compile(r"""(?<![\w.-])([\w.-]++)(\s*+=\s*+)(?:"([^"]*)"|'([^']*)')""")
OPEN, CLOSE = "\ue000", "\ue001"
"""Marks around a place in a body, which whoever shows it puts in; nothing hides them."""
BLANK = f"{OPEN}{CLOSE} \t\r\n"
LONG_DIGITS = re.compile(r"\d{7,}")


def format_body(body: bytes, mask: Mask, *, max_length: int, error: bool = False) -> str:
    """Return at most so many characters of a body; error: its text is an explanation, no message."""
    if not body:
        return ""
    text = decode(body[: 4 * max_length])
    if is_binary(text):
        return f"({len(body)} bytes that are no text)"
    shown = clean(hide_body(text[: 2 * max_length], mask, error=error))
    more = len(body) > 4 * max_length or len(text) > 2 * max_length or len(shown) > max_length
    return f"{shown[:max_length]} … ({len(body)} bytes)" if more else shown


def decode(body: bytes) -> str:
    """Return the characters of a body, by its byte order mark, as UTF-8, or as UTF-16 without a mark."""
    for mark, encoding in BOMS.items():
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    for index, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(body) > 1 and not any(body[index:64:2]):
            return body.decode(encoding, "replace")
    return body.decode("utf-8", "replace")


def is_binary(text: str) -> bool:
    """Tell whether so many characters are none of a text that it cannot be one."""
    return len(CONTROL_CHARACTERS.findall(text)) > MAX_CONTROL_SHARE * len(text)


def hide_body(text: str, mask: Mask, *, error: bool = False) -> str:
    """Return the characters of a body without what has to be hidden; all else stays as it is."""
    start = text.lstrip(f"{OPEN} \t\r\n\ufeff")[:1]
    if start == "<":
        return "".join(hide_xml(text, mask, error=error))
    if start in {"{", "["}:
        return "".join(hide_json(text, mask, error=error))
    plain = mask.hide_within(html.unescape(unescape(text)))
    return LONG_DIGITS.sub(OTHER_NUMBER, plain)


def hide_json(text: str, mask: Mask, *, error: bool) -> Iterator[str]:
    """Yield the pieces of a JSON text; a string that a colon follows names what comes after it."""
    name = ""
    for match in JSON_TOKENS.finditer(text):
        token = match[0]
        if not token.startswith('"'):
            yield hide_bare(name, token, mask)
            continue
        plain = read_string(token)
        if KEY.match(text, match.end()):
            name = plain
            hidden = mask.hide_within(plain)
        else:
            hidden = mask.hide_value(name, plain, error=error)
        yield json.dumps(hidden, ensure_ascii=False) if hidden != plain else token


def hide_bare(name: str, token: str, mask: Mask) -> str:
    """Return what stands between two strings: signs, numbers and words."""
    return re.sub(
        rf"[^\s,:{{}}\[\]{OPEN}{CLOSE}]+", lambda match: mask.hide_value(name, match[0]), token
    )


def read_string(token: str) -> str:
    """Return the value of a string of JSON, also of one that breaks off, perhaps within an escape."""
    for whole in (token, *(f'{token[: len(token) - lost]}"' for lost in range(ESCAPE))):
        try:
            return str(json.loads(whole, strict=False))
        except ValueError:
            continue
    return unescape(token)


def hide_xml(text: str, mask: Mask, *, error: bool) -> Iterator[str]:
    """Yield the pieces of an XML text; what is anywhere within a text is part of it."""
    path: list[str] = []
    pieces: list[str] = []
    for token in split_xml(text):
        if is_content(token):
            pieces.append(token)
            continue
        yield from hide_content(path[-1] if path else "", pieces, mask, error=error)
        pieces = []
        if token.startswith(("<!", "<?")):
            yield mask.hide_within(token)
        else:
            update_path(path, token)
            yield hide_tag(token, mask, error=error)
    yield from hide_content(path[-1] if path else "", pieces, mask, error=error)


def split_xml(text: str) -> Iterator[str]:
    """Yield tags, comments, CDATA sections and texts; what has no end is searched for its end once."""
    ends = dict(XML_ENDS)
    place = 0
    while place < len(text):
        start = next((start for start in ends if text.startswith(start, place)), "")
        last = text.find(ends[start], place + len(start)) if start else -1
        if last >= 0:
            token = text[place : last + len(ends[start])]
        else:
            ends.pop(start, None)
            token = XML_TOKEN.match(text, place)[0]  # type: ignore[index] # it matches anything
        yield token
        place += len(token)


def is_content(token: str) -> bool:
    """Tell whether a token is text, CDATA, or a comment within them."""
    return not token.startswith("<") or token.startswith((CDATA, COMMENT))


def hide_content(name: str, pieces: list[str], mask: Mask, *, error: bool) -> Iterator[str]:
    """Yield the content of an element; what is hidden of a value in several pieces is in the first."""
    values = [read_piece(piece) for piece in pieces]
    shown = [
        mask.hide_value(name, value, error=error) if value.strip(BLANK) else value
        for value in values
    ]
    whole = mask.hide_value(name, "".join(values), error=error)
    if sum(map(bool, values)) > 1 and whole not in {"".join(values), "".join(shown)}:
        first = next(index for index, value in enumerate(values) if value)
        shown = [whole if index == first else "" for index in range(len(pieces))]
    for piece, value, hidden in zip(pieces, values, shown, strict=True):
        if piece.startswith(COMMENT):
            yield mask.hide_within(piece)
        elif hidden == value:
            yield piece
        elif piece.startswith(CDATA):
            yield f"{CDATA}{hidden}]]>"
        else:
            yield html.escape(hidden, quote=False)


def read_piece(piece: str) -> str:
    """Return the characters that a piece of content stands for; a comment stands for none."""
    if piece.startswith(COMMENT):
        return ""
    return (
        piece.removeprefix(CDATA).removesuffix("]]>")
        if piece.startswith(CDATA)
        else html.unescape(piece)
    )


def update_path(path: list[str], tag: str) -> None:
    """Go into an element or out of one; what stands within a text is part of it."""
    if tag.startswith("</"):
        del path[-1:]
    elif not tag.endswith("/>") and (found := XML_NAME.match(tag)):
        path.append(path[-1] if path and path[-1] in TEXT_FIELDS else found[1])


def hide_tag(tag: str, mask: Mask, *, error: bool) -> str:
    """Return a tag with its attributes looked at as if they were elements."""

    def hide(match: re.Match[str]) -> str:
        value = html.unescape(match[3] if match[3] is not None else match[4])
        hidden = mask.hide_value(match[1], value, error=error)
        return match[0] if hidden == value else f'{match[1]}{match[2]}"{html.escape(hidden)}"'

    return mask.hide_within(ATTRIBUTE.sub(hide, tag))
