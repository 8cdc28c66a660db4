"""The outcome of a message, read off its destination.

    999 SS R EEEE III    13 digits, with or without a leading plus

    SS    seconds from sending to the end of it
    R     reports: 0 none; 1 the one at the end; 2 to 9 also R - 1 intermediate ones before it, spread
          over the seconds, for messages that ask for intermediate reports
    EEEE  network error in the reports, by its number in the catalogue; 0000 for none
    III   status at the end, by its number in the catalogue

With 00 seconds a status of the groups ACCEPTED, PENDING and REJECTED stands already in the response
to the send request, and nothing is reported before it; 51 and 52 have no messageId there and leave no
message behind. A status that is not final stays until the validity period has passed: then the message
is EXPIRED, and that is the report at the end. The status itself is then one intermediate report more,
after the R - 1 others, unless R is 0. A number that begins with 999 and is of no such form, or names
what the catalogue has not, is rejected with 52 in the response.

9990510000005 is delivered after 5 seconds with one report; 9990010000006 is rejected in the response.
Country code 999 belongs to nobody, so that no number of a person is meant.
"""

from __future__ import annotations

import re

import attrs

from .statuses import INVALID_DESTINATION, NO_ERROR, get_error, get_status

_SCHEME = re.compile(r"999([0-9]{2})([0-9])([0-9]{4})([0-9]{3})")
_IMMEDIATE_GROUPS = {"ACCEPTED", "PENDING", "REJECTED"}


@attrs.frozen
class MagicNumber:
    """The outcome of a message."""

    seconds: float
    reports: int
    error: int
    status: int

    def is_immediate(self) -> bool:
        """Tell whether the response to the send request has the status already."""
        return self.seconds == 0 and get_status(self.status).group_name in _IMMEDIATE_GROUPS


INVALID_MAGIC_NUMBER = MagicNumber(0, 0, NO_ERROR, INVALID_DESTINATION)


def parse_magic_number(to: str) -> MagicNumber | None:
    """Return what a destination chooses; None if it chooses nothing."""
    digits = to.removeprefix("+")
    if not digits.startswith("999"):
        return None
    found = _SCHEME.fullmatch(digits)
    if found is None:
        return INVALID_MAGIC_NUMBER
    seconds, reports, error, status = map(int, found.groups())
    try:
        get_status(status)
        get_error(error)
    except KeyError:
        return INVALID_MAGIC_NUMBER
    return MagicNumber(seconds, reports, error, status)
