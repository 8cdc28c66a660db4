"""The line to one server: every request of a run goes through here, and is taken down.

Lives here: the limits of a run, the gate, what is given back, silence.
Never here: what is sent and why (session.py); a verdict.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

from infobip_sms_conformance.contract.openapi import Operation
from infobip_sms_conformance.observations.exchange import OK_STATUSES, Exchange, find_reply
from infobip_sms_conformance.observations.tolerant_reader import parse_open
from infobip_sms_conformance.observations.verdicts import Inconclusive
from infobip_sms_conformance.session.plan import Plan
from infobip_sms_conformance.transport.allow_list import Gate, NotAllowed, TooMany
from infobip_sms_conformance.transport.http import NoAnswer, Request, Target, send

LONGEST_RUN = 300.0
MOST_TIMEOUTS = 4
SENDING = {"send", "sendV1"}
REFUSED_CONNECTION = "the connection was refused"


@dataclass(frozen=True)
class Draft:
    """A request that is to be sent: what it is for, and its bytes."""

    operation: Operation
    wire: str
    what: str
    document: Any
    request: Request

    @property
    def sends(self) -> bool:
        """Whether it brings messages."""
        return self.operation.id in SENDING


class Line:
    """Sends what may leave; ends the run where it has to end."""

    def __init__(self, target: Target, plan: Plan) -> None:
        self._target, self._plan = target, plan
        self.gate = Gate(plan.allowed, plan.bill.most_messages)
        self.exchanges: list[Exchange] = []
        """Every exchange of the run, in order."""
        self.timeouts = self.silences = 0
        self.started = time.monotonic()
        self.stopped = ""
        self.limited = ""
        """Why not all that was wanted could be sent."""

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    def carry(self, draft: Draft) -> Exchange:
        """Send a request if it may leave, and take down what comes back."""
        self.check_limits()
        count = self._admit(draft.request.body if draft.sends else b"")
        found = self._exchange(draft)
        self.exchanges.append(found)
        if is_provably_unsent(found):
            self.gate.give_back(count)
        elif draft.sends and count and self._plan.profile.stops_at_acceptance:
            self.stopped = "a message was taken, although this run expects every one to be refused"
        if found.answer is None:
            self.silences += 1
            self.timeouts += found.slow
        if self.timeouts >= MOST_TIMEOUTS:
            self.stopped = self.stopped or "the server left too many requests without an answer"
        return found

    def check_limits(self) -> None:
        """Raise Inconclusive when the run has to end."""
        if len(self.exchanges) >= self._plan.bill.most_requests:
            self.stopped = self.stopped or "the announced number of requests was reached"
        if self.seconds > LONGEST_RUN + self._plan.patience:
            self.stopped = self.stopped or f"the run took more than {LONGEST_RUN:g} s"
        if self.stopped:
            raise Inconclusive(self.stopped)

    def _admit(self, body: bytes) -> int:
        """Count the messages that are about to leave; end the run when they must not."""
        try:
            return self.gate.admit(body)
        except TooMany as error:
            self.limited = str(error)
            raise Inconclusive(str(error)) from None
        except NotAllowed as error:
            self.stopped = f"the suite was about to send to {error}"
            raise Inconclusive(self.stopped) from None

    def _exchange(self, draft: Draft) -> Exchange:
        blank = Exchange(
            draft.what, draft.document, draft.wire, None, request=draft.request, at=time.time()
        )
        started = time.monotonic()
        try:
            answer = send(self._target, draft.request)
        except NoAnswer as error:
            return replace(blank, problem=str(error), slow=error.slow)
        found = replace(blank, answer=answer, seconds=time.monotonic() - started)
        if draft.sends:
            return replace(found, reply=find_reply(answer))
        return replace(found, data=find_data(draft.operation, answer.status, answer.body))


def is_provably_unsent(exchange: Exchange) -> bool:
    """Tell whether no message can have been taken: nothing arrived, or all of it was refused."""
    if exchange.answer is None:
        return exchange.problem == REFUSED_CONNECTION
    if exchange.answer.status not in OK_STATUSES:
        return True
    return bool(exchange.reply and exchange.reply.entries) and not exchange.accepts_any


def find_data(operation: Operation, status: int, body: bytes) -> Any:
    """Return the plain data of a success; none of anything that cannot be read."""
    if status not in OK_STATUSES:
        return None
    try:
        return parse_open(body, operation.response)
    except ValueError:
        return None
