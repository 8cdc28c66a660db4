"""Test numbers: the destination determines the outcome of a message.

    999 SS R EEEE III    13 digits, with or without a leading plus

    SS    seconds from sending until the last status
    R     reports: 0 none; 1 the final one; 2 to 9 also R - 1 intermediate ones before it, spread
          over the seconds, for messages that ask for intermediate reports
    EEEE  id of the network error in the reports; 0000 for none
    III   id of the last status

With 00 seconds a status of the groups ACCEPTED, PENDING and REJECTED is already in the response
to the send request, and nothing is reported before it; 51 and 52 have no messageId there and create no
message. A status that is not final lasts until the validity period has passed: then the message
is EXPIRED, and that is the final report. The status itself is then one more intermediate report,
after the R - 1 others, unless R is 0. A number that starts with 999 but does not have this form, or
contains an unknown id, is rejected with 52 in the response.

9990510000005 is delivered after 5 seconds with one report; 9990010000006 is rejected in the response.
Country code 999 is not assigned, so no test number belongs to a person.
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
        """Return whether the response to the send request already has the status."""
        return self.seconds == 0 and get_status(self.status).group_name in _IMMEDIATE_GROUPS


INVALID_MAGIC_NUMBER = MagicNumber(0, 0, NO_ERROR, INVALID_DESTINATION)


def parse_magic_number(to: str) -> MagicNumber | None:
    """Return the outcome of a test number; None for any other destination."""
    digits = to.removeprefix("+")
    if not digits.startswith("999"):
        return None
    match = _SCHEME.fullmatch(digits)
    if match is None:
        return INVALID_MAGIC_NUMBER
    seconds, reports, error, status = map(int, match.groups())
    try:
        get_status(status)
        get_error(error)
    except KeyError:
        return INVALID_MAGIC_NUMBER
    return MagicNumber(seconds, reports, error, status)
