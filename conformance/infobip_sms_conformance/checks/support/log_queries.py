"""Looking up the batch: in the logs, as often as wanted, and among the reports, once each.

logs      all of it (the greatest limit)    a status (no limit)    four by name, each fit by other filters
reports   one (the smallest limit)          more (no limit)        one again by name (the greatest limit)
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from infobip_sms_conformance.checks.support.assertions import drop_plus, is_same_number
from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    call_once,
    call_until,
    find_entries,
    get_batch_messages,
    get_bulk_id,
    get_immediate_messages,
    get_wire,
    is_ok,
    read_text,
)
from infobip_sms_conformance.contract.files import WIRES, read_groups, read_numbers
from infobip_sms_conformance.fixtures.lookup_batch import (
    OTHER_SENDER,
    SENDER,
    BatchMessage,
    format_instant,
    get_message_ids,
    get_relative_instant,
)
from infobip_sms_conformance.fixtures.webhook_messages import WEBHOOK_MESSAGES
from infobip_sms_conformance.observations.exchange import Exchange, get_destinations
from infobip_sms_conformance.observations.responses import ResponseEntry
from infobip_sms_conformance.observations.verdicts import Mismatch, show
from infobip_sms_conformance.session.session import Session

DEFAULT_LIMIT = 50
"""Entries of a list when no limit is given (DLR-008, LOG-003)."""
MAX_LIMIT = "1000"
"""The greatest limit."""
HOURS = timedelta(hours=2)
"""As far from now as no message was sent, and on the same day for most of it."""
SPAN = timedelta(minutes=10)
EAST, WEST = timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))
"""Offsets that are hours apart from each other and from UTC."""
FEW = 7
"""A limit that is below the usual number."""
NO_COUNTRY = "999"
"""A mobile country code that belongs to none."""
NON_FINAL_GROUPS = {"ACCEPTED", "PENDING"}
Row = dict[str, Any]


# ------------------------------------------------------------------ logs


def look_up_all(session: Session) -> Exchange:
    """Look up every message of the batch."""
    what = "a look at all messages of one request"
    query = [("bulkId", get_bulk_id(session)), ("limit", MAX_LIMIT)]
    wire = get_wire(session, FIRST_FORMAT)
    return call_until(
        session,
        what,
        FIRST_FORMAT,
        lambda: session.call("getLogs", wire, what, query=query, succeeds=True),
        lambda found: is_complete(session, found),
    )


def look_up_again(session: Session) -> Exchange:
    """Look up the messages of the batch once more: those of one status, as many as are shown."""
    query = [("bulkId", get_bulk_id(session))]
    if group := get_most_common_group(session)[0]:
        query.append(("generalStatus", group))
    return call_once(
        session, SECOND_FORMAT, "getLogs", "a look at the same messages again", query=query
    )


def look_up_one(session: Session) -> Exchange:
    """Look up one message of the batch, whichever it is."""
    query = [("bulkId", get_bulk_id(session)), ("limit", "1")]
    return call_once(session, FIRST_FORMAT, "getLogs", "a look at one message", query=query)


def look_up_named(session: Session) -> Exchange:
    """Look up messages of two requests by name, and by a sender and a number that not all of them have."""
    other, (_, by_other, to_other, plain, *_) = (
        get_other_messages(session),
        get_batch_messages(session),
    )
    bulks = [str(send_other_request(session).document["bulkId"])] if other else []
    names = [sent.message_id for sent in (*other, by_other, to_other, plain)]
    what = "a look at some messages of two requests"
    query = build_query([*bulks, get_bulk_id(session)], names, plain.to)
    return call_once(session, FIRST_FORMAT, "getLogs", what, query=query)


def look_up_nothing(session: Session, name: str) -> Exchange:
    """Look up messages of the batch with a filter that none of them fits."""
    values = {
        "from": SENDER[:-1],
        "to": read_numbers()[0][:-1],
        "sentSince": format_instant(get_relative_instant(HOURS)),
        "sentUntil": format_instant(get_relative_instant(-HOURS)),
        "mcc": NO_COUNTRY,
        "generalStatus": "REJECTED",
    }
    query = [("bulkId", get_bulk_id(session)), (name, values[name])]
    what = f"a look at messages that do not fit {name}"
    return call_once(session, FIRST_FORMAT, "getLogs", what, query=query)


def look_up_span(session: Session) -> Exchange:
    """Look up the batch by the minutes around now, which only their offsets show to be those."""
    now = datetime.now(UTC)
    query = [
        ("bulkId", get_bulk_id(session)),
        ("limit", MAX_LIMIT),
        ("sentSince", format_instant((now - SPAN).astimezone(EAST))),
        ("sentUntil", format_instant((now + SPAN).astimezone(WEST))),
    ]
    what = "a look at the messages of these minutes"
    return call_once(session, SECOND_FORMAT, "getLogs", what, query=query)


def look_up_few(session: Session) -> Exchange:
    """Look up some messages of the batch, by a limit that is below the usual one."""
    query = [("bulkId", get_bulk_id(session)), ("limit", str(FEW))]
    return call_once(session, SECOND_FORMAT, "getLogs", "a look at a few messages", query=query)


def look_up_network(session: Session, mcc: str, mnc: str, *, fits: bool) -> Exchange:
    """Look up messages of the batch in a network; fits: whether it is that of one of them."""
    query = [("bulkId", get_bulk_id(session)), ("mcc", mcc), ("mnc", mnc), ("limit", MAX_LIMIT)]
    what = f"a look at messages in {'a' if fits else 'another'} network"
    return call_once(session, FIRST_FORMAT, "getLogs", what, query=query)


def look_up_alone(session: Session, message: BatchMessage) -> Exchange:
    """Look up one of the named messages with one value for each parameter."""
    mine = message in get_batch_messages(session)
    bulk = get_bulk_id(session) if mine else str(send_other_request(session).document["bulkId"])
    what = f"a look at one message of {'the one' if mine else 'the other'} request by name"
    query = build_query([bulk], [message.message_id], message.to)
    return call_once(session, FIRST_FORMAT, "getLogs", what, query=query)


def look_up_by_name(session: Session) -> Exchange:
    """Look up one message by its name and nothing else, in the format that shows whether a list is one."""
    query = [
        ("messageId", get_message_in_xml(session) or get_batch_messages(session)[3].message_id)
    ]
    return call_once(session, FIRST_FORMAT, "getLogs", "a look at one message by name", query=query)


def get_message_in_xml(session: Session) -> str:
    """Return the messageId of a message that was sent in XML, in which texts are written otherwise; empty if none was."""
    sent = session.find(WEBHOOK_MESSAGES, WIRES[1])
    if sent is None or not sent.has_succeeded:
        return ""
    given = [one.get("messageId", "") for one in get_destinations(sent.document)]
    return get_message_ids(given, sent.send_response)[0]


def build_query(bulks: Sequence[str], names: Sequence[str], to: str) -> list[tuple[str, str]]:
    """Return a query with every value in a parameter of its own."""
    return [
        *(("bulkId", bulk) for bulk in bulks),
        *(("messageId", name) for name in names),
        ("from", SENDER),
        ("to", to),
    ]


def get_named_messages(session: Session) -> list[BatchMessage]:
    """Return the messages that look_up_named is to show."""
    to = get_batch_messages(session)[3].to
    named = [*get_other_messages(session), *get_batch_messages(session)[1:4]]
    return [s for s in named if s.sender != OTHER_SENDER and drop_plus(s.to) == drop_plus(to)]


def send_other_request(session: Session) -> Exchange:
    """Return the exchange of another request with a bulkId."""
    return session.send_example("documented-request", get_wire(session, FIRST_FORMAT))


def get_other_messages(session: Session) -> list[BatchMessage]:
    """Return the first message of the other request; none if it was not taken."""
    exchange = send_other_request(session)
    if not exchange.has_succeeded:
        return []
    destinations = get_destinations(exchange.document)
    message = exchange.document["messages"][0]
    name = get_message_ids([d.get("messageId", "") for d in destinations], exchange.send_response)[
        0
    ]
    return [
        BatchMessage(
            name, destinations[0]["to"], message["from"], message["text"], is_scheduled=False
        )
    ]


def is_complete(session: Session, found: Exchange) -> bool:
    """Tell whether a list has everything that can be waited for: no more comes where others are in it."""
    names = {read_text(entry, "messageId") for entry in find_entries(found) or []}
    known = {sent.message_id for sent in get_batch_messages(session)}
    return bool(names - known) or names >= {s.message_id for s in get_immediate_messages(session)}


def is_truncated(session: Session, entries: Sequence[object]) -> bool:
    """Tell whether a list ends where no limit was given, although one was: LOG-003's matter."""
    return session.plan.profile.has_long_lists and len(entries) <= DEFAULT_LIMIT


def get_most_common_group(session: Session) -> tuple[str, int]:
    """Return the end that most messages had come to when all were looked up, and how many had.

    An empty end, and the number of all, where none had come to one.
    """
    entries = find_entries(look_up_all(session)) or []
    groups = map(get_group, entries)
    ends = Counter(group for group in groups if group and group not in NON_FINAL_GROUPS)
    return ends.most_common(1)[0] if ends else ("", len(entries))


def get_group(entry: dict[str, Any]) -> str:
    """Return the name of the status group of an entry, empty when it has none."""
    number = ResponseEntry(None, "", entry.get("status")).group
    return read_groups().get(number, "") if number is not None else ""


# ------------------------------------------------------------------ reports


def fetch_one(session: Session) -> Exchange:
    """Fetch one report of the batch, waiting for it if there is none."""
    what = "the first report"
    query = [("bulkId", get_bulk_id(session)), ("limit", "1")]
    wire = get_wire(session, FIRST_FORMAT)
    return call_until(
        session,
        what,
        FIRST_FORMAT,
        lambda: session.call("fetchDeliveryReports", wire, what, query=query, succeeds=True),
        lambda found: bool(find_entries(found)),
    )


def fetch_more(session: Session) -> Exchange:
    """Fetch as many of the other reports as come when no limit is given."""
    if session.plan.profile.has_long_lists and "logs" not in session.plan.without:
        look_up_all(session)  # shows whether there is a report of every message by now
    fetch_by_name(session)  # while others wait
    query = [("bulkId", get_bulk_id(session))]
    return call_once(
        session, SECOND_FORMAT, "fetchDeliveryReports", "the next reports", query=query
    )


def get_unfetched_message(session: Session) -> BatchMessage:
    """Return a message whose report did not come first, one with signs in its id; the last one where all came."""
    come = {read_text(entry, "messageId") for entry in find_entries(fetch_one(session)) or []}
    sent = sorted(get_immediate_messages(session), key=lambda m: m.message_id.isascii())
    return next((message for message in sent if message.message_id not in come), sent[-1])


def fetch_by_name(session: Session) -> Exchange:
    """Fetch the report of one message that was not fetched before, in a list that would hold others."""
    name = get_unfetched_message(session).message_id
    query = [("bulkId", get_bulk_id(session)), ("messageId", name), ("limit", MAX_LIMIT)]
    what = "the report of another message"
    return call_once(session, FIRST_FORMAT, "fetchDeliveryReports", what, query=query)


def get_reported_message(session: Session) -> BatchMessage:
    """Return a message whose report has come, one that came last if possible."""
    pages = (fetch_more(session), fetch_one(session))
    come = [read_text(e, "messageId") for page in pages for e in find_entries(page) or []]
    batch = {sent.message_id: sent for sent in get_batch_messages(session)}
    return next((batch[name] for name in come if name in batch), get_immediate_messages(session)[0])


def fetch_named(session: Session) -> Exchange:
    """Fetch the report of one message again, which is to bring nothing."""
    name = get_reported_message(session).message_id
    query = [("bulkId", get_bulk_id(session)), ("messageId", name), ("limit", MAX_LIMIT)]
    return call_once(
        session, FIRST_FORMAT, "fetchDeliveryReports", "the report of one message", query=query
    )


def fetch_pages(session: Session) -> list[Exchange]:
    """Fetch reports four times, in the order in which that has to be done."""
    first = [fetch_one(session), fetch_by_name(session)]
    return [*first, fetch_more(session), fetch_named(session)]


def are_all_final(session: Session) -> bool:
    """Tell whether every message of the batch had come to its end when it was looked up."""
    entries = find_entries(look_up_all(session)) or []
    ended = {
        read_text(e, "messageId") for e in entries if get_group(e) not in {*NON_FINAL_GROUPS, ""}
    }
    return ended >= {sent.message_id for sent in get_immediate_messages(session)}


def get_report_key(entry: dict[str, Any]) -> tuple[str, str]:
    """Return what makes a report one of its own: its message and the status in it."""
    return read_text(entry, "messageId"), read_text(entry.get("status"), "id")


# ------------------------------------------------------------------ what is wrong with entries


def check_entries(known: Sequence[BatchMessage], entries: Sequence[Row]) -> str:
    """Say whether an entry of a list is of a message that was not asked for."""
    names = {sent.message_id for sent in known}
    for index, entry in enumerate(entries):
        name = read_text(entry, "messageId")
        if name not in names:
            wanted = f"that of one of the {len(names)} messages that were asked for"
            return Mismatch(f"results[{index}].messageId", wanted, show(name))
    return ""


def check_logs(known: Sequence[BatchMessage], entries: Sequence[Row]) -> str:
    """Say what is wrong with the entries of the logs: each is of another message, as it was sent."""
    by_name = {sent.message_id: sent for sent in known}
    names = [read_text(entry, "messageId") for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        wanted = "each message once"
        return Mismatch("results[].messageId", wanted, f"{show(twice)} {names.count(twice)} times")
    wrong = check_entries(known, entries)
    pairs = [] if wrong else [(e, by_name[name]) for e, name in zip(entries, names, strict=True)]
    problems = (check_log(*pair, f"results[{n}]") for n, pair in enumerate(pairs))
    return wrong or next(filter(None, problems), "")


def check_log(entry: dict[str, Any], message: BatchMessage, path: str) -> str:
    """Compare an entry of the logs with its message; the text with a link is TRACK-001's matter."""
    if not isinstance(entry.get("status"), dict):
        return Mismatch(path, "a status", show(list(entry)))
    bulk_id = read_text(entry, "bulkId")
    if message.bulk_id and bulk_id != message.bulk_id:
        return Mismatch(f"{path}.bulkId", show(message.bulk_id), show(bulk_id))
    for name, wanted in (("to", message.to), ("from", message.sender), ("text", message.text)):
        value = read_text(entry, name)
        same = is_same_number(wanted, value) if name == "to" else value == wanted
        if not value or (not same and not (name == "text" and message.has_link)):
            return describe_difference(f"{path}.{name}", wanted, value)
    return ""


def describe_difference(path: str, wanted: str, found: str) -> Mismatch:
    """Return two values of a field; of texts and numbers, which are not shown, where they differ."""
    is_sender = path.endswith(".from")
    if is_sender or not found:
        return Mismatch(path, show(wanted) if is_sender else "as it was sent", show(found))
    same = next((n for n, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), None)
    place = min(len(wanted), len(found)) if same is None else same
    got = f"{len(found)} characters, another from character {place + 1} on"
    return Mismatch(path, f"the {len(wanted)} characters that were sent", got)


def describe_missing_list(found: Exchange) -> Mismatch:
    """Say what a response has in place of a list of results."""
    data = found.data
    got = f"nothing, beside {show(list(data))}" if isinstance(data, dict) else found.got
    return Mismatch("results", "a list", got)


def has_list(exchange: Exchange) -> bool:
    """Tell whether there is a list in an answer."""
    return is_ok(exchange) and find_entries(exchange) is not None
