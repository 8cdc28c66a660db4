"""The sandbox with one rule broken on purpose, to see that the judge finds it.

    FAULTS    the id of each fault, and the requirement that it breaks

An id is that of the requirement; further ways to break the same one have a word behind it, as in
``DLR-004-cut``. One fault is on at a time.

Lives here: at which step of app.py each fault takes hold.
Never here: what it does there (the other modules called faults_...); correct behaviour.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import SmsRequest, SmsRequestV1, SmsResponse
from infobip_sms_schema.operations import SEND, SEND_V1

from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpReply, HttpRequest, Refusal
from infobip_sms.sandbox.api.send import Draft, Recipient, Submission
from infobip_sms.sandbox.lifecycle.webhooks import build_posting

from . import delivery, lookups, requests, responses

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from infobip_sms_schema import Violation

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.api.http import Outcome, Question
    from infobip_sms.sandbox.api.routing import AnyOperation
    from infobip_sms.sandbox.config import Settings
    from infobip_sms.sandbox.lifecycle.webhooks import Answer, Posting
    from infobip_sms.sandbox.state.state import State

_HERE = (
    *(f"AUTH-{n:03}" for n in range(1, 5)),
    *(f"HTTP-{n:03}" for n in (2, 3, 6, 7, 8)),
    "HTTP-002-empty",
)
_ELSEWHERE = (
    *(requests.FORGOTTEN, requests.OVERSTRICT, requests.OVERSTRICT_V1, requests.GONE),
    *(responses.SPOILED, responses.REWRITTEN),
    *(
        delivery.TAKEN_DOWN,
        delivery.SUBMITTED,
        delivery.REMEMBERED,
        delivery.LOST,
        delivery.ALTERED,
        delivery.REWRITTEN_PUSHES,
        delivery.TRIED,
    ),
    *(lookups.QUESTIONS, lookups.ANSWERS, lookups.FORGETFUL, lookups.MISSING),
)


def find_requirement(fault: str) -> str:
    """Return the requirement that a fault breaks: the first two parts of its id."""
    return "-".join(fault.split("-")[:2])


FAULTS: Mapping[str, str] = MappingProxyType(
    {
        fault: find_requirement(fault)
        for fault in sorted({*_HERE, *(n for t in _ELSEWHERE for n in t)})
    }
)
"""Every fault that there is, with the requirement that it breaks."""


class Faulty(App):
    """The sandbox's rules but for one."""

    def __init__(self, settings: Settings, fault: str) -> None:
        super().__init__(settings)
        if fault not in FAULTS:
            raise ValueError(fault)
        self.fault = fault

    # ------------------------------------------------------------ who asks, and how

    def check_authorization(self, request: HttpRequest) -> None:
        """Forget about missing credentials."""
        missing = "authorization" not in request.headers
        if not (missing and self.fault == "AUTH-001"):
            super().check_authorization(request)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Take any credentials, or refuse one scheme."""
        if self.fault == "AUTH-002" and secret:
            return True
        refused = {"AUTH-003": "basic", "AUTH-004": "app"}.get(self.fault)
        return scheme != refused and super().is_authorized(scheme, secret)

    def find_reply_wire(self, request: HttpRequest) -> Wire:
        """Answer in the wrong format."""
        bare = attrs.evolve(request, headers={**request.headers, "accept": ""})
        if self.fault == "HTTP-006" and "accept" not in request.headers:
            return "json" if super().find_reply_wire(request) == "xml" else "xml"
        return super().find_reply_wire(bare if self.fault == "HTTP-008" else request)

    # ------------------------------------------------------------ what is read

    def read_all(
        self, operation: AnyOperation, inside: dict[str, str], request: HttpRequest
    ) -> tuple[Any, Any]:
        """Do not know version 1."""
        status = requests.GONE.get(self.fault)
        if status is not None and operation is SEND_V1:
            raise Refusal(status, "NOT_FOUND", "There is no such resource")
        return super().read_all(operation, inside, request)

    def read(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Refuse a charset parameter."""
        if self.fault == "HTTP-007" and ";" in request.headers.get("content-type", ""):
            raise _refuse(400)
        return super().read(operation, request)

    def submit(self, request: SmsRequest | SmsRequestV1, wire: Wire) -> Submission:
        """Refuse a legal request, or read it as another."""
        strict: Any = (
            requests.OVERSTRICT if isinstance(request, SmsRequest) else requests.OVERSTRICT_V1
        )
        if self.fault in strict and strict[self.fault](request, wire):
            raise _refuse(400)
        submission = super().submit(request, wire)
        submission = delivery.take_down(submission, list(request.messages), self.fault)
        versions, change = delivery.SUBMITTED.get(self.fault, ((), None))
        return change(submission, wire) if change and submission.version in versions else submission

    def read_faulty(
        self,
        operation: AnyOperation,
        request: HttpRequest,
        wire: Wire,
        problems: tuple[Violation, ...],
    ) -> Any:
        """Take a request that breaks nothing but the rule that was forgotten."""
        broken = {problem.requirement for problem in problems}
        forgotten = requests.FORGOTTEN.get(self.fault)
        if broken == {FAULTS[self.fault]} and forgotten and forgotten(problems, wire):
            return requests.read_anyway(operation, request.body, wire)
        if operation is not SEND:
            return super().read_faulty(operation, request, wire, problems)
        if self.fault == "HTTP-003" and broken == {"HTTP-003"}:
            return Submission((Draft((Recipient("", None),)),))
        if self.fault == "HTTP-002" and "HTTP-003" not in broken:
            raise _refuse(500)
        if self.fault == "HTTP-002-empty" and "HTTP-003" not in broken:
            return Submission(())
        return super().read_faulty(operation, request, wire, problems)

    # ------------------------------------------------------------ what is answered

    def answer(self, operation: AnyOperation, question: Question) -> Outcome:
        """Understand another question, or give another answer, or forget what was asked."""
        name, fault = operation.name, self.fault
        asked, ask = lookups.QUESTIONS.get(fault, (None, None))
        question = ask(question) if ask and asked == name else question
        outcome = self.find_answer(operation, question)
        said, say = lookups.ANSWERS.get(fault, ((), None))
        if say and name in said:
            outcome = attrs.evolve(outcome, response=say(outcome.response, question))
        forgets = lookups.FORGETFUL.get(fault) == name
        return attrs.evolve(outcome, rows=()) if forgets else outcome

    def find_answer(self, operation: AnyOperation, question: Question) -> Outcome:
        """Answer where there is nothing."""
        names, build = lookups.MISSING.get(self.fault, ((), None))
        try:
            return super().answer(operation, question)
        except Refusal as refusal:
            if build and operation.name in names and refusal.status == 404:
                return build(question)
            raise

    def accept(self, submission: Submission, question: Question) -> Outcome:
        """Spoil the answer, or what is kept of a request."""
        outcome = super().accept(submission, question)
        remember = delivery.REMEMBERED.get(self.fault)
        if remember:
            over_midnight = self.settings.over_midnight
            rows = remember(outcome, submission, over_midnight=over_midnight)
            outcome = attrs.evolve(outcome, rows=rows)
        spoil = responses.SPOILED.get(self.fault)
        if spoil and isinstance(outcome.response, SmsResponse) and submission.version != 1:
            outcome = attrs.evolve(outcome, response=spoil(outcome.response, submission))
        return outcome

    def reply(self, status: int, body: bytes, wire: Wire) -> HttpReply:
        """Spoil the reply."""
        reply = super().reply(status, body, wire)
        rewrite = responses.REWRITTEN.get(self.fault)
        return rewrite(reply, wire == "xml") if rewrite else reply

    # ------------------------------------------------------------ what is pushed

    def take_postings(
        self, state: State, now: dt.datetime, most: int | None = None
    ) -> list[Posting]:
        """Spoil reports."""
        found = super().take_postings(state, now, most)
        return [p for posting in found if (p := self.spoil_posting(posting, state))]

    def spoil_posting(self, posting: Posting, state: State) -> Posting | None:
        """Return a report as it goes out; None if it does not."""
        push = state.pushes[posting.push]
        sms = state.messages[push.sms]
        lost = delivery.LOST.get(self.fault)
        if lost and lost(push, sms, state):
            state.put([attrs.evolve(push, end="dead", reason="lost on purpose")])
            return None
        if alter := delivery.ALTERED.get(self.fault):
            posting = build_posting(*alter(push, sms), self.settings)
        rewrite = delivery.REWRITTEN_PUSHES.get(self.fault)
        return rewrite(posting) if rewrite else posting

    def settle(self, state: State, number: int, answer: Answer, now: dt.datetime) -> None:
        """Try again at another time, or not."""
        super().settle(state, number, answer, now)
        if tried := delivery.TRIED.get(self.fault):
            state.put([tried(state.pushes[number], now)])


def _refuse(status: int) -> Refusal:
    word = "BAD_REQUEST" if status == 400 else "GENERAL_ERROR"
    return Refusal(status, word, "Bad request" if status == 400 else "Something went wrong")
