"""What each spoiled sandbox does other than the sandbox: one fault, or one allowed habit of another server."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs

from infobip_sms.sandbox.api.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms.sandbox.api.http import OperationContext

REPORTS, LOGS = "fetch_delivery_reports", "get_logs"
LOOK, MOVE = "get_scheduled", "reschedule"
STATE, CHANGE = "get_scheduled_status", "set_scheduled_status"
CONVERT = "record_conversion"
BULKS = {LOOK, MOVE, STATE, CHANGE}
BAD = HttpError(400, "BAD_REQUEST", "Bad request")
WRONG = HttpError(500, "GENERAL_ERROR", "Something went wrong")
MISSING = HttpError(404, "NOT_FOUND", "Not found")


def asking(**changes: Callable[[Any], Any]) -> Callable[[OperationContext], OperationContext]:
    """Change parameters before they are looked at."""

    def change(question: OperationContext) -> OperationContext:
        found = {n: alter(getattr(question.parameters, n)) for n, alter in changes.items()}
        return attrs.evolve(question, parameters=attrs.evolve(question.parameters, **found))

    return change


def refusing(
    refusal: HttpError, when: Callable[[OperationContext], Any]
) -> Callable[[OperationContext], OperationContext]:
    """Reject some questions."""

    def look(question: OperationContext) -> OperationContext:
        if when(question):
            raise refusal
        return question

    return look


def always(_question: OperationContext) -> bool:
    """Every time."""
    return True


def nothing(_value: Any) -> None:
    """Leave a parameter out."""


def each(**changes: Callable[[Any], Any]) -> Callable[[Any, OperationContext], Any]:
    """Change fields of every entry of a list of results."""

    def change(response: Any, _question: OperationContext) -> Any:
        results = [
            attrs.evolve(r, **{name: alter(getattr(r, name)) for name, alter in changes.items()})
            for r in response.results
        ]
        return attrs.evolve(response, results=results)

    return change


def only(keep: Callable[[Any], Any]) -> Callable[[Any, OperationContext], Any]:
    """Leave entries out of a list of results."""
    return lambda response, _q: attrs.evolve(
        response, results=[r for r in response.results if keep(r)]
    )


def member(**values: Any) -> Callable[[Any, OperationContext], Any]:
    """Replace fields of an answer."""
    return lambda response, _q: attrs.evolve(response, **values)


def previews(alter: Callable[[list[Any]], list[Any]]) -> Callable[[Any, OperationContext], Any]:
    """Change the previews of an answer."""
    return lambda response, _q: attrs.evolve(response, previews=alter(response.previews))


def left(more: Callable[[Any], int]) -> Callable[[Any, OperationContext], Any]:
    """Count the characters that are left in another way."""
    return previews(
        lambda found: [
            attrs.evolve(p, characters_remaining=p.characters_remaining + more(p)) for p in found
        ]
    )


def is_unicode(preview: Any) -> bool:
    """Tell whether a preview is one of the text as it is, outside of GSM-7."""
    return not preview.text_preview.isascii() and preview.configuration.language is None


def is_plain(preview: Any) -> bool:
    """Tell whether a preview is one of letters of GSM-7."""
    return preview.configuration.language is None and not is_unicode(preview)


def has_language(preview: Any) -> bool:
    """Tell whether a preview is made with a language."""
    return preview.configuration.language is not None


DAY = dt.timedelta(days=1)

# name: (requirement, operations, what is altered in the question)
QUESTIONS: dict[str, tuple[str, set[str], Callable[[OperationContext], OperationContext]]] = {
    "reports-of-all": ("DLR-007", {REPORTS}, asking(bulk_id=nothing)),
    "reports-by-no-name": ("DLR-007", {REPORTS}, asking(message_id=nothing)),
    "reports-fail": ("DLR-007", {REPORTS}, refusing(WRONG, always)),
    "reports-without-limit": ("DLR-008", {REPORTS}, asking(limit=nothing)),
    "reports-20": ("DLR-008", {REPORTS}, asking(limit=lambda n: n or 20)),
    "reports-all": ("DLR-008", {REPORTS}, asking(limit=lambda n: n or 1000)),
    "reports-500": (
        "DLR-008",
        {REPORTS},
        refusing(BAD, lambda q: (q.parameters.limit or 0) > 500),
    ),
    "reports-not-one": ("DLR-008", {REPORTS}, refusing(BAD, lambda q: q.parameters.limit == 1)),
    "logs-of-all": ("LOG-001", {LOGS}, asking(bulk_id=nothing)),
    "logs-of-any-sender": ("LOG-001", {LOGS}, asking(from_=nothing)),
    "logs-to-anybody": ("LOG-001", {LOGS}, asking(to=nothing)),
    "logs-by-no-name": ("LOG-001", {LOGS}, asking(message_id=nothing)),
    "logs-of-any-status": ("LOG-001", {LOGS}, asking(general_status=nothing)),
    "logs-fail": ("LOG-001", {LOGS}, refusing(WRONG, always)),
    "logs-fail-by-sender": ("LOG-001", {LOGS}, refusing(WRONG, lambda q: q.parameters.from_)),
    "logs-first-names": (
        "LOG-002",
        {LOGS},
        asking(bulk_id=lambda n: n and n[:1], message_id=lambda n: n and n[:1]),
    ),
    "logs-last-names": (
        "LOG-002",
        {LOGS},
        asking(bulk_id=lambda n: n and n[-1:], message_id=lambda n: n and n[-1:]),
    ),
    "logs-first-bulk": ("LOG-002", {LOGS}, asking(bulk_id=lambda n: n and n[:1])),
    "logs-last-message": ("LOG-002", {LOGS}, asking(message_id=lambda n: n and n[-1:])),
    "logs-one-name-only": (
        "LOG-002",
        {LOGS},
        refusing(BAD, lambda q: len(q.parameters.message_id or ()) > 1),
    ),
    "logs-without-limit": ("LOG-003", {LOGS}, asking(limit=nothing)),
    "logs-20": ("LOG-003", {LOGS}, asking(limit=lambda n: n or 20)),
    "logs-20-always": ("LOG-003", {LOGS}, asking(limit=lambda n: 20)),  # noqa: ARG005 - whatever was asked
    "logs-all": ("LOG-003", {LOGS}, asking(limit=lambda n: n or 1000)),
    "logs-500": ("LOG-003", {LOGS}, refusing(BAD, lambda q: (q.parameters.limit or 0) > 500)),
    "preview-fails": ("PREV-001", {"preview"}, refusing(WRONG, always)),
    "preview-wants-a-wish": (
        "PREV-001",
        {"preview"},
        refusing(BAD, lambda q: q.body.language_code is None and q.body.transliteration is None),
    ),
    "preview-without-script": (
        "PREV-002",
        {"preview"},
        refusing(BAD, lambda q: q.body.transliteration is not None),
    ),
    "preview-without-language": (
        "PREV-002",
        {"preview"},
        refusing(BAD, lambda q: q.body.language_code is not None),
    ),
    "bulk-look-fails": ("BULK-001", {LOOK}, refusing(WRONG, lambda q: q.parameters.bulk_id)),
    "bulk-not-found": ("BULK-001", BULKS, refusing(MISSING, lambda q: q.parameters.bulk_id)),
    "bulk-move-refused": ("BULK-002", {MOVE}, refusing(BAD, always)),
    "bulk-cancel-refused": (
        "BULK-003",
        {CHANGE},
        refusing(BAD, lambda q: q.body.status == "CANCELED"),
    ),
    "bulk-pause-fails": (
        "BULK-003",
        {CHANGE},
        refusing(WRONG, lambda q: q.body.status == "PAUSED"),
    ),
    "bulk-state-fails": ("BULK-003", {STATE}, refusing(WRONG, always)),
    "unknown-bulk-is-bad": (
        "BULK-004",
        BULKS,
        refusing(BAD, lambda q: q.state.find_bulk(q.parameters.bulk_id) is None),
    ),
    "batch-fails": (
        "BULK-005",
        {MOVE},
        refusing(WRONG, lambda q: "BATCH" in q.parameters.bulk_id),
    ),
    "conversion-fails": (
        "TRACK-002",
        {CONVERT},
        refusing(WRONG, lambda q: q.state.get_messages_by_id(q.parameters.message_id)),
    ),
    "conversion-of-nobody-is-bad": (
        "TRACK-003",
        {CONVERT},
        refusing(BAD, lambda q: not q.state.get_messages_by_id(q.parameters.message_id)),
    ),
}

# name: (requirement, operations, what is altered in the answer)
ANSWERS: dict[str, tuple[str, set[str], Callable[[Any, OperationContext], Any]]] = {
    "reports-never": ("DLR-007", {REPORTS}, only(lambda r: False)),  # noqa: ARG005 - none at all
    "reports-of-nobody": ("DLR-007", {REPORTS}, each(message_id=nothing)),
    "logs-empty": ("LOG-001", {LOGS}, only(lambda r: False)),  # noqa: ARG005 - none at all
    "logs-without-text": ("LOG-001", {LOGS}, each(text=nothing)),
    "logs-without-sender": ("LOG-001", {LOGS}, each(from_=nothing)),
    "logs-without-status": ("LOG-001", {LOGS}, each(status=nothing)),
    "logs-without-name": ("LOG-001", {LOGS}, each(message_id=nothing)),
    "logs-numbers-masked": ("LOG-001", {LOGS}, each(to=lambda to: f"{to[:4]}****")),
    "logs-text-escaped": ("LOG-001", {LOGS}, each(text=lambda t: t and t.replace("<", "&lt;"))),
    "logs-text-in-ascii": (
        "LOG-001",
        {LOGS},
        each(text=lambda t: t and t.encode("ascii", "replace").decode()),
    ),
    "logs-of-most": ("LOG-001", {LOGS}, only(lambda r: r.from_ != "Harbour")),
    "preview-without-original": ("PREV-003", {"preview"}, member(original_text=None)),
    "preview-of-another": ("PREV-003", {"preview"}, member(original_text="Something else.")),
    "preview-plain-only": ("PREV-003", {"preview"}, previews(lambda found: found[:1])),
    "preview-plain-last": ("PREV-003", {"preview"}, previews(lambda found: found[::-1])),
    "preview-asked-only": ("PREV-003", {"preview"}, previews(lambda found: found[-1:])),
    "preview-without-count": (
        "PREV-003",
        {"preview"},
        previews(lambda found: [attrs.evolve(p, message_count=None) for p in found]),
    ),
    "preview-off-by-one": ("PREV-004", {"preview"}, left(lambda p: -1)),  # noqa: ARG005 - every one
    "preview-language-for-nothing": ("PREV-004", {"preview"}, left(lambda p: 5 * has_language(p))),
    "preview-parts-of-160": (
        "PREV-004",
        {"preview"},
        left(lambda p: 7 * p.message_count if is_plain(p) and p.message_count > 1 else 0),
    ),
    "preview-one-of-153": (
        "PREV-004",
        {"preview"},
        previews(
            lambda found: [
                attrs.evolve(p, message_count=2, characters_remaining=306 - len(p.text_preview))
                if p.configuration.transliteration
                else p
                for p in found
            ]
        ),
    ),
    "preview-parts-of-70": (
        "PREV-004",
        {"preview"},
        left(lambda p: 3 * p.message_count if is_unicode(p) and p.message_count > 1 else 0),
    ),
    "preview-one-of-67": (
        "PREV-004",
        {"preview"},
        left(lambda p: -3 if is_unicode(p) and p.message_count == 1 else 0),
    ),
    "bulk-without-name": ("BULK-001", {LOOK}, member(bulk_id=None)),
    "bulk-of-another": ("BULK-001", {LOOK}, member(bulk_id="BULK-ID-123-xyz")),
    "bulk-without-name-ever": ("BULK-001", {LOOK, MOVE}, member(bulk_id=None)),
    "bulk-another-instant": (
        "BULK-001",
        {LOOK},
        lambda response, _q: attrs.evolve(response, send_at=response.send_at + DAY),
    ),
    "bulk-move-without-name": ("BULK-002", {MOVE}, member(bulk_id=None)),
    "bulk-move-answers-another": (
        "BULK-002",
        {MOVE},
        lambda response, _q: attrs.evolve(response, send_at=response.send_at - DAY),
    ),
    "bulk-state-misspelt": (
        "BULK-003",
        {STATE, CHANGE},
        lambda response, _q: attrs.evolve(
            response, status=response.status.replace("CANCELED", "CANCELLED")
        ),
    ),
    "bulk-state-always-pending": ("BULK-003", {STATE}, member(status="PENDING")),
    "bulk-change-answers-pending": ("BULK-003", {CHANGE}, member(status="PENDING")),
    "bulk-state-without-name": ("BULK-003", {STATE}, member(bulk_id=None)),
    "conversion-another-key": ("TRACK-002", {CONVERT}, member(process_key="A" * 32)),
    "conversion-without-key": ("TRACK-002", {CONVERT}, member(process_key=None)),
}

# name: (requirement, operations): what is to be remembered of them is forgotten.
FORGETFUL: dict[str, tuple[str, set[str]]] = {
    "reports-repeated": ("DLR-007", {REPORTS}),
    "bulk-not-moved": ("BULK-002", {MOVE}),
    "bulk-state-forgotten": ("BULK-003", {CHANGE}),
}

# Faults of other kinds; what they do is in Spoiled.
OTHERS = {
    "reports-repeated-in-xml": "DLR-007",
    "logs-once": "LOG-001",
    "logs-by-status-never": "LOG-001",
    "preview-of-nothing": "PREV-001",
    "preview-any-language": "PREV-002",
    "preview-any-script": "PREV-002",
    "preview-language-in-an-object": "PREV-002",
    "unknown-bulk-is-found": "BULK-004",
    "batch-moved": "BULK-005",
    "links-as-they-were": "TRACK-001",
    "links-on-another-base": "TRACK-001",
    "links-wrapped": "TRACK-001",
    "conversion-of-nobody": "TRACK-003",
    "v1-missing": "V1-001",
    "v1-gone": "V1-001",
    "v1-refuses": "V1-001",
    "v1-any-single-shift": "V1-004",
    "v1-any-locking-shift": "V1-004",
    "v1-any-language": "V1-004",
    "v1-shifts-refused": "V1-004",
    "v1-no-xml": "V1-005",
    "v1-first-message-of-xml": "V1-005",
    "v1-non-unicode": "V1-006",
    "v1-script-refused": "V1-006",
    "v1-one-script-refused": "V1-006",
    "v1-callback-data-of-200": "V1-007",
    "v1-another-root": "V1-008",
    "v1-other-entries": "V1-008",
}
FAULTS: dict[str, str] = {
    **{name: row[0] for name, row in QUESTIONS.items()},
    **{name: row[0] for name, row in ANSWERS.items()},
    **{name: row[0] for name, row in FORGETFUL.items()},
    **OTHERS,
}
NOT_OFFERED: dict[str, set[tuple[str, str]]] = {
    "no-reports": {("GET", "/sms/1/reports")},
    "no-logs": {("GET", "/sms/1/logs")},
    "no-previews": {("POST", "/sms/1/preview")},
    "no-bulks": {(m, f"/sms/1/bulks{way}") for m in ("GET", "PUT") for way in ("", "/status")},
    "no-moving": {("PUT", "/sms/1/bulks")},
    "no-states": {(method, "/sms/1/bulks/status") for method in ("GET", "PUT")},
    "no-conversions": set(),
}
LEGAL = {
    "clean",
    *NOT_OFFERED,
    "slow",
    "logs-oldest-first",
    "logs-of-what-was-sent",
    "bulk-cancelled-from-pending-only",
    "bulk-not-paused",
    "bulk-in-utc",
    "batch-is-bad",
    "preview-single-shift",
    "preview-as-it-is",
    "v1-root-of-version-2",
    "v1-root-of-one-message",
    "lists-without-wrapper",
}
# Answers of no use at all: always the same, or not even readable.
CANNED = {"canned", "lists-of-words", "not-even-json"}
LAX = {
    "v1-any-single-shift": re.compile("singleShift"),
    "v1-any-locking-shift": re.compile("lockingShift"),
    "v1-any-language": re.compile("languageCode"),
    "v1-non-unicode": re.compile("transliteration"),
}

REFUSED_V1: dict[str, Callable[[Any, Any], Any]] = {
    "v1-refuses": lambda _m, _w: True,
    "v1-shifts-refused": lambda m, _w: m.language and m.language.single_shift is not None,
    "v1-no-xml": lambda _m, w: w == "xml",
    "v1-script-refused": lambda m, _w: m.transliteration,
    "v1-one-script-refused": lambda m, _w: m.transliteration == "CENTRAL_EUROPEAN",
    "v1-callback-data-of-200": lambda m, _w: len(m.callback_data or "") > 200,
}
REWRITTEN_V1 = [
    ("v1-another-root", b"SendSMSResponse", b"reply"),
    ("v1-root-of-version-2", b"SendSMSResponse", b"smsResponse"),
    ("v1-root-of-one-message", b"SendSMSResponse", b"SMSResponse"),
    ("v1-other-entries", b"<messages><to>", b"<message><to>"),
    ("v1-other-entries", b"</messages><message>", b"</message><message>"),
    ("v1-other-entries", b"</messages></messages>", b"</message></messages>"),
]
