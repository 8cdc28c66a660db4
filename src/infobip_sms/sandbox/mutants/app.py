"""A sandbox that violates one requirement on purpose, to test the conformance suite.

The id of a mutant is that of the requirement; further mutants of the same one have a suffix, as in
``DLR-004-cut``. One mutant is active at a time.
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
    """Return the requirement that a mutant violates: the first two parts of its id."""
    return "-".join(mutant_id.split("-")[:2])


MUTANTS: Mapping[str, str] = MappingProxyType(
    {
        mutant_id: get_requirement_id(mutant_id)
        for mutant_id in sorted({*_APP_MUTANTS, *(n for t in _MUTANT_TABLES for n in t)})
    }
)
"""Every mutant, with the requirement that it violates."""


class MutantApp(App):
    """The behavior of the sandbox, except for one requirement."""

    def __init__(self, settings: SandboxSettings, mutant_id: str) -> None:
        super().__init__(settings)
        if mutant_id not in MUTANTS:
            raise ValueError(mutant_id)
        self.mutant_id = mutant_id

    # ------------------------------------------------------------ authorization and format

    def require_authorization(self, request: HttpRequest) -> None:
        """Allow requests without credentials."""
        missing = "authorization" not in request.headers
        if not (missing and self.mutant_id == "AUTH-001"):
            super().require_authorization(request)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Allow any credentials, or reject one scheme."""
        if self.mutant_id == "AUTH-002" and secret:
            return True
        rejected = {"AUTH-003": "basic", "AUTH-004": "app"}.get(self.mutant_id)
        return scheme != rejected and super().is_authorized(scheme, secret)

    def choose_response_wire(self, request: HttpRequest) -> Wire:
        """Respond in the wrong format."""
        without_accept = attrs.evolve(request, headers={**request.headers, "accept": ""})
        if self.mutant_id == "HTTP-006" and "accept" not in request.headers:
            return "json" if super().choose_response_wire(request) == "xml" else "xml"
        return super().choose_response_wire(
            without_accept if self.mutant_id == "HTTP-008" else request
        )

    # ------------------------------------------------------------ requests

    def parse_input(
        self, operation: AnyOperation, path_values: dict[str, str], request: HttpRequest
    ) -> tuple[Any, Any]:
        """Reject version 1."""
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
        """Reject a valid request, or change it."""
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
        """Accept a request that violates only the requirement of the mutant."""
        violated = {violation.requirement_id for violation in violations}
        is_unchecked = requests.UNCHECKED.get(self.mutant_id)
        if (
            violated == {MUTANTS[self.mutant_id]}
            and is_unchecked
            and is_unchecked(violations, wire)
        ):
            return requests.parse_leniently(operation, request.body, wire)
        if operation is not SEND:
            return super().handle_invalid(operation, request, wire, violations)
        if self.mutant_id == "HTTP-003" and violated == {"HTTP-003"}:
            return Submission((MessageSpec((DestinationSpec("", None),)),))
        if self.mutant_id == "HTTP-002" and "HTTP-003" not in violated:
            raise _build_error(500)
        if self.mutant_id == "HTTP-002-empty" and "HTTP-003" not in violated:
            return Submission(())
        return super().handle_invalid(operation, request, wire, violations)

    # ------------------------------------------------------------ responses

    def run_operation(self, operation: AnyOperation, context: OperationContext) -> OperationResult:
        """Change the request or the response, or store nothing."""
        name, mutant_id = operation.name, self.mutant_id
        target, change = lookups.MUTATED_REQUESTS.get(mutant_id, (None, None))
        context = change(context) if change and target == name else context
        result = self.run_or_replace_404(operation, context)
        names, rewrite = lookups.MUTATED_RESPONSES.get(mutant_id, ((), None))
        if rewrite and name in names:
            result = attrs.evolve(result, response=rewrite(result.response, context))
        unrecorded = lookups.UNRECORDED.get(mutant_id) == name
        return attrs.evolve(result, rows=()) if unrecorded else result

    def run_or_replace_404(
        self, operation: AnyOperation, context: OperationContext
    ) -> OperationResult:
        """Replace HTTP 404 with another response."""
        names, build = lookups.REPLACED_404.get(self.mutant_id, ((), None))
        try:
            return super().run_operation(operation, context)
        except HttpError as error:
            if build and operation.name in names and error.status == 404:
                return build(context)
            raise

    def accept(self, submission: Submission, context: OperationContext) -> OperationResult:
        """Mutate the response to a send request, or its rows."""
        result = super().accept(submission, context)
        mutate_rows = delivery.MUTATED_ROWS.get(self.mutant_id)
        if mutate_rows:
            over_midnight = self.settings.over_midnight
            rows = mutate_rows(result, submission, over_midnight=over_midnight)
            result = attrs.evolve(result, rows=rows)
        mutate = responses.MUTATED_SEND_RESPONSES.get(self.mutant_id)
        if mutate and isinstance(result.response, SmsResponse) and submission.version != 1:
            result = attrs.evolve(result, response=mutate(result.response, submission))
        return result

    def build_response(self, status: int, body: bytes, wire: Wire) -> HttpResponse:
        """Rewrite the bytes of a response."""
        response = super().build_response(status, body, wire)
        rewrite = responses.REWRITTEN_RESPONSES.get(self.mutant_id)
        return rewrite(response, wire == "xml") if rewrite else response

    # ------------------------------------------------------------ webhooks

    def pop_webhook_requests(
        self, state: State, now: dt.datetime, limit: int | None = None
    ) -> list[WebhookRequest]:
        """Mutate the reports to be posted."""
        requests_due = super().pop_webhook_requests(state, now, limit)
        mutated = (self.mutate_webhook_request(request, state) for request in requests_due)
        return [request for request in mutated if request]

    def mutate_webhook_request(
        self, webhook_request: WebhookRequest, state: State
    ) -> WebhookRequest | None:
        """Return a report as it is posted; None if it is not."""
        webhook = state.deliveries[webhook_request.delivery_serial]
        sms = state.messages[webhook.message_serial]
        is_lost = delivery.LOST_WEBHOOKS.get(self.mutant_id)
        if is_lost and is_lost(webhook, sms, state):
            state.put([attrs.evolve(webhook, final_state="dead", reason="is_lost on purpose")])
            return None
        if alter := delivery.ALTERED_WEBHOOKS.get(self.mutant_id):
            webhook_request = build_webhook_request(*alter(webhook, sms), self.settings)
        rewrite = delivery.REWRITTEN_WEBHOOKS.get(self.mutant_id)
        return rewrite(webhook_request) if rewrite else webhook_request

    def record_webhook_result(
        self, state: State, serial: int, result: WebhookResult, now: dt.datetime
    ) -> None:
        """Retry at another time, or never."""
        super().record_webhook_result(state, serial, result, now)
        if mutate := delivery.MUTATED_RETRIES.get(self.mutant_id):
            state.put([mutate(state.deliveries[serial], now)])


def _build_error(status: int) -> HttpError:
    code = "BAD_REQUEST" if status == 400 else "GENERAL_ERROR"
    return HttpError(status, code, "Bad request" if status == 400 else "Something went wrong")
