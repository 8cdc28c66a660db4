"""What a response owes to its request: one predicate and one finding for each rule; for servers and clients alike."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from infobip_sms_conformance.checks.support.assertions import drop_plus, is_same_number
from infobip_sms_conformance.contract.codec import parse_json, parse_tree
from infobip_sms_conformance.contract.files import read_groups, read_openapi, read_status_rows
from infobip_sms_conformance.observations.exchange import Exchange, get_destinations
from infobip_sms_conformance.observations.responses import ResponseEntry, find_wire
from infobip_sms_conformance.observations.verdicts import Mismatch, show


def is_readable(exchange: Exchange) -> bool:
    """A valid request was accepted, and the response is a document; HTTP-004 and HTTP-005 check others."""
    body = exchange.response.body if exchange.response else b""
    return exchange.has_succeeded and (exchange.send_response is not None or is_document(body))


def is_document(body: bytes) -> bool:
    """Tell whether a body can be read as JSON or XML."""
    try:
        parse_tree(body) if find_wire(body) == "xml" else parse_json(body)
    except ValueError:
        return False
    return True


def has_entries(exchange: Exchange) -> bool:
    """A valid request was accepted, and the response has entries."""
    return (
        exchange.has_succeeded
        and exchange.send_response is not None
        and bool(exchange.send_response.entries)
    )


def has_groups(exchange: Exchange) -> bool:
    """Every entry has a readable group; RESP-007 checks those without."""
    return (
        has_entries(exchange)
        and exchange.send_response is not None
        and None not in exchange.send_response.groups
    )


def is_complete(exchange: Exchange) -> bool:
    """The response has the right number of entries; RESP-001 checks those without."""
    return has_entries(exchange) and not check_count(exchange)


def is_matched(exchange: Exchange) -> bool:
    """The response names every destination, in any order; RESP-002 checks those that do not."""
    return is_complete(exchange) and Counter(get_sent_numbers(exchange)) == Counter(
        get_response_numbers(exchange)
    )


def has_given_ids(exchange: Exchange) -> bool:
    """Some destination brought a messageId."""
    return is_matched(exchange) and bool(get_given_ids(exchange))


def has_missing_ids(exchange: Exchange) -> bool:
    """Some destination brought no messageId."""
    missing = len(get_destinations(exchange.document)) > len(get_given_ids(exchange))
    return is_complete(exchange) and missing


def is_bulk(exchange: Exchange) -> bool:
    """The request has more than one destination."""
    return has_entries(exchange) and len(get_destinations(exchange.document)) > 1


def get_sent_numbers(exchange: Exchange) -> list[str]:
    """Return the numbers of the request, without plus."""
    return [drop_plus(d["to"]) for d in get_destinations(exchange.document)]


def get_response_numbers(exchange: Exchange) -> list[str]:
    """Return the numbers of the response, without plus."""
    return (
        [drop_plus(entry.to) for entry in exchange.send_response.entries]
        if exchange.send_response
        else []
    )


def get_given_ids(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the messageIds of the request with the numbers that they belong to."""
    given = [d for d in get_destinations(exchange.document) if "messageId" in d]
    return [(drop_plus(d["to"]), d["messageId"]) for d in given]


def get_generated_ids(exchange: Exchange) -> list[str]:
    """Return the messageIds of the response that the request did not give."""
    given = {message_id for _, message_id in get_given_ids(exchange)}
    ids = (
        [entry.message_id for entry in exchange.send_response.entries]
        if exchange.send_response
        else []
    )
    return [message_id for message_id in ids if message_id and message_id not in given]


def get_bulk_id(exchange: Exchange) -> str:
    """Return the bulkId of the response, empty when there is none."""
    return exchange.send_response.bulk_id if exchange.send_response else ""


def check_bulk_id(exchange: Exchange) -> str:
    """Compare the bulkId of the response with that of the request."""
    wanted, found = exchange.document["bulkId"], get_bulk_id(exchange)
    return "" if found == wanted else Mismatch("bulkId", show(wanted), show(found))


def check_count(exchange: Exchange) -> str:
    """Compare the number of entries with the number of destinations."""
    if exchange.send_response is None:
        return Mismatch("messages", "a list of entries", exchange.got)
    wanted, found = len(get_destinations(exchange.document)), len(exchange.send_response.entries)
    if found == wanted:
        return ""
    got = "1 entry" if found == 1 else f"{found} entries"
    return Mismatch("messages", f"one entry for each of {wanted} destinations", got)


def check_order(exchange: Exchange) -> str:
    """Compare the numbers of the entries with those of the destinations."""
    sent, received = get_sent_numbers(exchange), get_response_numbers(exchange)
    for index, (wanted, found) in enumerate(zip(sent, received, strict=True)):
        if found != wanted:
            place = f"the number of destination {sent.index(found) + 1}" if found in sent else ""
            got = place or show(found)
            own = f"{show(wanted)}, that of destination {index + 1}"
            return Mismatch(f"messages[{index}].to", own, got)
    return check_plus(exchange)


def check_plus(exchange: Exchange) -> str:
    """Look for a number that comes back with a plus although it was sent without one."""
    entries = exchange.send_response.entries if exchange.send_response else ()
    destinations = get_destinations(exchange.document)
    for index, (one, entry) in enumerate(zip(destinations, entries, strict=True)):
        if not is_same_number(one["to"], entry.to):
            return Mismatch(f"messages[{index}].to", show(one["to"]), show(entry.to))
    return ""


def check_given_ids(exchange: Exchange) -> str:
    """Look for every given messageId among the entries of its number."""
    lost = get_lost_ids(exchange)
    if not lost:
        return ""
    destinations = get_destinations(exchange.document)
    given = [(drop_plus(d["to"]), d.get("messageId", "")) for d in destinations]
    index = given.index(lost[0])
    entries = exchange.send_response.entries if exchange.send_response else ()
    got = entries[index].message_id if index < len(entries) else ""
    return Mismatch(f"messages[{index}].messageId", show(lost[0][1]), show(got))


def get_lost_ids(exchange: Exchange) -> list[tuple[str, str]]:
    """Return the given messageIds that are not among the entries of their number."""
    entries = exchange.send_response.entries if exchange.send_response else ()
    there = {(drop_plus(entry.to), entry.message_id) for entry in entries}
    return [pair for pair in get_given_ids(exchange) if pair not in there]


def check_generated_ids(exchange: Exchange) -> str:
    """Count the messageIds that the server made up."""
    wanted = len(get_destinations(exchange.document)) - len(get_given_ids(exchange))
    found = len(get_generated_ids(exchange))
    if found >= wanted:
        return ""
    return Mismatch("messages[].messageId", f"{wanted} generated", f"{found} generated")


def check_unique_ids(exchange: Exchange, seen: set[str]) -> str:
    """Look for a generated messageId that has been seen before."""
    problems = (check_unique(new, seen, "messageId") for new in get_generated_ids(exchange))
    return next(filter(None, problems), "")


def check_unique(found: str, seen: set[str], name: str) -> str:
    """Tell whether an id is missing or has been seen before."""
    if not found or found in seen:
        got = f"{show(found)}, which another has" if found else "nothing"
        return Mismatch(name, f"a {name} that no other has", got)
    seen.add(found)
    return ""


def check_status(exchange: Exchange) -> str:
    """Hold every status to the schema of a status."""
    for index, entry in enumerate(exchange.send_response.entries if exchange.send_response else ()):
        if found := check_status_of(entry.status, f"messages[{index}].status"):
            return found
    return ""


def check_status_of(status: Any, path: str) -> str:
    """Hold one status to the schema of a status."""
    schema = {"$ref": "#/components/schemas/Status", "components": read_openapi()["components"]}
    for error in Draft202012Validator(schema).iter_errors(status):
        return describe_schema_error(".".join([path, *map(str, error.absolute_path)]), error)
    return ""


def describe_schema_error(field: str, error: ValidationError) -> Mismatch:
    """Return what a field should be and what it is."""
    if error.validator == "required":
        required, given = (
            cast("list[str]", error.validator_value),
            cast("dict[str, Any]", error.instance),
        )
        return Mismatch(
            field, f"the fields {show(sorted(required))}", f"the fields {show(sorted(given))}"
        )
    return Mismatch(field, f"{error.validator} {show(error.validator_value)}", show(error.instance))


def check_group_name(exchange: Exchange) -> str:
    """Compare every groupName with the catalogue."""
    for index, entry in enumerate(exchange.send_response.entries if exchange.send_response else ()):
        if found := check_group_of(entry.status, f"messages[{index}].status"):
            return found
    return ""


def check_group_of(status: Any, path: str) -> str:
    """Compare one groupName, and the group of a known id, with the catalogue; letters may be small."""
    group = ResponseEntry(None, "", status).group
    known = read_groups().get(group) if group is not None else None
    found = status.get("groupName", known) if known else None
    if known and str(found).upper() != known:
        return Mismatch(f"{path}.groupName", f"{show(known)} at groupId {group}", show(found))
    own = find_groups(str(status.get("id"))) if isinstance(status, dict) else set()
    if known and own and group not in own:
        wanted = " or ".join(map(str, sorted(own)))
        return Mismatch(f"{path}.groupId", f"{wanted} at id {status['id']}", str(group))
    return ""


@cache
def find_groups(status_id: str) -> set[int]:
    """Return the groups that a status has in the catalogue; none of an id that is not there."""
    return {row["groupId"] for row in read_status_rows("status") if str(row["id"]) == status_id}
