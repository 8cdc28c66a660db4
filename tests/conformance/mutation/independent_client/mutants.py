"""What may be spoiled in the caller: one fault at a time, each as real clients have it or might."""

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
Mutate = Callable[[Any], None]


def set_in_message(path: str, value: Any) -> Mutate:
    """Return the change that gives a field of the first message a value."""
    return lambda call: set_at(call.document["messages"][0], path, value)


def set_at(holder: Any, path: str, value: Any) -> None:
    """Set a field by its path; ``...`` takes it out."""
    *steps, last = [int(s) if s.isdecimal() else s for s in path.split(".")]
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value


def set_in_request(path: str, value: Any) -> Mutate:
    """Return the change that gives a field of the whole document a value."""
    return lambda call: set_at(call.document, path, value)


def add_nulls(request: Any) -> None:
    """Write what has no value as null."""
    request.document["messages"][0]["transliteration"] = None
    request.document["tracking"]["baseUrl"] = None


def share_id(request: Any) -> None:
    """Give both destinations the same messageId."""
    first, second = request.document["messages"][0]["destinations"]
    second["messageId"] = first["messageId"]


def move_tracking_into_message(request: Any) -> None:
    """Put tracking into the message."""
    request.document["messages"][0]["tracking"] = request.document.pop("tracking")


def encode_twice(request: Any) -> None:
    """Write the document into a string of a document."""
    request.body = json.dumps(request.body.decode()).encode()


def encode_latin_1(request: Any) -> None:
    """Write the bytes of Latin-1 and say nothing of it."""
    request.body = request.body.decode().encode("latin-1")


def replace_bytes(before: bytes, after: bytes) -> Mutate:
    """Return the change of some bytes of a body."""

    def change(call: Any) -> None:
        assert before in call.body, before
        call.body = call.body.replace(before, after)

    return change


def set_header(name: str, value: str | None) -> Mutate:
    """Return the change of a header field; none takes it away."""

    def change(call: Any) -> None:
        call.headers.pop(name, None)
        if value is not None:
            call.headers[name] = value

    return change


def drop_scheme(request: Any) -> None:
    """Send the key without a word before it."""
    request.headers["Authorization"] = request.headers["Authorization"].partition(" ")[2]


def set_parameter(name: str, *values: str) -> Mutate:
    """Return the change of a parameter: its values in place of what it had; none takes it out."""

    def change(call: Any) -> None:
        call.query = [pair for pair in call.query if pair[0] != name]
        call.query += [(name, value) for value in values]

    return change


def add_parameter_brackets(request: Any) -> None:
    """Write lists as PHP reads them."""
    request.query = [(f"{n}[]" if n in {"bulkId", "messageId"} else n, v) for n, v in request.query]


def set_target(path: str, method: str = "") -> Mutate:
    """Return the change of path and method."""

    def change(call: Any) -> None:
        call.path, call.method = path, method or call.method

    return change


# Name: the path of the call that it changes, and how; before the document is written.
DOCUMENT_MUTATIONS: dict[str, tuple[str, Mutate]] = {
    "bulk-id-a-number": (SEND, set_in_request("bulkId", 17)),
    "messages-an-object": (SEND, set_in_request("messages", {"text": "x"})),
    "sender-long": (SEND, set_in_message("from", "A" * 40)),
    "sender-digits-long": (SEND, set_in_message("from", "4" * 15)),
    "sender-a-number": (SEND, set_in_message("from", 41793026700)),
    "destinations-strings": (SEND, set_in_message("destinations", ["41793026727"])),
    "destinations-empty": (SEND, set_in_message("destinations", [])),
    "message-id-a-number": (SEND, set_in_message("destinations.0.messageId", 17)),
    "message-id-twice": (SEND, share_id),
    "to-missing": (SEND, set_in_message("destinations.0", {"messageId": "x"})),
    "to-empty": (SEND, set_in_message("destinations.0.to", "")),
    "to-a-number": (SEND, set_in_message("destinations.0.to", 41793026727)),
    "to-with-two-zeros": (SEND, set_in_message("destinations.0.to", "0041793026727")),
    "sender-blank": (SEND, set_in_message("from", "   ")),
    "sender-with-line-break": (SEND, set_in_message("from", "InfoSMS\n")),
    "to-with-spaces": (SEND, set_in_message("destinations.0.to", "+41 79 302 67 27")),
    "text-a-list": (SEND, set_in_message("text", ["x"])),
    "flash-a-string": (SEND, set_in_message("flash", "true")),
    "flash-a-number": (SEND, set_in_message("flash", 1)),
    "language-a-string": (SEND, set_in_message("language", "TR")),
    "language-lower-case": (SEND, set_in_message("language", {"languageCode": "tr"})),
    "transliteration-lower-case": (SEND, set_in_message("transliteration", "turkish")),
    "intermediate-report-a-string": (SEND, set_in_message("intermediateReport", "true")),
    "notify-url-a-list": (SEND, set_in_message("notifyUrl", ["http://127.0.0.1:9/reports"])),
    "notify-content-type-short": (SEND, set_in_message("notifyContentType", "json")),
    "callback-data-long": (SEND, set_in_message("callbackData", "d" * 201)),
    "callback-data-an-object": (SEND, set_in_message("callbackData", {"order": 17})),
    "validity-a-string": (SEND, set_in_message("validityPeriod", "720")),
    "validity-a-fraction": (SEND, set_in_message("validityPeriod", 720.0)),
    "naive-datetime": (SEND, set_in_message("sendAt", "2035-07-07T17:00:00.000")),
    "send-at-a-timestamp": (SEND, set_in_message("sendAt", 2067433200)),
    "send-at-with-blank": (SEND, set_in_message("sendAt", "2035-07-07 17:00:00.000+02:00")),
    "local-time-with-z": (SEND, set_in_message("sendAt", "2035-07-07T17:00:00.000Z")),
    "window-a-string": (SEND, set_in_message("deliveryTimeWindow", "MONDAY")),
    "window-from-alone": (SEND, set_in_message("deliveryTimeWindow.to", ...)),
    "window-without-days": (SEND, set_in_message("deliveryTimeWindow.days", ...)),
    "window-days-lower-case": (SEND, set_in_message("deliveryTimeWindow.days", ["monday"])),
    "window-hour-24": (SEND, set_in_message("deliveryTimeWindow.to.hour", 24)),
    "window-minute-60": (SEND, set_in_message("deliveryTimeWindow.to.minute", 60)),
    "window-minute-missing": (SEND, set_in_message("deliveryTimeWindow.from.minute", ...)),
    "tracking-a-string": (SEND, set_in_request("tracking", "SMS")),
    "track-lower-case": (SEND, set_in_request("tracking.track", "url")),
    "nulls": (SEND, add_nulls),
    "extra-member": (SEND, set_in_request("includeSmsCountInResponse", False)),
    "snake-case-member": (SEND, set_in_message("callback_data", "x")),
    "tracking-in-the-message": (SEND, move_tracking_into_message),
    "nothing-to-send": (SEND, set_in_request("messages", [])),
    "text-lost": (SEND, set_in_message("text", ...)),
    "xml-control-character": (SEND, set_in_message("text", "x\x0by")),
    "ids-in-brackets": (LOGS, add_parameter_brackets),
    "logs-limit-0": (LOGS, set_parameter("limit", "0")),
    "mcc-short": (LOGS, set_parameter("mcc", "28")),
    "mnc-alone": (LOGS, set_parameter("mcc")),
    "general-status-lower-case": (LOGS, set_parameter("generalStatus", "delivered")),
    "since-without-zone": (LOGS, set_parameter("sentSince", "2015-02-22T17:42:05.390")),
    "query-null": (LOGS, set_parameter("bulkId", "null")),
    "query-unknown": (LOGS, set_parameter("page", "1")),
    "reports-limit-a-word": (REPORTS, set_parameter("limit", "all")),
    "preview-language-nested": (PREVIEW, set_in_request("language", {"languageCode": "TR"})),
    "preview-language-lower-case": (PREVIEW, set_in_request("languageCode", "tr")),
    "preview-without-text": (PREVIEW, set_in_request("text", ...)),
    "bulk-without-id": (BULKS, set_parameter("bulkId")),
    "bulk-naive-datetime": (BULKS, lambda call: move_bulk(call, "2035-08-07T17:00:00.000")),
    "bulk-status-two-l": (STATUS, lambda call: set_state(call, "CANCELLED")),
    "v1-validity-a-string": (V1, set_in_message("validityPeriod", "720")),
    "v1-language-a-string": (V1, set_in_message("language", "TR")),
    "v1-transliteration-of-v2": (V1, set_in_message("transliteration", "NON_UNICODE")),
    "v1-callback-data-a-number": (V1, set_in_message("callbackData", 17)),
}


def move_bulk(request: Any, instant: str) -> None:
    """Change the instant that a bulk is moved to."""
    if request.document:
        request.document["sendAt"] = instant


def set_state(request: Any, state: str) -> None:
    """Change the state that a bulk is brought into."""
    if request.document:
        request.document["status"] = state


def rename_root(request: Any) -> None:
    """Call the root as another year does."""
    for sign in (b"<", b"</"):
        replace_bytes(sign + b"request>", sign + b"SMSAdvancedTextualRequest>")(request)


def wrap_days(request: Any) -> None:
    """Put days into days."""
    replace_bytes(b"<days>MONDAY</days>", b"<days><days>MONDAY</days>")(request)
    replace_bytes(b"<days>TUESDAY</days>", b"<days>TUESDAY</days></days>")(request)


def unwrap(request: Any) -> None:
    """Leave the wrapper of the messages out."""
    replace_bytes(b"<messages><message>", b"<message>")(request)
    replace_bytes(b"</message></messages>", b"</message>")(request)


# Likewise, after it was written.
ENCODED_MUTATIONS: dict[str, tuple[str, Mutate]] = {
    "encoded-twice": (SEND, encode_twice),
    "half-a-pair": (SEND, replace_bytes(b'"text": "', b'"text": "\\ud83d')),
    "latin-1": (SEND, encode_latin_1),
    "comma-too-many": (SEND, lambda call: setattr(call, "body", call.body[:-1] + b",}")),
    "broken-off": (SEND, lambda call: setattr(call, "body", call.body[:-1])),
    "charset-unknown": (SEND, set_header("Content-Type", "application/json; charset=utf8mb4")),
    "content-type-missing": (SEND, set_header("Content-Type", None)),
    "content-type-text": (SEND, set_header("Content-Type", "text/json")),
    "authorization-missing": (SEND, set_header("Authorization", None)),
    "key-without-scheme": (SEND, drop_scheme),
    "basic-not-encoded": (SEND, set_header("Authorization", "Basic Aladdin:open-sesame")),
    "app-without-key": (SEND, set_header("Authorization", "App")),
    "scheme-of-others": (SEND, set_header("Authorization", "Token abc")),
    "key-as-bearer": (SEND, set_header("Authorization", "Bearer abc")),
    "key-of-another-account": (SEND, set_header("Authorization", "App abc")),
    "slash-at-the-end": (SEND, set_target(f"{SEND}/")),
    "slash-before-the-query": (STATUS, set_target(f"{STATUS}/")),
    "two-slashes": (SEND, set_target(f"/{SEND}")),
    "path-in-capitals": (SEND, set_target("/SMS/2/text/advanced")),
    "another-version": (SEND, set_target("/sms/4/text/advanced")),
    "put-in-place-of-post": (SEND, set_target(SEND, "PUT")),
    "xml-without-wrapper": (SEND, unwrap),
    "xml-another-root": (SEND, rename_root),
    "xml-days-wrapped": (SEND, wrap_days),
    "xml-in-a-namespace": (SEND, replace_bytes(b"<request>", b'<request xmlns="urn:x">')),
    "xml-nil": (
        SEND,
        replace_bytes(
            b"</track>",
            b"</track><baseUrl xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>",
        ),
    ),
    "xml-with-doctype": (SEND, replace_bytes(b"<request>", b"<!DOCTYPE request><request>")),
}


# ---------------------------------------------------------------- what happens to responses

KNOWN = {"messages", "bulkId", "trackingProcessKey"}
STATUSES = {"PENDING_ACCEPTED", "PENDING_ENROUTE", "MESSAGE_ACCEPTED"}


def require_known_fields(_: dict[str, str], body: bytes) -> None:
    """Take no field that is not known."""
    if strange := set(json.loads(body)) - KNOWN:
        raise ValueError(f"unexpected {min(strange)}")


def require_no_counts(_: dict[str, str], body: bytes) -> None:
    """Take no number of segments."""
    for entry in json.loads(body)["messages"]:
        assert "smsCount" not in entry, "a number of segments"


def require_documented_order(_: dict[str, str], body: bytes) -> None:
    """Take fields in the order of the documentation alone."""
    assert list(json.loads(body)["messages"][0])[:2] == ["to", "status"], "another order"


def require_known_status(_: dict[str, str], body: bytes) -> None:
    """Take no status that is not known."""
    for entry in json.loads(body)["messages"]:
        if entry["status"]["name"] not in STATUSES and entry["status"]["groupId"] != 5:
            raise KeyError("a status")


def require_all_fields(_: dict[str, str], body: bytes) -> None:
    """Take every field of a response to be there."""
    reply = json.loads(body)
    reply["bulkId"].strip()
    for entry in reply["messages"]:
        entry["messageId"].strip()


def require_plain_content_type(headers: dict[str, str], _: bytes) -> None:
    """Compare the content type letter by letter."""
    assert headers["content-type"] == "application/json", "another content type"


def require_content_length(headers: dict[str, str], _: bytes) -> None:
    """Take Content-Length to be there."""
    headers["content-length"].strip()


def parse_without_decompression(_: dict[str, str], body: bytes) -> None:
    """Ask for compression and read the bytes as they are."""
    json.loads(body)


STRICT_PARSERS: dict[str, Callable[[dict[str, str], bytes], None]] = {
    "crashes-on-unknown-members": require_known_fields,
    "crashes-on-another-order": require_documented_order,
    "crashes-on-counts": require_no_counts,
    "crashes-on-unknown-statuses": require_known_status,
    "crashes-on-what-is-left-out": require_all_fields,
    "crashes-on-a-charset": require_plain_content_type,
    "crashes-on-chunks": require_content_length,
    "crashes-on-compression": parse_without_decompression,
}
RESENDS = ("retries-after-a-timeout", "retries-after-a-cut", "retries-after-500")
IGNORES_RETRY_AFTER = "ignores-retry-after"
MUTANTS = (*DOCUMENT_MUTATIONS, *ENCODED_MUTATIONS, *STRICT_PARSERS, *RESENDS, IGNORES_RETRY_AFTER)


class Mutation:
    """The fault that is switched on, or none."""

    def __init__(self, mutant: str) -> None:
        self._mutant = mutant

    def mutate_document(self, request: Any) -> None:
        """Change a call before it is written."""
        path, change = DOCUMENT_MUTATIONS.get(self._mutant, ("", None))
        if change is not None and request.path == path:
            change(request)

    def mutate_encoded(self, request: Any) -> None:
        """Change a call that is written."""
        if self._mutant == RESENDS[0]:
            request.seconds = 1.0
        path, change = ENCODED_MUTATIONS.get(self._mutant, ("", None))
        if change is not None and request.path == path:
            change(request)

    def is_resent(self, error: Exception | None) -> bool:
        """Tell whether a message is sent again after an error; none for HTTP 500."""
        if error is None:
            return self._mutant == RESENDS[2]
        late = isinstance(error, TimeoutError)
        return self._mutant == (RESENDS[0] if late else RESENDS[1])

    def shorten_wait(self, seconds: float) -> float:
        """Return how long is waited where the server asked for so many seconds."""
        return 0.1 if self._mutant == IGNORES_RETRY_AFTER else seconds + 0.1

    def parse_response(self, headers: dict[str, str], body: bytes, decompressed: bytes) -> None:
        """Read a response in a way that some responses do not bear."""
        packed = self._mutant == "crashes-on-compression"
        if self._mutant in STRICT_PARSERS:
            STRICT_PARSERS[self._mutant](headers, body if packed else decompressed)
