"""A received request as it may be shown: masked, with the violation between marks.

POST /sms/2/text/advanced
Authorization: App $AUTH
Content-Type: application/json

{"messages":[{"destinations":[{"to":"$TO"}],"text":"...", >>> "transliteration":"greek" <<< }]}
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from infobip_sms_conformance.client_checks import authorization
from infobip_sms_conformance.client_checks.request import ParsedRequest, iter_entries
from infobip_sms_conformance.client_checks.schema_check import RequestViolation
from infobip_sms_conformance.contract.files import read_openapi
from infobip_sms_conformance.observations.exchange import BAD_REQUEST
from infobip_sms_conformance.sanitization.bodies import (
    CLOSE,
    JSON_TOKENS,
    KEY,
    OPEN,
    format_body,
    hide_body,
    hide_json,
    is_binary,
)
from infobip_sms_conformance.sanitization.evidence import Evidence
from infobip_sms_conformance.sanitization.redaction import (
    AUTH,
    ELLIPSIS,
    PIECE_LENGTH,
    Mask,
    build_text_pattern,
    clean,
    iter_pieces,
)
from infobip_sms_conformance.transport.http1 import CapturedExchange

BEGIN, END = " >>> ", " <<< "
CONTEXT_LENGTH, MAX_LENGTH, WINDOW_THRESHOLD = 700, 1600, 20_000
MAX_NUMBERS, MAX_TEXT_LENGTH = 8, 200_000
MIN_DIGITS = 4  # fewer are not a phone number
VISIBLE_HEADERS = (
    "host",
    "accept",
    "accept-encoding",
    "content-type",
    "content-length",
    "user-agent",
)
SCHEME = re.compile(r"[A-Za-z]{1,12}(?= )")
URL_FIELDS = {"notifyUrl", "baseUrl"}


@dataclass(frozen=True)
class ClientMask(Mask):
    """Hides what a client sent, including every value of an undocumented field."""

    documented_names: frozenset[str] = field(default=frozenset(), repr=False)

    def hide_value(self, name: str, text: str, *, error: bool = False) -> str:
        """Return the masked value of a field."""
        if name in URL_FIELDS:
            return self.hide(hide_url(text))
        if not name and text.lstrip().startswith("{"):  # a document within a string
            return "".join(hide_json(text, self, error=error))
        if name not in self.documented_names and not error and is_sensitive(text):
            return ELLIPSIS
        return super().hide_value(name, text, error=error)


def is_sensitive(text: str) -> bool:
    """Tell whether a value is more than a word of JSON or a small number."""
    return bool(text.strip()) and not re.fullmatch(r"true|false|null|-?\d{1,5}", text.strip())


def hide_url(url: str) -> str:
    """Return a URL without user, password and the values of its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ELLIPSIS
    host = parts.netloc.rpartition("@")[2]
    query = re.sub(r"=[^&]*", f"={ELLIPSIS}", parts.query)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


@cache
def get_documented_names() -> frozenset[str]:
    """Return the names of all documented fields and parameters."""
    document = read_openapi()
    names = {
        name
        for schema in document["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                names |= {p["name"] for p in operation.get("parameters", ())}
    return frozenset(names)


def build_mask(request: ParsedRequest) -> ClientMask:
    """Return the mask of one exchange."""
    numbers, texts = get_numbers_and_texts(request)
    return ClientMask(
        numbers=numbers,
        secrets=authorization.get_secrets(request.captured),
        texts=build_text_pattern({text for text in texts if len(text) < PIECE_LENGTH}),
        pieces=frozenset(iter_pieces(texts)),
        documented_names=get_documented_names(),
    )


def get_numbers_and_texts(request: ParsedRequest) -> tuple[tuple[str, ...], set[str]]:
    """Return the first phone numbers of a request, and its texts."""
    numbers: dict[str, None] = {}
    texts: set[str] = set()
    for _, message in iter_entries(request.node, "messages"):
        found: Any = message.find("text")
        texts |= {found.value.strip()} if found is not None and found.kind == "string" else set()
        for _, destination in iter_entries(message, "destinations"):
            to = destination.find("to")
            digits = re.sub(r"\D", "", to.value) if to is not None and to.kind == "string" else ""
            if len(digits) >= MIN_DIGITS and len(numbers) < MAX_NUMBERS:
                numbers[digits] = None
    return tuple(numbers), {text for text in texts if len(text) < MAX_TEXT_LENGTH}


def build_evidence(
    request: ParsedRequest, mask: ClientMask, violation: RequestViolation | None = None
) -> Evidence:
    """Return the evidence of an exchange, with one span marked."""
    captured = request.captured
    place = violation.span if violation is not None and violation.part == "body" else None
    body = format_marked_body(request, mask, place)
    lines = [*format_head(captured, mask, violation), *(["", body] if body else [])]
    response = captured.response
    error = captured.status is not None and captured.status >= BAD_REQUEST
    return Evidence(
        method=captured.method,
        path=format_target(captured, mask),
        content_type=captured.get_header("content-type"),
        body="\n".join(lines),
        size=len(captured.body),
        curl="",
        other_format="",
        status=captured.status,
        response_type=response.get_header("content-type")[:100] if response else "",
        response=format_body(response.body, mask, max_length=MAX_LENGTH, error=error)
        if response
        else captured.error,
    )


def format_head(
    captured: CapturedExchange, mask: ClientMask, violation: RequestViolation | None
) -> Iterator[str]:
    """Yield the first line and the header fields; of most of them nothing but the name."""
    where = violation.part if violation is not None else ""
    named = violation.path if violation is not None and where == "target" else ""
    line = clean(f"{captured.method[:20]} {format_target(captured, mask, named)}")
    yield mark(line) if where == "target" and BEGIN not in line else line
    for name, value in captured.headers:
        shown = f"{name}: {format_header(name.lower(), value, mask)}"
        yield mark(clean(shown)) if where == name.lower() else clean(shown)
    if where == "head":
        yield mark(f"(no {violation.path if violation else ''})")


def mark(text: str) -> str:
    """Return a text between marks."""
    return f"{BEGIN}{text}{END}".strip()


def format_header(name: str, value: str, mask: ClientMask) -> str:
    """Return the value of a header field as it may be shown."""
    if name == authorization.HEADER:
        scheme = SCHEME.match(value)
        return f"{scheme[0] if scheme else ''} {AUTH}".strip()
    return mask.hide(value)[:120] if name in VISIBLE_HEADERS else ELLIPSIS


def format_target(captured: CapturedExchange, mask: ClientMask, marked_parameter: str = "") -> str:
    """Return path and query, in which one parameter may be marked; values are hidden as in a body."""
    path, sign, query = captured.target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if sign else []
    shown = [f"{mask.hide(n)}{eq}{mask.hide_value(n, v)}" for n, eq, v in pairs]
    names = [re.sub(r"(\[|%5B).*", "", name) for name, _, _ in pairs]
    shown = [
        f"{BEGIN}{pair}{END}" if name and name == marked_parameter else pair
        for name, pair in zip(names, shown, strict=True)
    ]
    return mask.hide(path)[:200] + sign + "&".join(shown)[:600]


def format_marked_body(
    request: ParsedRequest,
    mask: ClientMask,
    span: tuple[int, int] | None,
    max_length: int = MAX_LENGTH,
) -> str:
    """Return the body with a span marked, or the part of it around the mark."""
    text = request.text
    if not text or is_binary(text):
        return format_body(request.captured.body, mask, max_length=MAX_LENGTH)
    if span is not None:
        begin, end = expand_span(text, span[0], min(span[1], len(text)), request.wire)
        low, high = get_window(text, begin, end, request.wire)
        end = min(end, high)
        text = f"{text[low:begin]}{OPEN}{text[begin:end]}{CLOSE}{text[end:high]}"
    else:
        text = text[: 2 * max_length]
    shown = clean(hide_any(text, mask))
    return truncate(shown, max_length).replace(OPEN, BEGIN).replace(CLOSE, END)


def hide_any(text: str, mask: ClientMask) -> str:
    """Return a body of any form, masked; little of one that is neither JSON nor XML."""
    if text.lstrip(f"{OPEN} \t\r\n\ufeff")[:1] in set('<{["'):
        return hide_json_or_xml(text, mask)
    if re.fullmatch(r"[^\s=&]+=[^\s]*", text):
        return re.sub(r"=[^&]*", f"={ELLIPSIS}", text)
    return f"({len(text)} characters that are neither JSON nor XML)"


def hide_json_or_xml(text: str, mask: ClientMask) -> str:
    """Return a masked document; a string may contain one."""
    if text.lstrip(f"{OPEN} \t\r\n\ufeff").startswith('"'):
        return "".join(hide_json(text.strip(), mask, error=False))
    return hide_body(text, mask)


def expand_span(text: str, begin: int, end: int, wire: str) -> tuple[int, int]:
    """Return a span of whole strings and tags, since part of one cannot be masked."""
    end = max(begin, end)
    if wire == "xml":
        if "<" not in text[begin : begin + 1]:
            begin = max(0, text.rfind("<", 0, begin))
        close = text.find(">", max(begin, end - 1))
        return begin, close + 1 if close >= 0 else len(text)
    for match in JSON_TOKENS.finditer(text):
        if match[0].startswith('"') and match.start() < begin < match.end():
            return match.start(), max(end, match.end())
        if match.start() > begin:
            break
    return begin, end


def get_window(text: str, begin: int, end: int, wire: str) -> tuple[int, int]:
    """Return the part of a large body that is masked, from the start of a field."""
    if len(text) <= WINDOW_THRESHOLD:
        return 0, len(text)
    low = max(0, begin - 2 * CONTEXT_LENGTH)
    if wire == "xml":
        while low and not re.match(r"<\w", text[low : low + 2]):
            low -= 1
    else:
        low = get_key_start(text, low)
    return low, min(end, begin + WINDOW_THRESHOLD) + 2 * CONTEXT_LENGTH


def get_key_start(text: str, before: int) -> int:
    """Return where the last name of a field before a character begins."""
    found = 0
    for match in JSON_TOKENS.finditer(text):
        if match.start() > before:
            break
        if match[0].startswith('"') and KEY.match(text, match.end()):
            found = match.start()
    return found


def truncate(text: str, max_length: int) -> str:
    """Return the text around the mark, or the beginning."""
    if len(text) <= max_length:
        return text
    begin, end = text.find(OPEN), text.find(CLOSE)
    if begin < 0:
        return f"{text[:max_length]} …"
    if end - begin > CONTEXT_LENGTH or end < 0:  # the mark itself is long
        text = f"{text[: begin + CONTEXT_LENGTH]} …{CLOSE}"
        end = len(text) - 1
    low, high = max(0, begin - CONTEXT_LENGTH), end + CONTEXT_LENGTH
    return f"{'… ' if low else ''}{text[low:high]}{' …' if high < len(text) else ''}"
