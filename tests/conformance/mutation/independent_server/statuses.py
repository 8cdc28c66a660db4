"""The statuses that the independent server gives, from the vendor's catalogue."""

from typing import Any

GROUPS = {
    0: "ACCEPTED",
    1: "PENDING",
    2: "UNDELIVERABLE",
    3: "DELIVERED",
    4: "EXPIRED",
    5: "REJECTED",
}


def build_status(
    group: int, number: int, name: str, description: str, action: str = ""
) -> dict[str, Any]:
    """Build a status."""
    status: dict[str, Any] = {
        "groupId": group,
        "groupName": GROUPS[group],
        "id": number,
        "name": name,
        "description": description,
    }
    return {**status, "action": action} if action else status


SENT_ON = "Message sent to next instance"
ACCEPTED = build_status(0, 0, "MESSAGE_ACCEPTED", "Message accepted")
ENROUTE = build_status(1, 7, "PENDING_ENROUTE", SENT_ON)
PENDING = build_status(1, 26, "PENDING_ACCEPTED", SENT_ON)
SCHEDULED = build_status(1, 26, "PENDING_ACCEPTED", "Pending Accepted")
DELIVERED = build_status(3, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset")
UNDELIVERED = build_status(2, 9, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered")
EXPIRED = build_status(4, 15, "EXPIRED_EXPIRED", "Message expired")
BAD_SENDER = build_status(5, 11, "REJECTED_SOURCE", "Invalid Source address")
BAD_VALUE = build_status(5, 21, "REJECTED_SYSTEM_ERROR", "System error")
DUPLICATE = build_status(5, 23, "REJECTED_DUPLICATE_MESSAGE_ID", "Rejected duplicate message ID")
NO_CREDITS = build_status(5, 12, "REJECTED_NOT_ENOUGH_CREDITS", "Not enough credits")
FLOODING = build_status(5, 20, "REJECTED_FLOODING_FILTER", "Rejected flooding", "STOP SPAMMING")
NO_ROUTE = build_status(
    5, 19, "REJECTED_ROUTE_NOT_AVAILABLE", "Route not available", "Contact account manager"
)
BLACKLISTED = build_status(
    5, 14, "REJECTED_DESTINATION", "By Destination", "Remove destination from blacklist"
)
NO_NUMBER = build_status(5, 51, "MISSING_TO", "Missing destination.", "Check to parameter.")
BAD_NUMBER = build_status(
    5, 52, "REJECTED_DESTINATION", "Invalid destination address.", "Check to parameter."
)
CANCELED = build_status(5, 21, "REJECTED_SYSTEM_ERROR", "System error")
NO_ERROR: dict[str, Any] = {
    "groupId": 0,
    "groupName": "Ok",
    "id": 0,
    "name": "NO_ERROR",
    "description": "No Error",
    "permanent": False,
}
