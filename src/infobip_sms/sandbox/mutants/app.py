"""The sandbox with one rule broken on purpose, to see that the suite finds it.

    FAULTS    the id of each fault, and the requirement that it breaks

An id is that of the requirement; further ways to break the same one have a word behind it, as in
``DLR-004-cut``. One fault is on at a time.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import SmsRequest, SmsRequestV1, SmsResponse
from infobip_sms_schema.operations import SEND, SEND_V1

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpError, HttpRequest, HttpResponse
from infobip_sms.sandbox.api.send import DestinationSpec, MessageSpec, Submission
from infobip_sms.sandbox.lifecycle.webhooks import build_webhook_request

from . import delivery, lookups, requests, responses

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from infobip_sms_schema import Violation

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.api.http import OperationContext, OperationResult
    from infobip_sms.sandbox.api.routing import AnyOperation
    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest, WebhookResult
    from infobip_sms.sandbox.state.state import State

_APP_MUTANTS = (
    *(f"AUTH-{n:03}" for n in range(1, 5)),
    *(f"HTTP-{n:03}" for n in (2, 3, 6, 7, 8)),
    "HTTP-002-empty",
)
_MUTANT_TABLES = (
    *(requests.UNCHECKED, requests.OVERSTRICT, requests.OVERSTRICT_V1, requests.VERSION_1_REMOVED),
    *(responses.MUTATED_SEND_RESPONSES, responses.REWRITTEN_RESPONSES),
    *(
        delivery.MUTATED_CONTENT,
        delivery.MUTATED_SUBMISSIONS,
        delivery.MUTATED_ROWS,
        delivery.LOST_WEBHOOKS,
        delivery.ALTERED_WEBHOOKS,
        delivery.REWRITTEN_WEBHOOKS,
        delivery.MUTATED_RETRIES,
    ),
    *(
        lookups.MUTATED_REQUESTS,
        lookups.MUTATED_RESPONSES,
        lookups.UNRECORDED,
        lookups.REPLACED_404,
    ),
)


def get_requirement_id(mutant_id: str) -> str:
    """Return the requirement that a fault breaks: the first two parts of its id."""
    return "-".join(mutant_id.split("-")[:2])


MUTANTS: Mapping[str, str] = MappingProxyType(
    {
        fault: get_requirement_id(fault)
        for fault in sorted({*_APP_MUTANTS, *(n for t in _MUTANT_TABLES for n in t)})
    }
)
"""Every fault that there is, with the requirement that it breaks."""


class MutantApp(App):
    """The sandbox's rules but for one."""

    def __init__(self, settings: SandboxSettings, mutant_id: str) -> None:
        super().__init__(settings)
        if mutant_id not in MUTANTS:
            raise ValueError(mutant_id)
        self.mutant_id = mutant_id

    # ------------------------------------------------------------ who asks, and how

    def require_authorization(self, request: HttpRequest) -> None:
        """Forget about missing credentials."""
        missing = "authorization" not in request.headers
        if not (missing and self.mutant_id == "AUTH-001"):
            super().require_authorization(request)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Take any credentials, or reject one scheme."""
        if self.mutant_id == "AUTH-002" and secret:
            return True
        refused = {"AUTH-003": "basic", "AUTH-004": "app"}.get(self.mutant_id)
        return scheme != refused and super().is_authorized(scheme, secret)

    def choose_response_wire(self, request: HttpRequest) -> Wire:
        """Answer in the wrong format."""
        bare = attrs.evolve(request, headers={**request.headers, "accept": ""})
        if self.mutant_id == "HTTP-006" and "accept" not in request.headers:
            return "json" if super().choose_response_wire(request) == "xml" else "xml"
        return super().choose_response_wire(bare if self.mutant_id == "HTTP-008" else request)

    # ------------------------------------------------------------ what is read

    def parse_input(
        self, operation: AnyOperation, path_values: dict[str, str], request: HttpRequest
    ) -> tuple[Any, Any]:
        """Do not know version 1."""
        status = requests.VERSION_1_REMOVED.get(self.mutant_id)
        if status is not None and operation is SEND_V1:
            raise HttpError(status, "NOT_FOUND", "There is no such resource")
        return super().parse_input(operation, path_values, request)

    def parse_body(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Reject a charset parameter."""
        if self.mutant_id == "HTTP-007" and ";" in request.headers.get("content-type", ""):
            raise _build_error(400)
        return super().parse_body(operation, request)

    def to_submission(self, request: SmsRequest | SmsRequestV1, wire: Wire) -> Submission:
        """Reject an allowed request, or read it as another."""
        strict: Any = (
            requests.OVERSTRICT if isinstance(request, SmsRequest) else requests.OVERSTRICT_V1
        )
        if self.mutant_id in strict and strict[self.mutant_id](request, wire):
            raise _build_error(400)
        submission = super().to_submission(request, wire)
        submission = delivery.mutate_content(submission, list(request.messages), self.mutant_id)
        versions, change = delivery.MUTATED_SUBMISSIONS.get(self.mutant_id, ((), None))
        return change(submission, wire) if change and submission.version in versions else submission

    def handle_invalid(
        self,
        operation: AnyOperation,
        request: HttpRequest,
        wire: Wire,
        violations: tuple[Violation, ...],
    ) -> Any:
        """Take a request that breaks nothing but the rule that was forgotten."""
        broken = {problem.requirement_id for problem in violations}
        forgotten = requests.UNCHECKED.get(self.mutant_id)
        if broken == {MUTANTS[self.mutant_id]} and forgotten and forgotten(violations, wire):
            return requests.parse_leniently(operation, request.body, wire)
        if operation is not SEND:
            return super().handle_invalid(operation, request, wire, violations)
        if self.mutant_id == "HTTP-003" and broken == {"HTTP-003"}:
            return Submission((MessageSpec((DestinationSpec("", None),)),))
        if self.mutant_id == "HTTP-002" and "HTTP-003" not in broken:
            raise _build_error(500)
        if self.mutant_id == "HTTP-002-empty" and "HTTP-003" not in broken:
            return Submission(())
        return super().handle_invalid(operation, request, wire, violations)

    # ------------------------------------------------------------ what is answered

    def run_operation(self, operation: AnyOperation, context: OperationContext) -> OperationResult:
        """Understand another question, or give another answer, or forget what was asked."""
        name, fault = operation.name, self.mutant_id
        asked, ask = lookups.MUTATED_REQUESTS.get(fault, (None, None))
        context = ask(context) if ask and asked == name else context
        outcome = self.run_or_replace_404(operation, context)
        said, say = lookups.MUTATED_RESPONSES.get(fault, ((), None))
        if say and name in said:
            outcome = attrs.evolve(outcome, response=say(outcome.response, context))
        forgets = lookups.UNRECORDED.get(fault) == name
        return attrs.evolve(outcome, rows=()) if forgets else outcome

    def run_or_replace_404(
        self, operation: AnyOperation, context: OperationContext
    ) -> OperationResult:
        """Answer where there is nothing."""
        names, build = lookups.REPLACED_404.get(self.mutant_id, ((), None))
        try:
            return super().run_operation(operation, context)
        except HttpError as refusal:
            if build and operation.name in names and refusal.status == 404:
                return build(context)
            raise

    def accept(self, submission: Submission, context: OperationContext) -> OperationResult:
        """Spoil the answer, or what is kept of a request."""
        outcome = super().accept(submission, context)
        remember = delivery.MUTATED_ROWS.get(self.mutant_id)
        if remember:
            over_midnight = self.settings.over_midnight
            rows = remember(outcome, submission, over_midnight=over_midnight)
            outcome = attrs.evolve(outcome, rows=rows)
        spoil = responses.MUTATED_SEND_RESPONSES.get(self.mutant_id)
        if spoil and isinstance(outcome.response, SmsResponse) and submission.version != 1:
            outcome = attrs.evolve(outcome, response=spoil(outcome.response, submission))
        return outcome

    def build_response(self, status: int, body: bytes, wire: Wire) -> HttpResponse:
        """Spoil the response."""
        response = super().build_response(status, body, wire)
        rewrite = responses.REWRITTEN_RESPONSES.get(self.mutant_id)
        return rewrite(response, wire == "xml") if rewrite else response

    # ------------------------------------------------------------ what is pushed

    def pop_webhook_requests(
        self, state: State, now: dt.datetime, limit: int | None = None
    ) -> list[WebhookRequest]:
        """Spoil reports."""
        found = super().pop_webhook_requests(state, now, limit)
        return [
            p
            for webhook_request in found
            if (p := self.mutate_webhook_request(webhook_request, state))
        ]

    def mutate_webhook_request(
        self, webhook_request: WebhookRequest, state: State
    ) -> WebhookRequest | None:
        """Return a report as it goes out; None if it does not."""
        push = state.deliveries[webhook_request.delivery_serial]
        sms = state.messages[push.message_serial]
        lost = delivery.LOST_WEBHOOKS.get(self.mutant_id)
        if lost and lost(push, sms, state):
            state.put([attrs.evolve(push, final_state="dead", reason="lost on purpose")])
            return None
        if alter := delivery.ALTERED_WEBHOOKS.get(self.mutant_id):
            webhook_request = build_webhook_request(*alter(push, sms), self.settings)
        rewrite = delivery.REWRITTEN_WEBHOOKS.get(self.mutant_id)
        return rewrite(webhook_request) if rewrite else webhook_request

    def record_webhook_result(
        self, state: State, serial: int, result: WebhookResult, now: dt.datetime
    ) -> None:
        """Try again at another time, or not."""
        super().record_webhook_result(state, serial, result, now)
        if tried := delivery.MUTATED_RETRIES.get(self.mutant_id):
            state.put([tried(state.deliveries[serial], now)])


def _build_error(status: int) -> HttpError:
    word = "BAD_REQUEST" if status == 400 else "GENERAL_ERROR"
    return HttpError(status, word, "Bad request" if status == 400 else "Something went wrong")
