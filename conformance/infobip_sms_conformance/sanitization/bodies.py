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
XML_TOKENS = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[^>]*>?|[^<]+", re.DOTALL)
XML_NAME = re.compile(r"</?\s*(?:[\w.-]+:)?([\w.-]+)")
ATTRIBUTE = re.compile(r"""([\w.-]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)')""")
OPEN, CLOSE = "\ue000", "\ue001"
"""Marks around a place in a body, which whoever shows it puts in; nothing hides them."""
LONG_DIGITS = re.compile(r"\d{7,}")


def format_body(body: bytes, mask: Mask, *, max_length: int, error: bool = False) -> str:
    """Return at most so many characters of a body; error: its text is an explanation, no message."""
    if not body:
        return ""
    text = decode(body[: 4 * max_length])
    if is_binary(text):
        return f"({len(body)} bytes that are no text)"
    shown = clean(mask.drop_marks(hide_body(text[: 2 * max_length], mask, error=error)))
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
    """Return the characters of a body without what has to be hidden, and without idle white space."""
    start = text.lstrip(f"{OPEN} \t\r\n\ufeff")[:1]
    if start == "<":
        return "".join(hide_xml(text.strip(), mask, error=error))
    if start in {"{", "["}:
        return "".join(hide_json(text.strip(), mask, error=error))
    plain = mask.hide_within(html.unescape(unescape(text)))
    return squeeze(LONG_DIGITS.sub(OTHER_NUMBER, plain))


def squeeze(text: str) -> str:
    """Return a text in one line."""
    return re.sub(r"\s+", " ", text).strip()


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
            yield json.dumps(mask.hide_within(plain), ensure_ascii=False)
        else:
            hidden = mask.hide_value(name, plain, error=error)
            yield json.dumps(hidden, ensure_ascii=False) if hidden != plain else token


def hide_bare(name: str, token: str, mask: Mask) -> str:
    """Return what stands between two strings: signs, numbers and words."""
    tight = re.sub(r"\s*([,:{}\[\]])\s*", r"\1", squeeze(token))
    return re.sub(
        rf"[^\s,:{{}}\[\]{OPEN}{CLOSE}]+", lambda match: mask.hide_value(name, match[0]), tight
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
    """Yield the pieces of an XML text; what stands anywhere within a text is part of it."""
    path: list[str] = []
    for match in XML_TOKENS.finditer(text):
        token = match[0]
        name = path[-1] if path else ""
        if token.startswith("<![CDATA["):
            hidden = mask.hide_value(name, token[9:].removesuffix("]]>"), error=error)
            yield squeeze_lines(f"<![CDATA[{hidden}]]>")
        elif token.startswith(("<!", "<?")):
            yield squeeze(mask.hide_within(token))
        elif token.startswith("<"):
            update_path(path, token)
            yield hide_tag(token, mask, error=error)
        elif token.strip(f"{OPEN}{CLOSE} \r\n\t"):
            hidden = mask.hide_value(name, html.unescape(token), error=error)
            yield squeeze_lines(html.escape(hidden, quote=False))
        elif token.strip():
            yield token.strip()


def squeeze_lines(text: str) -> str:
    """Return a text with the ends of its lines as blanks."""
    return re.sub(r"\s*\n\s*", " ", text)


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
        return f'{match[1]}{match[2]}"{html.escape(hidden)}"'

    return squeeze(mask.hide_within(ATTRIBUTE.sub(hide, tag)))
