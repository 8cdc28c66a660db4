"""A sandbox that violates requirements on purpose, to test the conformance suite.

The id of a mutant is that of the requirement; further mutants of the same one have a suffix, as in
``DLR-004-cut``. Several mutants may be active at a time.
"""

from __future__ import annotations

from difflib import get_close_matches
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
    """The behavior of the sandbox, except for one or several requirements."""

    def __init__(self, settings: SandboxSettings, *mutant_ids: str) -> None:
        super().__init__(settings)
        if unknown := set(mutant_ids) - MUTANTS.keys():
            raise ValueError(*sorted(unknown))
        self.mutant_ids = tuple(dict.fromkeys(mutant_ids))

    def find(self, table: Mapping[str, Any]) -> list[Any]:
        """Return what a table has for the active mutants."""
        return [table[mutant_id] for mutant_id in self.mutant_ids if mutant_id in table]

    def has(self, mutant_id: str) -> bool:
        """Return whether a mutant is active."""
        return mutant_id in self.mutant_ids

    # ------------------------------------------------------------ authorization and format

    def require_authorization(self, request: HttpRequest) -> None:
        """Allow requests without credentials."""
        missing = "authorization" not in request.headers
        if not (missing and self.has("AUTH-001")):
            super().require_authorization(request)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Allow any credentials, or reject one scheme."""
        if self.has("AUTH-002") and secret:
            return True
        rejected = self.find({"AUTH-003": "basic", "AUTH-004": "app"})
        return scheme not in rejected and super().is_authorized(scheme, secret)

    def choose_response_wire(self, request: HttpRequest) -> Wire:
        """Respond in the wrong format."""
        without_accept = attrs.evolve(request, headers={**request.headers, "accept": ""})
        if self.has("HTTP-006") and "accept" not in request.headers:
            return "json" if super().choose_response_wire(request) == "xml" else "xml"
        return super().choose_response_wire(without_accept if self.has("HTTP-008") else request)

    # ------------------------------------------------------------ requests

    def parse_input(
        self, operation: AnyOperation, path_values: dict[str, str], request: HttpRequest
    ) -> tuple[Any, Any]:
        """Reject version 1."""
        for status in self.find(requests.VERSION_1_REMOVED):
            if operation is SEND_V1:
                raise HttpError(status, "NOT_FOUND", "There is no such resource")
        return super().parse_input(operation, path_values, request)

    def parse_body(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Reject a charset parameter."""
        if self.has("HTTP-007") and ";" in request.headers.get("content-type", ""):
            raise _build_error(400)
        return super().parse_body(operation, request)

    def to_submission(self, request: SmsRequest | SmsRequestV1, wire: Wire) -> Submission:
        """Reject a valid request, or change it."""
        strict: Any = (
            requests.OVERSTRICT if isinstance(request, SmsRequest) else requests.OVERSTRICT_V1
        )
        if any(is_rejected(request, wire) for is_rejected in self.find(strict)):
            raise _build_error(400)
        submission = super().to_submission(request, wire)
        for change in self.find(delivery.MUTATED_CONTENT):
            submission = delivery.mutate_content(submission, list(request.messages), change)
        for versions, change in self.find(delivery.MUTATED_SUBMISSIONS):
            submission = change(submission, wire) if submission.version in versions else submission
        return submission

    def handle_invalid(
        self,
        operation: AnyOperation,
        request: HttpRequest,
        wire: Wire,
        violations: tuple[Violation, ...],
    ) -> Any:
        """Accept a request that violates only requirements of the mutants."""
        violated = {violation.requirement_id for violation in violations}
        if violated <= self.find_unchecked(violations, wire):
            return requests.parse_leniently(operation, request.body, wire)
        if operation is not SEND:
            return super().handle_invalid(operation, request, wire, violations)
        if self.has("HTTP-003") and violated == {"HTTP-003"}:
            return Submission((MessageSpec((DestinationSpec("", None),)),))
        if self.has("HTTP-002") and "HTTP-003" not in violated:
            raise _build_error(500)
        if self.has("HTTP-002-empty") and "HTTP-003" not in violated:
            return Submission(())
        return super().handle_invalid(operation, request, wire, violations)

    def find_unchecked(self, violations: tuple[Violation, ...], wire: Wire) -> set[str]:
        """Return the requirements whose violations are not noticed."""
        found = set()
        for mutant_id in self.mutant_ids:
            own = [v for v in violations if v.requirement_id == MUTANTS[mutant_id]]
            is_unchecked = requests.UNCHECKED.get(mutant_id)
            if is_unchecked and is_unchecked(own, wire):
                found.add(MUTANTS[mutant_id])
        return found

    # ------------------------------------------------------------ responses

    def run_operation(self, operation: AnyOperation, context: OperationContext) -> OperationResult:
        """Change the request or the response, or store nothing."""
        name = operation.name
        for target, change in self.find(lookups.MUTATED_REQUESTS):
            context = change(context) if target == name else context
        result = self.run_or_replace_404(operation, context)
        for names, rewrite in self.find(lookups.MUTATED_RESPONSES):
            if name in names:
                result = attrs.evolve(result, response=rewrite(result.response, context))
        is_unrecorded = name in self.find(lookups.UNRECORDED)
        return attrs.evolve(result, rows=()) if is_unrecorded else result

    def run_or_replace_404(
        self, operation: AnyOperation, context: OperationContext
    ) -> OperationResult:
        """Replace HTTP 404 with another response."""
        try:
            return super().run_operation(operation, context)
        except HttpError as error:
            for names, build in self.find(lookups.REPLACED_404):
                if operation.name in names and error.status == 404:
                    replaced: OperationResult = build(context)
                    return replaced
            raise

    def accept(self, submission: Submission, context: OperationContext) -> OperationResult:
        """Mutate the response to a send request, or its rows."""
        result = super().accept(submission, context)
        for mutate_rows in self.find(delivery.MUTATED_ROWS):
            over_midnight = self.settings.over_midnight
            rows = mutate_rows(result, submission, over_midnight=over_midnight)
            result = attrs.evolve(result, rows=rows)
        for mutate in self.find(responses.MUTATED_SEND_RESPONSES):
            if isinstance(result.response, SmsResponse) and submission.version != 1:
                result = attrs.evolve(result, response=mutate(result.response, submission))
        return result

    def build_response(self, status: int, body: bytes, wire: Wire) -> HttpResponse:
        """Rewrite the bytes of a response."""
        response = super().build_response(status, body, wire)
        for rewrite in self.find(responses.REWRITTEN_RESPONSES):
            response = rewrite(response, wire == "xml")
        return response

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
        if any(is_lost(webhook, sms, state) for is_lost in self.find(delivery.LOST_WEBHOOKS)):
            state.put([attrs.evolve(webhook, final_state="dead", reason="is_lost on purpose")])
            return None
        for alter in self.find(delivery.ALTERED_WEBHOOKS):
            webhook, sms = alter(webhook, sms)
            webhook_request = build_webhook_request(webhook, sms, self.settings)
        for rewrite in self.find(delivery.REWRITTEN_WEBHOOKS):
            webhook_request = rewrite(webhook_request)
        return webhook_request

    def record_webhook_result(
        self, state: State, serial: int, result: WebhookResult, now: dt.datetime
    ) -> None:
        """Retry at another time, or never."""
        super().record_webhook_result(state, serial, result, now)
        for mutate in self.find(delivery.MUTATED_RETRIES):
            state.put([mutate(state.deliveries[serial], now)])


def _build_error(status: int) -> HttpError:
    code = "BAD_REQUEST" if status == 400 else "GENERAL_ERROR"
    return HttpError(status, code, "Bad request" if status == 400 else "Something went wrong")


def suggest_mutants(mutant_id: str) -> str:
    """Return a sentence with the mutants whose ids are nearest to one that does not exist."""
    near = [known for known in MUTANTS if known.startswith(mutant_id.upper())] if mutant_id else []
    near = near or get_close_matches(mutant_id.upper(), MUTANTS, n=4, cutoff=0.6)
    hint = (
        f"did you mean {', '.join(near[:6])}?" if near else "GET /sandbox/faults/known lists them"
    )
    return f"there is no fault of that ID; {hint}"
