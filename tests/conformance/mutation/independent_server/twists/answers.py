"""Faults of what is answered and reported."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from tests.conformance.mutation.independent_server.twists.hooks import (
    GONE,
    SENDING,
    VERSION_1,
    Data,
    Twist,
    answers,
    reports,
)

PREVIEWS = ("/sms/1/preview",)
BULKS = ("/sms/1/bulks",)
FIRST_IDS: dict[str, str] = {}
ASTRAL = re.compile("[^\x00-\uffff]")


def drop(_value: Any) -> Any:
    """Leave a field out."""
    return GONE


def to_text(value: Any) -> Any:
    """Return a value as text."""
    return str(value)


def to_upper(value: Any) -> Any:
    """Return a text in capitals."""
    return str(value).upper()


def blank_astral(value: Any) -> Any:
    """Return a text with question marks for characters beyond the BMP."""
    return ASTRAL.sub("?", str(value))


def escape(value: Any) -> Any:
    """Return a text with its ampersands escaped once too often."""
    return str(value).replace("&", "&amp;")


def colon(value: Any) -> Any:
    """Return an instant with a colon in its offset."""
    return f"{value[:-2]}:{value[-2:]}"


def only_first(entries: Any) -> Any:
    """Return the first entry of a list."""
    return entries[:1]


def share_id(entries: Any) -> Any:
    """Give every entry the id of the first."""
    return [{**entry, "messageId": entries[0].get("messageId")} for entry in entries]


def swap_times(report: Data, kind: str) -> Data:
    """Exchange sentAt and doneAt, an hour apart."""
    return {**report, "doneAt": "2015-02-12T09:58:20.323+0100"} if kind == "push" else report


def stale(report: Data, _kind: str) -> Data:
    """Give every report the same sentAt, of long ago."""
    return {**report, "sentAt": "2015-02-12T09:58:20.323+0100"} if "sentAt" in report else report


def remember_conversions() -> Twist:
    """Return the fault of answering every conversion with a new key."""
    return answers("processKey", lambda _v: f"{time.time_ns():032X}", urls=("/ct/1/log/end/",))


def swap_first_two(entries: Any) -> Any:
    """Exchange the first two of three entries or more."""
    return [entries[1], entries[0], *entries[2:]] if len(entries) > 2 else entries


def unwrap(items: Any) -> Any:
    """Return the only item of a list, or the list."""
    return items[0] if len(items) == 1 else items


def forget_later_ids(data: Data, request: Data, url: str) -> Data:
    """Give the entries of all messages but the first other ids where these were given."""
    messages = request.get("messages", ()) if url in SENDING else ()
    given = [(n, "messageId" in one) for n, m in enumerate(messages) for one in m["destinations"]]
    for (message, is_given), entry in zip(given, data.get("messages", ()), strict=False):
        if message and is_given:
            entry["messageId"] = f"{time.time_ns()}{secrets.token_hex(2)}"
    return data


def share_report_id(report: Data, kind: str) -> Data:
    """Give every pushed report of a request the messageId of the first."""
    first = FIRST_IDS.setdefault(report["bulkId"], report["messageId"])
    return {**report, "messageId": first} if kind == "push" else report


def rename_intermediate(report: Data, kind: str) -> Data:
    """Give a pushed report that is not final another messageId."""
    is_between = kind == "push" and report["status"]["groupId"] == 1
    return {**report, "messageId": f"{report['messageId']}-1"} if is_between else report


ANSWERS: dict[str, Twist] = {
    # --- responses to send requests
    "status-group-text": answers("messages[].status.groupId", to_text),
    "status-id-fraction": answers("messages[].status.id", lambda v: f"{v}.0"),
    "status-description-number": answers("messages[].status.description", lambda _v: 26),
    "status-group-name-missing": answers("messages[].status.groupName", drop),
    "status-last-nameless": answers("messages[-1].status.name", drop),
    "status-group-of-another": answers("messages[].status.groupName", lambda _v: "ACCEPTED"),
    "reply-to-missing": answers("messages[].to", drop),
    "reply-first-two-swapped": answers("messages", swap_first_two),
    "messageid-escaped": answers("messages[].messageId", escape),
    "bulkid-escaped": answers("bulkId", escape),
    "bulkid-cut": answers("bulkId", lambda v: v[:20]),
    "key-empty": answers("trackingProcessKey", lambda _v: ""),
    # --- version 1
    "v1-first-entry": answers("messages", only_first, urls=VERSION_1),
    "v1-bulkid-missing": answers("bulkId", drop, urls=VERSION_1),
    "v1-bulkid-other": answers("bulkId", lambda _v: f"{time.time_ns()}", urls=VERSION_1),
    "v1-ids-missing": answers("messages[].messageId", drop, urls=VERSION_1),
    "v1-ids-shared": answers("messages", share_id, urls=VERSION_1),
    "v1-status-nameless": answers("messages[].status.name", drop, urls=VERSION_1),
    "v1-status-id-text": answers("messages[].status.id", to_text, urls=VERSION_1),
    "v1-group-other": answers(
        "messages[].status.groupName", lambda _v: "DELIVERED", urls=VERSION_1
    ),
    "v1-delivered": answers(
        "messages[].status",
        lambda v: {
            **v,
            "groupId": 3,
            "groupName": "DELIVERED",
            "id": 5,
            "name": "DELIVERED_TO_HANDSET",
        },
        urls=VERSION_1,
    ),
    "v1-reversed": answers("messages", lambda v: v[::-1], urls=VERSION_1),
    # --- reports that are pushed
    "push-status-id-text": reports("status.id", to_text, "push"),
    "push-status-nameless": reports("status.name", drop, "push"),
    "push-status-missing": reports("status", drop, "push"),
    "push-group-other": reports("status.groupName", lambda _v: "PENDING", "push"),
    "push-to-missing": reports("to", drop, "push"),
    "push-to-other": reports("to", lambda v: f"{v[:-1]}0", "push"),
    "push-count-text": reports("smsCount", lambda _v: "one", "push"),
    "push-error-text": reports("error", lambda _v: "none", "push"),
    "push-price-text": reports("price", lambda _v: "free", "push"),
    "push-callback-astral": reports("callbackData", blank_astral, "push"),
    "push-callback-escaped": reports("callbackData", escape, "push"),
    "push-done-early": Twist(report=swap_times),
    "push-sent-colon": reports("sentAt", colon, "push"),
    # --- reports that are fetched
    "pull-status-id-text": reports("status.id", to_text, "pull"),
    "pull-status-nameless": reports("status.name", drop, "pull"),
    "pull-group-other": reports("status.groupName", lambda _v: "PENDING", "pull"),
    "pull-callback-missing": reports("callbackData", drop, "pull"),
    "pull-callback-cut": reports("callbackData", lambda v: v[:20], "pull"),
    "pull-date-colon": reports("doneAt", colon, "pull"),
    "pull-date-zoneless": reports("sentAt", lambda v: v[:-5], "pull"),
    "pull-bulk-missing": reports("bulkId", drop, "pull"),
    "pull-to-other": reports("to", lambda v: f"{v[:-1]}0", "pull"),
    "pull-pending": reports(
        "status",
        lambda v: {**v, "groupId": 1, "groupName": "PENDING", "id": 7, "name": "PENDING_ENROUTE"},
        "pull",
    ),
    # --- logs
    "logs-status-id-text": reports("status.id", to_text, "logs"),
    "logs-status-nameless": reports("status.name", drop, "logs"),
    "logs-group-other": reports("status.groupName", lambda _v: "REJECTED", "logs"),
    "logs-date-colon": reports("sentAt", colon, "logs"),
    "logs-date-space": reports("doneAt", lambda v: v.replace("T", " "), "logs"),
    "logs-bulk-missing": reports("bulkId", drop, "logs"),
    "logs-bulk-other": reports("bulkId", to_upper, "logs"),
    "logs-text-astral": reports("text", blank_astral, "logs"),
    "logs-text-trimmed": reports("text", lambda v: " ".join(v.split()), "logs"),
    "logs-text-escaped": reports("text", escape, "logs"),
    "logs-from-upper": reports("from", to_upper, "logs"),
    "logs-count-text": reports("smsCount", lambda _v: "one", "logs"),
    "logs-sent-stale": Twist(report=stale),
    # --- the catalogue, wherever a status or an error is
    "status-id-of-another-group": answers("messages[].status.id", lambda _v: 5),
    "logs-id-of-another-group": reports("status.id", lambda _v: 26, "logs"),
    "push-error-group-other": reports("error.groupName", lambda _v: "USER_ERRORS", "push"),
    "pull-error-id-text": reports("error.id", lambda _v: "none", "pull"),
    "logs-count-one": reports("smsCount", lambda _v: 1, "logs"),
    "pull-count-double": reports("smsCount", lambda v: 2 * v, "pull"),
    # --- previews
    "preview-original-spaces": answers(
        "originalText", lambda v: " ".join(v.split()), urls=PREVIEWS
    ),
    "preview-original-upper": answers("originalText", to_upper, urls=PREVIEWS),
    "preview-count-text": answers("previews[].messageCount", lambda _v: "one", urls=PREVIEWS),
    "preview-astral-lost": answers("originalText", blank_astral, urls=PREVIEWS),
    "preview-configuration-missing": answers("previews[-1].configuration", drop, urls=PREVIEWS),
    # --- bulks
    "bulk-shown-zoneless": answers("sendAt", lambda v: v[:-5] + "+0500", urls=BULKS),
    "bulk-name-upper": answers("bulkId", to_upper, urls=("/sms/1/bulks/status",)),
    # --- found by a later look
    "messageid-first-message-only": Twist(answer=forget_later_ids),
    "status-word": answers("messages[].status", lambda v: v["name"]),
    "reply-to-plus": answers("messages[].to", lambda v: f"+{v}" if v.isdigit() else v),
    "reply-extra-entry": answers("messages", lambda v: [*v, *v[-1:]]),
    "push-id-of-sibling": Twist(report=share_report_id),
    "push-callback-line": reports("callbackData", lambda v: v.replace("\n", " "), "push"),
    "push-count-one": reports("smsCount", lambda _v: 1, "push"),
    "push-count-double": reports("smsCount", lambda v: 2 * v, "push"),
    "push-sent-epoch": reports("sentAt", lambda _v: 1423731500323, "push"),
    "push-permanent-text": reports("error.permanent", lambda _v: "no", "push"),
    "intermediate-id-other": Twist(report=rename_intermediate),
    "pull-empty-null": answers("results", lambda v: v or None, urls=("/sms/1/reports",)),
    "logs-single-object": answers("results", unwrap, urls=("/sms/1/logs",)),
    "logs-from-missing": reports("from", drop, "logs"),
    "logs-done-early": reports("doneAt", lambda _v: "2015-02-12T09:58:20.323+0100", "logs"),
    "bulk-sendat-epoch": answers("sendAt", lambda _v: 1423731500323, urls=BULKS),
    "bulk-state-missing": answers("status", drop, urls=("/sms/1/bulks/status",)),
    "preview-remaining-less": answers(
        "previews[].charactersRemaining", lambda v: v - 1, urls=PREVIEWS
    ),
    "preview-count-one": answers("previews[].messageCount", lambda _v: 1, urls=PREVIEWS),
    "preview-code-flat": answers(
        "previews[].configuration", lambda v: v.get("language", v), urls=PREVIEWS
    ),
    "preview-single-object": answers("previews", unwrap, urls=PREVIEWS),
}
__all__ = ["ANSWERS", "SENDING"]
