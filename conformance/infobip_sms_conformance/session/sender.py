"""The line to one server: every request of a run goes through here, and is recorded."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from infobip_sms_conformance.contract.openapi import Operation
from infobip_sms_conformance.observations.exchange import (
    OK_STATUSES,
    Exchange,
    RequestOutcome,
    find_send_response,
)
from infobip_sms_conformance.observations.tolerant_reader import parse_tolerant
from infobip_sms_conformance.observations.verdicts import Inconclusive
from infobip_sms_conformance.session.first_requests import RATE_LIMITED
from infobip_sms_conformance.session.plan import Plan
from infobip_sms_conformance.session.recorded import Key, RecordedRequest, get_key
from infobip_sms_conformance.transport.allow_list import (
    AllowList,
    DestinationNotAllowedError,
    MessageLimitError,
)
from infobip_sms_conformance.transport.http import NoResponseError, RawRequest, TargetServer, send

MAX_SECONDS = 300.0
MAX_TIMEOUTS = 4
MAX_LIMITED = 8
"""Requests one after the other that a server may answer with 429."""
SEND_OPERATIONS = {"send", "sendV1"}
NO_CONNECTION = ("the connection was refused", "no TLS", "the TLS certificate")
"""How the problem begins where nothing was sent."""


@dataclass(frozen=True)
class PreparedRequest:
    """A request that is to be sent: what it is for, and its bytes."""

    operation: Operation
    wire: str
    label: str
    document: Any
    request: RawRequest

    @property
    def has_messages(self) -> bool:
        """Whether it brings messages."""
        return self.operation.id in SEND_OPERATIONS


class RequestSender:
    """Sends what may leave; ends the run where it has to end."""

    def __init__(
        self,
        target: TargetServer,
        plan: Plan,
        recorded: Mapping[Key, RecordedRequest] | None = None,
    ) -> None:
        self._target, self._plan, self._recorded = target, plan, recorded or {}
        self.allow_list = AllowList(plan.allowed, plan.budget.max_messages)
        self.exchanges: list[Exchange] = []
        """Every exchange of the run, in order."""
        self.timeouts = self.unanswered = self.throttled = 0
        self.started = time.monotonic()
        self.stopped = ""
        self.limited = ""
        """Why not all that was wanted could be sent."""

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    def send(self, prepared: PreparedRequest) -> Exchange:
        """Send a request if it may leave, and record what comes back."""
        self.require_within_limits()
        if self._recorded:
            prepared = self._find_recorded(prepared)
        count = self._reserve(prepared.request.body if prepared.has_messages else b"")
        found = self._exchange(prepared)
        self.exchanges.append(found)
        if is_provably_unsent(found):
            self.allow_list.release(count)
        elif prepared.has_messages and count and self._plan.profile.stops_at_acceptance:
            self.stopped = "a message was taken, although this run expects every one to be rejected"
        self.throttled = self.throttled + 1 if found.outcome is RequestOutcome.THROTTLED else 0
        if self.throttled >= MAX_LIMITED:
            self.stopped = self.stopped or f"{RATE_LIMITED} (HTTP {found.status})"
        if found.response is None:
            self.unanswered += 1
            self.timeouts += found.slow
        if self.timeouts >= MAX_TIMEOUTS:
            self.stopped = self.stopped or "the server left too many requests without an answer"
        return found

    def _find_recorded(self, prepared: PreparedRequest) -> PreparedRequest:
        """Return the request of the earlier run that is to be sent again, if there is one."""
        found = self._recorded.get(get_key(prepared.label, prepared.wire))
        if found is None:
            return prepared
        request, document = found.build(self._plan.allowed, prepared.request)
        return replace(prepared, request=request, document=document)

    def require_within_limits(self) -> None:
        """Raise Inconclusive when the run has to end."""
        if len(self.exchanges) >= self._plan.budget.max_requests:
            self.stopped = self.stopped or "the announced number of requests was reached"
        if self.seconds > MAX_SECONDS + self._plan.patience:
            self.stopped = self.stopped or f"the run took more than {MAX_SECONDS:g} s"
        if self.stopped:
            raise Inconclusive(self.stopped)

    def _reserve(self, body: bytes) -> int:
        """Count the messages that are about to leave; end the run when they must not."""
        try:
            return self.allow_list.reserve(body)
        except MessageLimitError as error:
            self.limited = str(error)
            raise Inconclusive(str(error)) from None
        except DestinationNotAllowedError as error:
            self.stopped = f"the suite was about to send to {error}"
            raise Inconclusive(self.stopped) from None

    def _exchange(self, prepared: PreparedRequest) -> Exchange:
        blank = Exchange(
            prepared.label,
            prepared.document,
            prepared.wire,
            None,
            request=prepared.request,
            at=time.time(),
        )
        started = time.monotonic()
        try:
            answer = send(self._target, prepared.request)
        except NoResponseError as error:
            return replace(blank, problem=str(error), slow=error.slow)
        found = replace(blank, response=answer, seconds=time.monotonic() - started)
        if prepared.has_messages:
            return replace(found, send_response=find_send_response(answer))
        return replace(found, data=parse_data(prepared.operation, answer.status, answer.body))


def is_provably_unsent(exchange: Exchange) -> bool:
    """Tell whether no message can have been taken: nothing arrived, or all of it was rejected."""
    if exchange.response is None:
        return exchange.problem.startswith(NO_CONNECTION)
    if exchange.response.status not in OK_STATUSES:
        return True
    return (
        bool(exchange.send_response and exchange.send_response.entries)
        and not exchange.has_accepted_destination
    )


def parse_data(operation: Operation, status: int, body: bytes) -> Any:
    """Return the plain data of a success; none of anything that cannot be read."""
    if status not in OK_STATUSES:
        return None
    try:
        return parse_tolerant(body, operation.response)
    except ValueError:
        return None
