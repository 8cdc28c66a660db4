"""Responses that name a limit of the account or of the platform: they prove nothing about a request.

One rule holds for all checks (``run/engine.py``): what a check says against a server cannot be decided where
something that it looked at names such a limit. A rejection that is demanded is not proved by one either.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from infobip_sms_conformance.contract.files import read_status_rows
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import CheckOutcome, Explained, Inconclusive
from infobip_sms_conformance.session.sender import SEND_OPERATIONS

ACCOUNT_LIMITS = frozenset({6, 10, 12, 13, 14, 17, 18, 19, 20})
"""Statuses of the catalogue that say something about the account or the platform, not about the request.

Networks, credits, packages, routes, floods, and lists of senders and destinations that are blocked or missing.
"""


def require_no_account_limit(exchange: Exchange) -> None:
    """Raise Inconclusive where the server rejects for a reason that lies in the account, not in the request."""
    if limit := find_account_limit(exchange):
        raise Inconclusive(f"the server says {limit}", exchange=exchange)


def excuse_outcome(outcome: CheckOutcome, looked_at: Iterable[Exchange]) -> CheckOutcome:
    """Return what a check found, or that it could not be decided for a limit that the server names.

    A failure that shows in the response to a message request stands or falls with this response; any other one with
    all that the check asked for, as it is about messages that may not have been accepted. looked_at: these.
    """
    shown = outcome.exchange
    is_failure = isinstance(outcome, Explained) or not isinstance(outcome, Inconclusive)
    is_own = is_failure and shown is not None and is_message_request(shown)
    for exchange in (shown,) if is_own else (shown, *looked_at):
        if limit := find_account_limit(exchange):
            return Inconclusive(f"the server says {limit}", exchange=exchange)
    return outcome


def is_message_request(exchange: Exchange) -> bool:
    """Tell whether a request is one that sends messages."""
    paths = {read_operations()[name].path for name in SEND_OPERATIONS}
    return exchange.request is not None and exchange.request.path in paths


def find_account_limit(exchange: Exchange | None) -> str:
    """Return the limit of the account that a response names: in a status, or in the body of an error."""
    if exchange is None or exchange.response is None:
        return ""
    entries = exchange.send_response.entries if exchange.send_response else ()
    found = (find_limit_of(entry.status) for entry in entries if isinstance(entry.status, dict))
    if limit := next(filter(None, found), ""):
        return limit
    body = exchange.response.body if not exchange.has_succeeded and not entries else b""
    return next((limit for word, limit in read_words().items() if word in body), "")


def find_limit_of(status: dict[str, Any]) -> str:
    """Return the limit that a status names by its id, or by its name if that has no other meaning."""
    number, name = str(status.get("id", "")).strip(), status.get("name")
    rows = [row for row in read_status_rows("status") if row["name"] == name]
    named = bool(rows) and all(row["id"] in ACCOUNT_LIMITS for row in rows)
    by_id = next((r["name"] for r in read_status_rows("status") if str(r["id"]) == number), "")
    is_known = number.isdecimal() and int(number) in ACCOUNT_LIMITS
    return str(name if named else by_id) if named or is_known else ""


@cache
def read_words() -> dict[bytes, str]:
    """Return the limits by what the body of an error calls them: names of several words."""
    names = [row["name"] for row in read_status_rows("status") if row["id"] in ACCOUNT_LIMITS]
    words = {name.partition("_")[2]: name for name in names}
    return {word.encode(): name for word, name in words.items() if "_" in word}
