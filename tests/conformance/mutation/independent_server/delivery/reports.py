"""Reports and logs: their form, and the operations that fetch them."""

import time
from collections.abc import Callable
from typing import Any

from tests.conformance.mutation.independent_server.bodies import Query, QueryError
from tests.conformance.mutation.independent_server.dates import read_instant, write_instant
from tests.conformance.mutation.independent_server.replies import LOGS, REPORTS, Reply
from tests.conformance.mutation.independent_server.statuses import NO_ERROR
from tests.conformance.mutation.independent_server.store import Message, Store
from tests.conformance.mutation.independent_server.traits import Traits
from tests.conformance.mutation.independent_server.twists.catalog import find_twist

KEPT = 48 * 3600
NETWORKS = {"41": "22801", "385": "21901"}
STATES = ("ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "REJECTED", "EXPIRED")


def build_report(message: Message, status: dict[str, Any], traits: Traits) -> dict[str, Any]:
    """Build the report of a message with a status."""
    sent = message.sent or message.done or time.time()
    report: dict[str, Any] = {
        "bulkId": message.bulk_id,
        "messageId": message.message_id,
        "to": message.to,
        "sentAt": write_instant(sent, traits),
    }
    if message.done is not None:
        report["doneAt"] = write_instant(message.done, traits)
    report |= _build_details(message, status, traits)
    if message.callback_data is not None:
        report["callbackData"] = message.callback_data
    return _spoil_report(report, traits)


def _build_details(message: Message, status: dict[str, Any], traits: Traits) -> dict[str, Any]:
    details: dict[str, Any] = {"smsCount": message.segments}
    network = find_network(message.to)
    if network:
        details["mccMnc"] = network
    free = status["groupId"] in {4, 5}
    details["price"] = {"pricePerMessage": 0 if free else 0.01, "currency": "EUR"}
    group = "OK" if traits.takes("shapes-2015") else "Ok"
    return {**details, "status": status, "error": {**NO_ERROR, "groupName": group}}


def _spoil_report(report: dict[str, Any], traits: Traits) -> dict[str, Any]:
    data = report.get("callbackData")
    if data is not None and traits.breaks("callback-cut"):
        report["callbackData"] = data[:160]
    if data is not None and traits.breaks("callback-ascii"):
        report["callbackData"] = data.encode("ascii", "replace").decode()
    if data is not None and traits.breaks("callback-lost"):
        del report["callbackData"]
    for name in {"sentAt", "doneAt"} & report.keys():
        report[name] = _spoil_date(report[name], traits)
    return report


def spoil_names(report: dict[str, Any], traits: Traits) -> dict[str, Any]:
    """Change the ids of a report that is pushed; one that is fetched keeps them."""
    if traits.breaks("report-id-other"):
        return {**report, "messageId": f"{report['messageId']}-1"}
    if traits.breaks("report-to-for-id"):
        return {**report, "messageId": report["to"]}
    if traits.breaks("report-bulk-missing"):
        return {name: value for name, value in report.items() if name != "bulkId"}
    return report


def twist_report(report: dict[str, Any], traits: Traits, kind: str) -> dict[str, Any]:
    """Change a report by a fault that is a hook: one that is pushed, pulled or in the logs."""
    twist = find_twist(traits.faults | traits.liberties)
    return twist.report(report, kind) if twist.report else report


def _spoil_date(written: str, traits: Traits) -> str:
    if traits.breaks("report-date-colon"):
        return f"{written[:-2]}:{written[-2:]}"
    if traits.breaks("report-date-bare"):
        return written[:-5]
    return written.replace("T", " ") if traits.breaks("report-date-space") else written


def find_network(to: str) -> str:
    """Find the code of a number's network; empty if it is not known."""
    number = to.removeprefix("+")
    return next((code for lead, code in NETWORKS.items() if number.startswith(lead)), "")


def read_limit(query: Query, traits: Traits, kind: str) -> int:
    """Read the limit of a query: 50 without one, 1000 at most."""
    written = query.get("limit")
    if not written:
        return 20 if traits.breaks(f"{kind}-default-20") else 50
    if not written.isascii() or not written.lstrip("-").isdigit():
        raise QueryError("limit must be a whole number")
    limit = int(written)
    if traits.takes("limits-bent"):
        return max(1, min(limit, 1000))
    if not 1 <= limit <= 1000:
        raise QueryError("limit must be between 1 and 1000")
    return limit


class Archive:
    """The operations that fetch reports and logs."""

    def __init__(self, traits: Traits, store: Store) -> None:
        self._traits = traits
        self._store = store

    def fetch_reports(self, query: Query) -> Reply:
        """Answer GET /sms/1/reports: each report once."""
        limit = read_limit(query, self._traits, "pull")
        if self._traits.breaks("pull-limit-ignored"):
            limit = 1000
        bulk_id, message_id = query.get("bulkId"), query.get("messageId")
        if self._traits.breaks("pull-filter-ignored"):
            bulk_id = message_id = ""
        with self._store.lock:
            fitting = [
                entry
                for entry in self._store.waiting
                if bulk_id in {"", entry[0].bulk_id} and message_id in {"", entry[0].message_id}
            ]
            taken = fitting if self._traits.breaks("pull-rest-lost") else fitting[:limit]
            if not self._traits.breaks("pull-repeated"):
                for entry in taken:
                    self._store.waiting.remove(entry)
        results = [twist_report(report, self._traits, "pull") for _, report in fitting[:limit]]
        return Reply(200, {"results": results}, REPORTS)

    def fetch_logs(self, query: Query) -> Reply:
        """Answer GET /sms/1/logs: the messages that fit, as often as it is asked."""
        limit = read_limit(query, self._traits, "logs")
        if self._traits.breaks("logs-limit-ignored"):
            limit = 1000
        fits = self._build_filter(query)
        with self._store.lock:
            now = time.time()
            found = [m for m in self._store.messages if now - m.accepted < KEPT and fits(m)]
            if not self._traits.takes("oldest-first"):
                found.reverse()
            found = found[:limit]
            if self._traits.breaks("logs-once"):
                for message in found:
                    self._store.messages.remove(message)
            entries = [self._build_log(message) for message in found]
        return Reply(200, {"results": entries}, LOGS)

    def _build_log(self, message: Message) -> dict[str, Any]:
        entry = build_report(message, message.status, self._traits)
        entry.pop("callbackData", None)
        if message.sent is None and message.done is None:
            del entry["sentAt"]
        if message.sender:
            entry["from"] = message.sender
        if not self._traits.breaks("logs-text-missing"):
            short = self._traits.breaks("logs-text-cut")
            entry["text"] = message.text[:70] if short else message.text
        if self._traits.takes("shapes-2015") and "mccMnc" in entry:
            entry["mccmnc"] = entry.pop("mccMnc")
        return twist_report(entry, self._traits, "logs")

    def _build_filter(self, query: Query) -> Callable[[Message], bool]:
        ids, bulk_ids = query.get_all("messageId"), query.get_all("bulkId")
        if self._traits.breaks("logs-last-id"):
            ids, bulk_ids = ids[-1:], bulk_ids[-1:]
        to, sender = query.get("to").removeprefix("+"), query.get("from")
        state = query.get("generalStatus")
        if state and state not in STATES:
            raise QueryError("generalStatus is unknown")
        code = _read_network(query)
        since, until = _read_span(query)
        tests: dict[str, Callable[[Message], bool]] = {
            "messageId": lambda m: not ids or m.message_id in ids,
            "bulkId": lambda m: not bulk_ids or m.bulk_id in bulk_ids,
            "to": lambda m: to in {"", m.to.removeprefix("+")},
            "from": lambda m: sender in {"", m.sender},
            "generalStatus": lambda m: state in {"", m.status["groupName"]},
            "mcc": lambda m: find_network(m.to).startswith(code),
            "sentSince": lambda m: since is None or (m.sent or m.done or 0) >= since,
            "sentUntil": lambda m: until is None or (m.sent or m.done or until + 1) <= until,
        }
        kept = [
            test for name, test in tests.items() if not self._traits.breaks(f"logs-ignore-{name}")
        ]
        return lambda message: all(test(message) for test in kept)


def _read_span(query: Query) -> tuple[float | None, float | None]:
    try:
        since, until = (
            read_instant(query.get(name).replace(" ", "+"), Traits()) if query.get(name) else None
            for name in ("sentSince", "sentUntil")
        )
    except ValueError as error:
        raise QueryError("sentSince and sentUntil must be dates and times") from error
    return since, until


def _read_network(query: Query) -> str:
    mcc, mnc = query.get("mcc"), query.get("mnc")
    if (mcc and (len(mcc) != 3 or not mcc.isdigit())) or (mnc and not mnc.isdigit()):
        raise QueryError("mcc has 3 digits, mnc 2 or 3")
    if mnc and not mcc:
        raise QueryError("mnc needs mcc")
    return mcc + mnc
