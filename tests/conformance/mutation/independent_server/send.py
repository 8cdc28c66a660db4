"""The operation that sends: both versions of /text/advanced."""

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

from tests.conformance.mutation.independent_server import statuses
from tests.conformance.mutation.independent_server.coercion import prepare
from tests.conformance.mutation.independent_server.dates import read_instant
from tests.conformance.mutation.independent_server.delivery.life import Lives
from tests.conformance.mutation.independent_server.echo import (
    spoil_entries,
    spoil_reply,
    spoil_status,
)
from tests.conformance.mutation.independent_server.gsm import (
    Language,
    count,
    find_language,
    transliterate,
)
from tests.conformance.mutation.independent_server.limits import find_problems
from tests.conformance.mutation.independent_server.replies import (
    DROPPED,
    SEND,
    SEND_V1,
    Reply,
    build_error,
    is_xml_text,
)
from tests.conformance.mutation.independent_server.scope import Format, Problem, Scope
from tests.conformance.mutation.independent_server.store import (
    Bulk,
    Message,
    Store,
    make_process_key,
)
from tests.conformance.mutation.independent_server.traits import Traits
from tests.conformance.mutation.independent_server.values import LANGUAGES

LONGEST_VALIDITY = 2880
CREDITS = 60
LINK = re.compile(r"https?://[^\s]+")
REJECTIONS = {
    "missing": statuses.NO_NUMBER,
    "number": statuses.BAD_NUMBER,
    "sender": statuses.BAD_SENDER,
    "value": statuses.BAD_VALUE,
}
LIMITS = {
    "no-credits": statuses.NO_CREDITS,
    "flooded": statuses.FLOODING,
    "no-route": statuses.NO_ROUTE,
    "blacklisted": statuses.BLACKLISTED,
}
Data = dict[str, Any]


class Desk:
    """Takes requests to send."""

    def __init__(self, traits: Traits, store: Store, lives: Lives, minute: float) -> None:
        self.address = ""
        self._traits = traits
        self._store = store
        self._lives = lives
        self._minute = minute
        self._requests = 0

    def take(self, data: Data, version: int, given: Format, wanted: Format) -> Reply:
        """Answer a request to send."""
        data = prepare(data, self._traits)
        problems = list(find_problems(data, Scope(self._traits, version, given)))
        if any(not self._is_rejection(problem) for problem in problems):
            return self._refuse(problems, data, version)
        if wanted == "xml" and not all(is_xml_text(echo) for echo in _list_echoes(data)):
            return build_error(400, "BAD_REQUEST", "Response could not be written as XML")
        return self._accept(data, version, problems)

    def _is_rejection(self, problem: Problem) -> bool:
        if problem.message is None:
            return False
        forms = {"missing", "number"} if self._traits.takes("rejects-numbers") else set()
        return self._traits.takes("rejects") or problem.form in forms

    def _refuse(self, problems: list[Problem], data: Data, version: int) -> Reply:
        if self._traits.breaks("refusal-sent"):
            self._accept_rest(data, version, problems)
        if self._traits.breaks("refusal-500"):
            return build_error(500, "GENERAL_ERROR", "Something went wrong.")
        if self._traits.breaks("refusal-dropped"):
            return Reply(DROPPED, None)
        if self._traits.breaks("refusal-200-empty"):
            return Reply(200, {"messages": []}, SEND)
        listed = "; ".join(f"{problem.path} : {problem.text}" for problem in problems[:20])
        reply = build_error(400, "BAD_REQUEST", f"[{listed}]")
        if self._traits.takes("explains") and reply.data:
            found = {problem.path: [problem.text] for problem in problems}
            reply.data["requestError"]["serviceException"]["validationErrors"] = found
        return reply

    def _accept_rest(self, data: Data, version: int, problems: list[Problem]) -> None:
        """Send the messages of a rejected request that have no problem themselves."""
        if not isinstance(data.get("messages"), list):
            return
        bad = {problem.message for problem in problems}
        good = [m for n, m in enumerate(data["messages"]) if n not in bad]
        if None not in bad and good:
            self._accept({**data, "messages": good}, version, [])

    def _accept(self, data: Data, version: int, problems: list[Problem]) -> Reply:
        with self._store.lock:
            self._requests += 1
            bulk_id = self._name_bulk(data)
            tracking = data.get("tracking")
            key = str(self._find_key(tracking)) if tracking is not None else ""
            bulk = self._schedule(data, bulk_id)
            entries: list[Data] = []
            for index, message in enumerate(data["messages"]):
                base = self._read_message(message, version, tracking or {})
                base |= {"bulk_id": bulk_id, "process_key": key, "bulk": bulk}
                found = [problem for problem in problems if problem.message == index]
                entries += self._place(message, base, found, version)
        reply: Data = {"bulkId": bulk_id} if self._shows_bulk(data, len(entries), bulk) else {}
        if key or self._traits.takes("key-always"):
            reply["trackingProcessKey"] = key or make_process_key()
        reply["messages"] = spoil_entries(entries, data, self._traits)
        status = 202 if self._traits.breaks("http-202") else 200
        reply = spoil_reply(reply, data, self._traits)
        return Reply(status, reply, SEND_V1 if version == 1 else SEND)

    def _name_bulk(self, data: Data) -> str:
        given = "" if self._traits.breaks("bulkid-replaced") else data.get("bulkId")
        bulk_id = str(given or self._store.make_bulk_id())
        return bulk_id[:100] if self._traits.takes("short-ids") else bulk_id

    def _find_key(self, tracking: Data) -> str:
        if self._traits.takes("key-always"):
            return make_process_key()
        return tracking.get("processKey") or make_process_key()

    def _shows_bulk(self, data: Data, total: int, bulk: Bulk | None) -> bool:
        if self._traits.breaks("bulkid-by-first-message"):
            return len(data["messages"][0]["destinations"]) > 1
        return total > 1 or bulk is not None or self._traits.takes("bulk-for-one")

    def _schedule(self, data: Data, bulk_id: str) -> Bulk | None:
        known = bulk_id in self._store.bulk_ids
        self._store.bulk_ids.add(bulk_id)
        messages = data["messages"]
        several = len(messages) != 1 and not self._traits.breaks("bulk-several-messages")
        if several or known or not messages or "sendAt" not in messages[0]:
            self._store.bulks.pop(bulk_id, None)
            return None
        bulk = Bulk(bulk_id, self._read_due(messages[0]))
        self._store.bulks[bulk_id] = bulk
        return bulk

    def _read_due(self, message: Data) -> float:
        try:
            return read_instant(message["sendAt"], self._traits)
        except (KeyError, ValueError, TypeError):
            return time.time()

    def _place(
        self, message: Data, base: Data, problems: list[Problem], version: int
    ) -> Iterator[Data]:
        destinations = message.get("destinations") or []
        for index, destination in enumerate(destinations):
            mine = [problem for problem in problems if problem.destination in {None, index}]
            message_id = self._name_message(destination, index)
            status = self._judge(mine, message_id, base, version)
            to = destination.get("to", "")
            to = str(to) if isinstance(to, str | int) else ""
            shown = to.removeprefix("+") if self._traits.takes("plusless") else to
            placed = Message(
                **base, message_id=message_id, to=shown, status=status, first=not index
            )
            self._keep(placed)
            yield self._show(placed, mine, version)

    def _name_message(self, destination: Data, position: int) -> str:
        given = str(destination.get("messageId") or "")
        lost = self._traits.breaks("messageid-first-only") and position > 0
        if lost or not given or self._traits.breaks("messageid-replaced"):
            return self._store.make_message_id(position)
        return given[:200] if self._traits.takes("short-ids") else given

    def _judge(self, problems: list[Problem], message_id: str, base: Data, version: int) -> Data:
        if (limit := self._find_limit()) is not None:
            return limit
        if self._traits.takes("credits-end") and len(self._store.messages) >= CREDITS:
            return statuses.NO_CREDITS
        if problems:
            return REJECTIONS[problems[0].form]
        if self._traits.takes("duplicates-rejected") and message_id in self._store.by_id:
            return statuses.DUPLICATE
        if self._traits.takes("answers-accepted"):
            return statuses.ACCEPTED
        if self._traits.takes("answers-enroute"):
            return statuses.ENROUTE
        if version == 1 and not self._traits.takes("v1-answers-pending"):
            return statuses.ACCEPTED
        return statuses.SCHEDULED if base["due"] > base["accepted"] else statuses.PENDING

    def _find_limit(self) -> Data | None:
        """Return the limit of the account that this server names: at every request, or at every third."""
        if self._traits.takes("limits-at-times") and self._requests % 3:
            return None
        return next((s for name, s in LIMITS.items() if self._traits.takes(name)), None)

    def _keep(self, message: Message) -> None:
        if message.status["groupId"] == 5:
            message.done = message.accepted
            message.bulk = None
            self._store.messages.append(message)
            return
        if message.bulk:
            message.bulk.messages.append(message)
        self._store.add(message)
        self._lives.begin(message)

    def _show(self, message: Message, problems: list[Problem], version: int) -> Data:
        entry: Data = {"to": message.to, "status": spoil_status(message.status, self._traits)}
        if any(problem.form in {"missing", "number"} for problem in problems):
            return entry
        if version == 1 and not self._traits.takes("v1-no-count"):
            entry["smsCount"] = message.segments
        entry["messageId"] = message.message_id
        return entry

    def _read_message(self, message: Data, version: int, tracking: Data) -> Data:
        text = message.get("text", "")
        text = text if isinstance(text, str) else ""
        now = time.time()
        kind = message.get("notifyContentType")
        default = "application/xml" if self._traits.takes("xml-by-default") else "application/json"
        window = message.get("deliveryTimeWindow")
        delivered = self._shorten(text, tracking)
        return {
            "accepted": now,
            "sender": str(message.get("from", "")),
            "text": delivered,
            "segments": self._count(delivered, message),
            "callback_data": message.get("callbackData"),
            "notify_url": str(message.get("notifyUrl", "")),
            "notify_type": str(kind or default),
            "intermediate": message.get("intermediateReport") is True,
            "due": max(now, self._read_due(message)) if "sendAt" in message else now,
            "validity": self._read_validity(message, version),
            "window": window if isinstance(window, dict) else None,
        }

    def _read_validity(self, message: Data, version: int) -> float:
        value = message.get("validityPeriod", LONGEST_VALIDITY)
        if not isinstance(value, int):
            value = LONGEST_VALIDITY
        longest = LONGEST_VALIDITY * 60
        if "validityPeriod" in message and version == 1 and not self._traits.breaks("v1-minutes"):
            return max(-1, min(value, longest * 1000)) / 1000
        if value > LONGEST_VALIDITY and self._traits.breaks("validity-over-48h-none"):
            return 0
        unit = 1 if self._traits.breaks("validity-seconds") else self._minute
        return max(-1, min(value, LONGEST_VALIDITY)) * unit

    def _shorten(self, text: str, tracking: Data) -> str:
        if tracking.get("track") != "URL" or self._traits.breaks("links-untouched"):
            return text
        base = tracking.get("baseUrl") or self.address
        if self._traits.breaks("links-base-ignored"):
            base = self.address
        found = LINK.finditer(text)
        if self._traits.breaks("links-first-only"):
            found = iter(list(found)[:1])
        for match in list(found):
            short = f"{base.rstrip('/')}/{secrets.token_hex(5)}"
            text = text.replace(match[0], short, 1)
        return text

    def _count(self, text: str, message: Data) -> int:
        script = message.get("transliteration")
        language = message.get("language")
        shown = transliterate(text, script) if isinstance(script, str) else text
        return count(shown, _find_tables(language), Traits()).segments


def _find_tables(language: Any) -> Language | None:
    code = language.get("languageCode") if isinstance(language, dict) else None
    if code not in LANGUAGES:
        return None
    single, locking = language.get("singleShift"), language.get("lockingShift")
    if single is None and locking is None:
        return find_language(code)
    return Language(code, bool(locking), bool(single)) if single or locking else None


def _list_echoes(data: Data) -> Iterator[str]:
    yield str(data.get("bulkId", ""))
    for message in data["messages"]:
        for destination in message.get("destinations") or []:
            yield str(destination.get("to", ""))
            yield str(destination.get("messageId", ""))
