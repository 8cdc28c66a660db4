"""What was received, as it may be shown: masked, with the offending place between marks.

    POST /sms/2/text/advanced
    Authorization: App $AUTH
    Content-Type: application/json

    {"messages":[{"destinations":[{"to":"$TO"}],"text":"...", >>> "transliteration":"greek" <<< }]}

Lives here: the marks, the mask of one exchange, the header fields that are shown.
Never here: what is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from infobip_sms_conformance.client_checks import authorization
from infobip_sms_conformance.client_checks.request import Paper, find_entries
from infobip_sms_conformance.client_checks.schema_check import Problem
from infobip_sms_conformance.contract.files import read_openapi
from infobip_sms_conformance.observations.exchange import BAD_REQUEST
from infobip_sms_conformance.sanitization.bodies import (
    CLOSE,
    JSON_TOKENS,
    KEY,
    OPEN,
    hide_body,
    hide_json,
    is_binary,
    show_body,
)
from infobip_sms_conformance.sanitization.evidence import Evidence
from infobip_sms_conformance.sanitization.redaction import (
    AUTH,
    ELLIPSIS,
    PIECE,
    Mask,
    build_text_pattern,
    clean,
    find_pieces,
)
from infobip_sms_conformance.transport.http1 import Heard

BEGIN, END = " >>> ", " <<< "
AROUND, LONGEST, LARGE = 700, 1600, 20_000
MOST_NUMBERS, MOST_TEXT = 8, 200_000
SHOWN = ("host", "accept", "accept-encoding", "content-type", "content-length", "user-agent")
SCHEME = re.compile(r"[A-Za-z]{1,12}(?= )")
URLS = {"notifyUrl", "baseUrl"}


@dataclass(frozen=True)
class ClientMask(Mask):
    """Hides what a client has written; values of members that nobody knows may be anything."""

    known: frozenset[str] = field(default=frozenset(), repr=False)

    def hide_value(self, name: str, text: str, *, error: bool = False) -> str:
        """Return the value of a member without what has to be hidden in it."""
        if name in URLS:
            return self.hide(hide_url(text))
        if not name and text.lstrip().startswith("{"):  # a document within a string
            return "".join(hide_json(text, self, error=error))
        if name not in self.known and not error and is_telling(text):
            return ELLIPSIS
        return super().hide_value(name, text, error=error)


def is_telling(text: str) -> bool:
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
def find_known() -> frozenset[str]:
    """Return the names of all documented members and parameters."""
    document = read_openapi()
    names = {
        name
        for schema in document["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    for item in document["paths"].values():
        for member in item.values():
            if isinstance(member, dict):
                names |= {p["name"] for p in member.get("parameters", ())}
    return frozenset(names)


def build_mask(paper: Paper) -> ClientMask:
    """Return the mask of one exchange."""
    numbers, texts = find_said(paper)
    return ClientMask(
        numbers=numbers,
        secrets=authorization.find_hidden(paper.heard),
        texts=build_text_pattern({text for text in texts if len(text) < PIECE}),
        pieces=frozenset(find_pieces(texts)),
        known=find_known(),
    )


def find_said(paper: Paper) -> tuple[tuple[str, ...], set[str]]:
    """Return the first numbers of a request, and its texts."""
    numbers: dict[str, None] = {}
    texts: set[str] = set()
    for _, message in find_entries(paper.node, "messages"):
        found: Any = message.find("text")
        texts |= {found.value.strip()} if found is not None and found.kind == "string" else set()
        for _, destination in find_entries(message, "destinations"):
            to = destination.find("to")
            digits = re.sub(r"\D", "", to.value) if to is not None and to.kind == "string" else ""
            if len(digits) > 3 and len(numbers) < MOST_NUMBERS:  # noqa: PLR2004 - fewer are no number
                numbers[digits] = None
    return tuple(numbers), {text for text in texts if len(text) < MOST_TEXT}


def show(paper: Paper, mask: ClientMask, problem: Problem | None = None) -> Evidence:
    """Return what may be shown of an exchange, with one place marked."""
    heard = paper.heard
    place = problem.place if problem is not None and problem.where == "body" else None
    body = show_marked(paper, mask, place)
    lines = [*show_head(heard, mask, problem), *(["", body] if body else [])]
    reply = heard.reply
    error = heard.status is not None and heard.status >= BAD_REQUEST
    return Evidence(
        method=heard.method,
        path=show_target(heard, mask),
        content_type=heard.find("content-type"),
        body="\n".join(lines),
        size=len(heard.body),
        curl="",
        twin="",
        status=heard.status,
        reply_type=reply.find("content-type")[:100] if reply else "",
        reply=show_body(reply.body, mask, most=LONGEST, error=error) if reply else heard.problem,
    )


def show_head(heard: Heard, mask: ClientMask, problem: Problem | None) -> Iterator[str]:
    """Yield the first line and the header fields; of most of them nothing but the name."""
    where = problem.where if problem is not None else ""
    named = problem.path if problem is not None and where == "target" else ""
    line = clean(f"{heard.method[:20]} {show_target(heard, mask, named)}")
    yield mark(line) if where == "target" and BEGIN not in line else line
    for name, value in heard.headers:
        shown = f"{name}: {show_field(name.lower(), value, mask)}"
        yield mark(clean(shown)) if where == name.lower() else clean(shown)
    if where == "head":
        yield mark(f"(no {problem.path if problem else ''})")


def mark(text: str) -> str:
    """Return a text between marks."""
    return f"{BEGIN}{text}{END}".strip()


def show_field(name: str, value: str, mask: ClientMask) -> str:
    """Return the value of a header field as it may be shown."""
    if name == authorization.HEADER:
        scheme = SCHEME.match(value)
        return f"{scheme[0] if scheme else ''} {AUTH}".strip()
    return mask.hide(value)[:120] if name in SHOWN else ELLIPSIS


def show_target(heard: Heard, mask: ClientMask, named: str = "") -> str:
    """Return path and query, in which one parameter may be marked; values are hidden as in a body."""
    path, sign, query = heard.target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")] if sign else []
    shown = [f"{mask.hide(n)}{eq}{mask.hide_value(n, v)}" for n, eq, v in pairs]
    names = [re.sub(r"(\[|%5B).*", "", name) for name, _, _ in pairs]
    shown = [
        f"{BEGIN}{one}{END}" if name and name == named else one
        for name, one in zip(names, shown, strict=True)
    ]
    return mask.hide(path)[:200] + sign + "&".join(shown)[:600]


def show_marked(
    paper: Paper, mask: ClientMask, place: tuple[int, int] | None, most: int = LONGEST
) -> str:
    """Return the body with a place marked, or as much of it as stands around the mark."""
    text = paper.text
    if not text or is_binary(text):
        return show_body(paper.heard.body, mask, most=LONGEST)
    if place is not None:
        begin, end = widen(text, place[0], min(place[1], len(text)), paper.wire)
        low, high = find_window(text, begin, end, paper.wire)
        end = min(end, high)
        text = f"{text[low:begin]}{OPEN}{text[begin:end]}{CLOSE}{text[end:high]}"
    else:
        text = text[: 2 * most]
    shown = clean(hide_any(text, mask))
    return cut(shown, most).replace(OPEN, BEGIN).replace(CLOSE, END)


def hide_any(text: str, mask: ClientMask) -> str:
    """Return a body of any form without what has to be hidden; of one that is no document not much."""
    if text.lstrip(f"{OPEN} \t\r\n\ufeff")[:1] in set('<{["'):
        return hide_json_or_xml(text, mask)
    if re.fullmatch(r"[^\s=&]+=[^\s]*", text):
        return re.sub(r"=[^&]*", f"={ELLIPSIS}", text)
    return f"({len(text)} characters that are neither JSON nor XML)"


def hide_json_or_xml(text: str, mask: ClientMask) -> str:
    """Return a document without what has to be hidden; a bare string is looked into."""
    if text.lstrip(f"{OPEN} \t\r\n\ufeff").startswith('"'):
        return "".join(hide_json(text.strip(), mask, error=False))
    return hide_body(text, mask)


def widen(text: str, begin: int, end: int, wire: str) -> tuple[int, int]:
    """Return the place of whole strings and tags: what is within one may have to be hidden."""
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


def find_window(text: str, begin: int, end: int, wire: str) -> tuple[int, int]:
    """Return how much of a large body has to be masked, from where a member begins."""
    if len(text) <= LARGE:
        return 0, len(text)
    low = max(0, begin - 2 * AROUND)
    if wire == "xml":
        while low and not re.match(r"<\w", text[low : low + 2]):
            low -= 1
    else:
        low = find_key(text, low)
    return low, min(end, begin + LARGE) + 2 * AROUND


def find_key(text: str, before: int) -> int:
    """Return where the last name of a member before a character begins."""
    found = 0
    for match in JSON_TOKENS.finditer(text):
        if match.start() > before:
            break
        if match[0].startswith('"') and KEY.match(text, match.end()):
            found = match.start()
    return found


def cut(text: str, most: int) -> str:
    """Return what stands around the mark, or the beginning."""
    if len(text) <= most:
        return text
    begin, end = text.find(OPEN), text.find(CLOSE)
    if begin < 0:
        return f"{text[:most]} …"
    if end - begin > AROUND or end < 0:  # the mark itself is long
        text = f"{text[: begin + AROUND]} …{CLOSE}"
        end = len(text) - 1
    low, high = max(0, begin - AROUND), end + AROUND
    return f"{'… ' if low else ''}{text[low:high]}{' …' if high < len(text) else ''}"
