"""What may be spoiled in the caller: one fault at a time, each as real clients have it or might.

Lives here: every fault, as a change of a call before or after it is written, or of how replies are read.
Never here: an import but the standard library's.
"""

import json
from collections.abc import Callable
from typing import Any

SEND, LOGS, REPORTS = "/sms/2/text/advanced", "/sms/1/logs", "/sms/1/reports"
PREVIEW, BULKS, STATUS, V1 = (
    "/sms/1/preview",
    "/sms/1/bulks",
    "/sms/1/bulks/status",
    "/sms/1/text/advanced",
)
Change = Callable[[Any], None]


def put(member: str, value: Any) -> Change:
    """Return the change that gives a member of the first message a value."""
    return lambda call: place(call.document["messages"][0], member, value)


def place(holder: Any, path: str, value: Any) -> None:
    """Set a member by its path; ``...`` takes it out."""
    *steps, last = [int(s) if s.isdecimal() else s for s in path.split(".")]
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value


def put_top(path: str, value: Any) -> Change:
    """Return the change that gives a member of the whole document a value."""
    return lambda call: place(call.document, path, value)


def add_nulls(call: Any) -> None:
    """Write what has no value as null."""
    call.document["messages"][0]["transliteration"] = None
    call.document["tracking"]["baseUrl"] = None


def share_id(call: Any) -> None:
    """Give both destinations the same messageId."""
    first, second = call.document["messages"][0]["destinations"]
    second["messageId"] = first["messageId"]


def move_tracking(call: Any) -> None:
    """Put tracking into the message."""
    call.document["messages"][0]["tracking"] = call.document.pop("tracking")


def encode_twice(call: Any) -> None:
    """Write the document into a string of a document."""
    call.body = json.dumps(call.body.decode()).encode()


def write_latin(call: Any) -> None:
    """Write the bytes of Latin-1 and say nothing of it."""
    call.body = call.body.decode().encode("latin-1")


def replace(before: bytes, after: bytes) -> Change:
    """Return the change of some bytes of a body."""

    def change(call: Any) -> None:
        assert before in call.body, before
        call.body = call.body.replace(before, after)

    return change


def head(name: str, value: str | None) -> Change:
    """Return the change of a header field; none takes it away."""

    def change(call: Any) -> None:
        call.headers.pop(name, None)
        if value is not None:
            call.headers[name] = value

    return change


def drop_scheme(call: Any) -> None:
    """Send the key without a word before it."""
    call.headers["Authorization"] = call.headers["Authorization"].partition(" ")[2]


def ask(name: str, *values: str) -> Change:
    """Return the change of a parameter: its values in place of what it had; none takes it out."""

    def change(call: Any) -> None:
        call.query = [pair for pair in call.query if pair[0] != name]
        call.query += [(name, value) for value in values]

    return change


def add_brackets(call: Any) -> None:
    """Write lists as PHP reads them."""
    call.query = [(f"{n}[]" if n in {"bulkId", "messageId"} else n, v) for n, v in call.query]


def address(path: str, method: str = "") -> Change:
    """Return the change of path and method."""

    def change(call: Any) -> None:
        call.path, call.method = path, method or call.method

    return change


# Name: the path of the call that it changes, and how; before the document is written.
DOCUMENTS: dict[str, tuple[str, Change]] = {
    "bulk-id-a-number": (SEND, put_top("bulkId", 17)),
    "messages-an-object": (SEND, put_top("messages", {"text": "x"})),
    "sender-long": (SEND, put("from", "A" * 40)),
    "sender-digits-long": (SEND, put("from", "4" * 15)),
    "sender-a-number": (SEND, put("from", 41793026700)),
    "destinations-strings": (SEND, put("destinations", ["41793026727"])),
    "destinations-empty": (SEND, put("destinations", [])),
    "message-id-a-number": (SEND, put("destinations.0.messageId", 17)),
    "message-id-twice": (SEND, share_id),
    "to-missing": (SEND, put("destinations.0", {"messageId": "x"})),
    "to-empty": (SEND, put("destinations.0.to", "")),
    "to-a-number": (SEND, put("destinations.0.to", 41793026727)),
    "to-with-spaces": (SEND, put("destinations.0.to", "+41 79 302 67 27")),
    "text-a-list": (SEND, put("text", ["x"])),
    "flash-a-string": (SEND, put("flash", "true")),
    "flash-a-number": (SEND, put("flash", 1)),
    "language-a-string": (SEND, put("language", "TR")),
    "language-lower-case": (SEND, put("language", {"languageCode": "tr"})),
    "transliteration-lower-case": (SEND, put("transliteration", "turkish")),
    "intermediate-report-a-string": (SEND, put("intermediateReport", "true")),
    "notify-url-a-list": (SEND, put("notifyUrl", ["http://127.0.0.1:9/reports"])),
    "notify-content-type-short": (SEND, put("notifyContentType", "json")),
    "callback-data-long": (SEND, put("callbackData", "d" * 201)),
    "callback-data-an-object": (SEND, put("callbackData", {"order": 17})),
    "validity-a-string": (SEND, put("validityPeriod", "720")),
    "validity-a-fraction": (SEND, put("validityPeriod", 720.0)),
    "naive-datetime": (SEND, put("sendAt", "2035-07-07T17:00:00.000")),
    "send-at-a-timestamp": (SEND, put("sendAt", 2067433200)),
    "send-at-with-blank": (SEND, put("sendAt", "2035-07-07 17:00:00.000+02:00")),
    "local-time-with-z": (SEND, put("sendAt", "2035-07-07T17:00:00.000Z")),
    "window-a-string": (SEND, put("deliveryTimeWindow", "MONDAY")),
    "window-from-alone": (SEND, put("deliveryTimeWindow.to", ...)),
    "window-without-days": (SEND, put("deliveryTimeWindow.days", ...)),
    "window-days-lower-case": (SEND, put("deliveryTimeWindow.days", ["monday"])),
    "window-hour-24": (SEND, put("deliveryTimeWindow.to.hour", 24)),
    "window-minute-60": (SEND, put("deliveryTimeWindow.to.minute", 60)),
    "window-minute-missing": (SEND, put("deliveryTimeWindow.from.minute", ...)),
    "tracking-a-string": (SEND, put_top("tracking", "SMS")),
    "track-lower-case": (SEND, put_top("tracking.track", "url")),
    "nulls": (SEND, add_nulls),
    "extra-member": (SEND, put_top("includeSmsCountInResponse", False)),
    "snake-case-member": (SEND, put("callback_data", "x")),
    "tracking-in-the-message": (SEND, move_tracking),
    "nothing-to-send": (SEND, put_top("messages", [])),
    "text-lost": (SEND, put("text", ...)),
    "xml-control-character": (SEND, put("text", "x\x0by")),
    "ids-in-brackets": (LOGS, add_brackets),
    "logs-limit-0": (LOGS, ask("limit", "0")),
    "mcc-short": (LOGS, ask("mcc", "28")),
    "mnc-alone": (LOGS, ask("mcc")),
    "general-status-lower-case": (LOGS, ask("generalStatus", "delivered")),
    "since-without-zone": (LOGS, ask("sentSince", "2015-02-22T17:42:05.390")),
    "query-null": (LOGS, ask("bulkId", "null")),
    "query-unknown": (LOGS, ask("page", "1")),
    "reports-limit-a-word": (REPORTS, ask("limit", "all")),
    "preview-language-nested": (PREVIEW, put_top("language", {"languageCode": "TR"})),
    "preview-language-lower-case": (PREVIEW, put_top("languageCode", "tr")),
    "preview-without-text": (PREVIEW, put_top("text", ...)),
    "bulk-without-id": (BULKS, ask("bulkId")),
    "bulk-naive-datetime": (BULKS, lambda call: move_bulk(call, "2035-08-07T17:00:00.000")),
    "bulk-status-two-l": (STATUS, lambda call: set_state(call, "CANCELLED")),
    "v1-validity-a-string": (V1, put("validityPeriod", "720")),
    "v1-language-a-string": (V1, put("language", "TR")),
    "v1-transliteration-of-v2": (V1, put("transliteration", "NON_UNICODE")),
    "v1-callback-data-a-number": (V1, put("callbackData", 17)),
}


def move_bulk(call: Any, instant: str) -> None:
    """Change the instant that a bulk is moved to."""
    if call.document:
        call.document["sendAt"] = instant


def set_state(call: Any, state: str) -> None:
    """Change the state that a bulk is brought into."""
    if call.document:
        call.document["status"] = state


def rename_root(call: Any) -> None:
    """Call the root as another year does."""
    for sign in (b"<", b"</"):
        replace(sign + b"request>", sign + b"SMSAdvancedTextualRequest>")(call)


def wrap_days(call: Any) -> None:
    """Put days into days."""
    replace(b"<days>MONDAY</days>", b"<days><days>MONDAY</days>")(call)
    replace(b"<days>TUESDAY</days>", b"<days>TUESDAY</days></days>")(call)


def unwrap(call: Any) -> None:
    """Leave the wrapper of the messages out."""
    replace(b"<messages><message>", b"<message>")(call)
    replace(b"</message></messages>", b"</message>")(call)


# Likewise, after it was written.
BYTES: dict[str, tuple[str, Change]] = {
    "encoded-twice": (SEND, encode_twice),
    "half-a-pair": (SEND, replace(b'"text": "', b'"text": "\\ud83d')),
    "latin-1": (SEND, write_latin),
    "comma-too-many": (SEND, lambda call: setattr(call, "body", call.body[:-1] + b",}")),
    "broken-off": (SEND, lambda call: setattr(call, "body", call.body[:-1])),
    "charset-unknown": (SEND, head("Content-Type", "application/json; charset=utf8mb4")),
    "content-type-missing": (SEND, head("Content-Type", None)),
    "content-type-text": (SEND, head("Content-Type", "text/json")),
    "authorization-missing": (SEND, head("Authorization", None)),
    "key-without-scheme": (SEND, drop_scheme),
    "basic-not-encoded": (SEND, head("Authorization", "Basic Aladdin:open-sesame")),
    "app-without-key": (SEND, head("Authorization", "App")),
    "scheme-of-others": (SEND, head("Authorization", "Token abc")),
    "slash-at-the-end": (SEND, address(f"{SEND}/")),
    "slash-before-the-query": (STATUS, address(f"{STATUS}/")),
    "two-slashes": (SEND, address(f"/{SEND}")),
    "path-in-capitals": (SEND, address("/SMS/2/text/advanced")),
    "another-version": (SEND, address("/sms/4/text/advanced")),
    "put-in-place-of-post": (SEND, address(SEND, "PUT")),
    "xml-without-wrapper": (SEND, unwrap),
    "xml-another-root": (SEND, rename_root),
    "xml-days-wrapped": (SEND, wrap_days),
    "xml-with-doctype": (SEND, replace(b"<request>", b"<!DOCTYPE request><request>")),
}


# ---------------------------------------------------------------- what becomes of replies

KNOWN = {"messages", "bulkId", "trackingProcessKey"}
STATUSES = {"PENDING_ACCEPTED", "PENDING_ENROUTE", "MESSAGE_ACCEPTED"}


def refuse_strangers(_: dict[str, str], body: bytes) -> None:
    """Take no member that is not known."""
    if strange := set(json.loads(body)) - KNOWN:
        raise ValueError(f"unexpected {min(strange)}")


def refuse_counts(_: dict[str, str], body: bytes) -> None:
    """Take no number of segments."""
    for entry in json.loads(body)["messages"]:
        assert "smsCount" not in entry, "a number of segments"


def want_order(_: dict[str, str], body: bytes) -> None:
    """Take members in the order of the documentation alone."""
    assert list(json.loads(body)["messages"][0])[:2] == ["to", "status"], "another order"


def refuse_statuses(_: dict[str, str], body: bytes) -> None:
    """Take no status that is not known."""
    for entry in json.loads(body)["messages"]:
        if entry["status"]["name"] not in STATUSES and entry["status"]["groupId"] != 5:
            raise KeyError("a status")


def want_all(_: dict[str, str], body: bytes) -> None:
    """Take every member of a reply to be there."""
    reply = json.loads(body)
    reply["bulkId"].strip()
    for entry in reply["messages"]:
        entry["messageId"].strip()


def want_plain_type(headers: dict[str, str], _: bytes) -> None:
    """Compare the content type letter by letter."""
    assert headers["content-type"] == "application/json", "another content type"


def want_length(headers: dict[str, str], _: bytes) -> None:
    """Take Content-Length to be there."""
    headers["content-length"].strip()


def read_compressed(_: dict[str, str], body: bytes) -> None:
    """Ask for compression and read the bytes as they are."""
    json.loads(body)


READERS: dict[str, Callable[[dict[str, str], bytes], None]] = {
    "crashes-on-unknown-members": refuse_strangers,
    "crashes-on-another-order": want_order,
    "crashes-on-counts": refuse_counts,
    "crashes-on-unknown-statuses": refuse_statuses,
    "crashes-on-what-is-left-out": want_all,
    "crashes-on-a-charset": want_plain_type,
    "crashes-on-chunks": want_length,
    "crashes-on-compression": read_compressed,
}
REPEATS = ("retries-after-a-timeout", "retries-after-a-cut", "retries-after-500")
IMPATIENT = "ignores-retry-after"
FAULTS = (*DOCUMENTS, *BYTES, *READERS, *REPEATS, IMPATIENT)


class Spoiling:
    """The fault that is switched on, or none."""

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def prepare(self, call: Any) -> None:
        """Change a call before it is written."""
        path, change = DOCUMENTS.get(self._fault, ("", None))
        if change is not None and call.path == path:
            change(call)

    def change(self, call: Any) -> None:
        """Change a call that is written."""
        if self._fault == REPEATS[0]:
            call.seconds = 1.0
        path, change = BYTES.get(self._fault, ("", None))
        if change is not None and call.path == path:
            change(call)

    def repeats(self, error: Exception | None) -> bool:
        """Tell whether a message is sent again after an error; none for HTTP 500."""
        if error is None:
            return self._fault == REPEATS[2]
        late = isinstance(error, TimeoutError)
        return self._fault == (REPEATS[0] if late else REPEATS[1])

    def shorten(self, seconds: float) -> float:
        """Return how long is waited where the server asked for so many seconds."""
        return 0.1 if self._fault == IMPATIENT else seconds + 0.1

    def read(self, headers: dict[str, str], body: bytes, unpacked: bytes) -> None:
        """Read a reply in a way that some replies do not bear."""
        packed = self._fault == "crashes-on-compression"
        if self._fault in READERS:
            READERS[self._fault](headers, body if packed else unpacked)
