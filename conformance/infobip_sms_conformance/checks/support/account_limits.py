"""Responses that name a limit of the account or of the platform: they prove nothing about a request."""

from infobip_sms_conformance.contract.files import read_status_rows
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import Inconclusive

ACCOUNT_LIMITS = (
    "REJECTED_NOT_ENOUGH_CREDITS",
    "REJECTED_PREPAID_PACKAGE_EXPIRED",
    "REJECTED_FLOODING_FILTER",
    "REJECTED_ROUTE_NOT_AVAILABLE",
    "REJECTED_DND",
    "REJECTED_DESTINATION_NOT_REGISTERED",
)
"""Statuses of the catalogue that say something about the account or the platform, not about the request."""


def require_no_account_limit(exchange: Exchange) -> None:
    """Raise Inconclusive where the server rejects for a reason that lies in the account, not in the request."""
    if limit := find_account_limit(exchange):
        raise Inconclusive(f"the server says {limit}", exchange=exchange)


def find_account_limit(exchange: Exchange) -> str:
    """Return the limit of the account that a response names: in a status, or in the body of an error."""
    entries = exchange.send_response.entries if exchange.send_response else ()
    statuses = [entry.status for entry in entries if isinstance(entry.status, dict)]
    names = {status.get("name") for status in statuses}
    numbers = {str(s.get("id")) for s in statuses if s.get("name") in (None, "")}
    body = exchange.response.body if exchange.response and not exchange.has_succeeded else b""
    for row in read_status_rows("status"):
        limit = row["name"]
        if limit not in ACCOUNT_LIMITS:
            continue
        error = limit.partition("_")[2].encode() in body and not entries
        if limit in names or str(row["id"]) in numbers or error:
            return str(limit)
    return ""
