"""Faults at one operation alone: spellings of header fields, credentials, syntax, single values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conformance.mutation.independent_server.twists.hooks import (
    VERSION_1,
    Data,
    Twist,
    reads,
    rejects,
    takes,
)
from tests.conformance.mutation.independent_server.twists.http import (
    admits,
    bodies,
    content,
    has_scheme,
    read_basic,
    refuses,
)
from tests.conformance.mutation.independent_server.twists.requests import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.mutation.independent_server.site import Request

PREVIEW, BULKS, STATUS, LOGS = (
    "/sms/1/preview",
    "/sms/1/bulks",
    "/sms/1/bulks/status",
    "/sms/1/logs",
)


def at(path: str, method: str, fits: Callable[[Request], bool]) -> Callable[[Request], bool]:
    """Return whether a request to one operation fits."""
    return lambda r: (r.path, r.method) == (path, method) and fits(r)


def accepts(pattern: str) -> Callable[[Request], bool]:
    """Return whether a request has an Accept of a pattern."""
    return lambda r: re.search(pattern, r.headers.get("Accept", "")) is not None


def move_instants(report: Data, kind: str) -> Data:
    """Write the instants of the logs with the offset of another zone."""
    if kind != "logs":
        return report
    names = {"sentAt", "doneAt"} & report.keys()
    return {**report, **{name: f"{report[name][:-5]}-0300" for name in names}}


EVERY_OPERATION: dict[str, Twist] = {
    "type-charset-refused-preview": refuses(at(PREVIEW, "POST", content(".*;.*")), 415),
    "type-case-refused-v1": refuses(at(VERSION_1[0], "POST", content(".*[A-Z]+/.*")), 415),
    "type-quotes-refused-move": refuses(at(BULKS, "PUT", content('.*".*')), 400),
    "type-charset-refused-state": refuses(at(STATUS, "PUT", content(".*;.*")), 415),
    "accept-weights-refused-logs": refuses(at(LOGS, "GET", accepts("q=")), 406),
    "accept-any-refused-logs": refuses(at(LOGS, "GET", accepts(r"^\*/\*$")), 406),
    "accept-list-refused-state": refuses(at(STATUS, "GET", accepts(",")), 406),
    "login-app-refused-conversion": refuses(has_scheme("app", "/ct/"), 401),
    "login-app-refused-bulks": refuses(has_scheme("app", BULKS), 403),
    "login-swapped": admits(lambda w, a: read_basic(w) == (a.password, a.user)),
    "json-nan": bodies(lambda b: b.replace(b":NaN", b":0"), "json"),
    "json-control": bodies(lambda b: b.replace(b"\n", b" "), "json"),
    "xml-ampersand": bodies(lambda b: re.sub(rb"(>[^<]*)& ", rb"\1&amp; ", b), "xml"),
    "xml-leading-space-lost": reads("messages[].text", str.lstrip, wire="xml"),
    "xml-trailing-space-lost": reads("messages[].text", str.rstrip, wire="xml"),
    "xml-tab-lost": reads("messages[].text", lambda v: v.replace("\t", " "), wire="xml"),
    "json-space-lost": reads(
        "messages[].text", lambda v: v.strip() if isinstance(v, str) else v, wire="json"
    ),
    "v1-script-longer": takes(
        "messages[].transliteration", matches("TURKISH.+"), "TURKISH", urls=VERSION_1
    ),
    "v1-notify-type-any": takes(
        "messages[].notifyContentType", lambda _v: True, "application/json", urls=VERSION_1
    ),
    "v1-language-case": takes(
        "messages[].language.languageCode", matches("[a-z]{2}"), "TR", urls=VERSION_1
    ),
    "preview-text-null": reads("text", lambda v: "x" if v is None else v, urls=(PREVIEW,)),
    "preview-turkish-script-refused": rejects(
        "transliteration", lambda v: v == "TURKISH", urls=(PREVIEW,)
    ),
    "preview-non-unicode-refused": rejects(
        "transliteration", lambda v: v == "NON_UNICODE", urls=(PREVIEW,)
    ),
    "logs-other-offset": Twist(report=move_instants),
}
