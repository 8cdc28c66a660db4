"""The sandbox with one rule broken on purpose, to see that the judge finds it.

A fault has the id of the requirement that it breaks; one is on at a time.

Lives here: every fault, as a change to one step of app.py.
Never here: correct behaviour.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import SmsRequest, SmsRequestV1, SmsResponse
from infobip_sms_schema.operations import SEND

from infobip_sms.media import find_codec

from .app import App
from .catalogue import DELIVERED, find_status
from .protocol import HttpReply, HttpRequest, Refusal
from .sending import Draft, Recipient, Submission

if TYPE_CHECKING:
    from collections.abc import Callable

    from infobip_sms_schema import Violation

    from infobip_sms.media import Wire

    from .app import Question
    from .routes import AnyOperation
    from .sending import Outcome
    from .settings import Settings

ENROUTE = 7
NAME = re.compile(rb'"name":"[A-Z_]+",?|<name>[A-Z_]+</name>\n?')

FORGOTTEN = {
    *(f"SEND-{n:03}" for n in (2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 22)),
    *(f"WIN-{n:03}" for n in range(1, 7)),
}
"""Limits and rules that the faulty server does not look at."""

OVERSTRICT: dict[str, Callable[[SmsRequest, Wire], bool]] = {
    "SEND-020": lambda r, _: any(m.language and m.transliteration for m in r.messages),
    "SEND-023": lambda r, _: any(len((m.callback_data or "").encode()) > 200 for m in r.messages),
    "SEND-024": lambda r, _: any(d.to[0] == "+" for m in r.messages for d in m.destinations),
    "SEND-025": lambda r, _: any(not (m.from_ or "a").isalnum() for m in r.messages),
    "SEND-026": lambda r, _: r.bulk_id is None and len(r.messages) == 1,
    "VAL-001": lambda r, _: any(
        m.validity_period != m.effective_validity_period for m in r.messages
    ),
    "SCHED-002": lambda r, _: any(
        m.send_at and m.send_at > dt.datetime.now(dt.UTC) for m in r.messages
    ),
    "XML-002": lambda r, wire: wire == "xml" and any(m.delivery_time_window for m in r.messages),
}
"""Legal requests that the faulty server refuses."""


def _repeat_id(response: SmsResponse, submission: Submission) -> SmsResponse:
    """Give the same generated id out again and again."""
    entries = [
        entry if recipient.message_id else attrs.evolve(entry, message_id="1")
        for entry, recipient in zip(response.messages, submission.recipients, strict=True)
    ]
    return attrs.evolve(response, messages=entries)


SPOILED: dict[str, Callable[[SmsResponse, Submission], SmsResponse]] = {
    "RESP-001": lambda r, _: attrs.evolve(r, messages=r.messages[: max(1, len(r.messages) - 1)]),
    "RESP-002": lambda r, _: attrs.evolve(r, messages=r.messages[::-1]),
    "RESP-004": lambda r, s: attrs.evolve(
        r, bulk_id=r.messages[0].message_id if s.bulk_id else r.bulk_id
    ),
    "RESP-005": _repeat_id,
    "RESP-006": lambda r, _: _restate(r, find_status(DELIVERED)),
    "RESP-008": lambda r, _: _restate(
        r, attrs.evolve(r.messages[0].status, group_name=find_status(DELIVERED).group_name)
    ),
    "RESP-009": lambda r, _: attrs.evolve(r, tracking_process_key=None),
    "RESP-010": lambda r, s: attrs.evolve(r, bulk_id=s.bulk_id),
}
"""Answers that the faulty server gets wrong."""

REWRITTEN: dict[str, Callable[[HttpReply, bool], HttpReply]] = {
    "HTTP-001": lambda reply, _: attrs.evolve(
        reply, status=201 if reply.status == 200 else reply.status
    ),
    "HTTP-004": lambda reply, xml: reply if xml else _label(reply),
    "HTTP-005": lambda reply, xml: _label(reply) if xml else reply,
    "RESP-007": lambda reply, _: attrs.evolve(reply, body=NAME.sub(b"", reply.body)),
    "ERR-001": lambda reply, _: attrs.evolve(reply, body=b"") if reply.status == 400 else reply,
    "XML-003": lambda reply, _: attrs.evolve(
        reply, body=reply.body.replace(b"smsResponse", b"SMSResponse")
    ),
    "XML-004": lambda reply, xml: _restate_bytes(reply) if xml else reply,
}
"""Replies that the faulty server writes wrongly; True stands for an XML reply."""

ELSEWHERE = {
    "RESP-003",
    "HTTP-002",
    "HTTP-003",
    "HTTP-006",
    "HTTP-007",
    "HTTP-008",
    "AUTH-001",
    "AUTH-002",
    "AUTH-003",
    "AUTH-004",
}
FAULTS = frozenset({*FORGOTTEN, *OVERSTRICT, *SPOILED, *REWRITTEN, *ELSEWHERE})
"""Every fault that there is."""


class Faulty(App):
    """The sandbox's rules but for one."""

    def __init__(self, settings: Settings, fault: str) -> None:
        super().__init__(settings)
        if fault not in FAULTS:
            raise ValueError(fault)
        self.fault = fault

    def check_authorization(self, request: HttpRequest) -> None:
        """Forget about missing credentials, or about one scheme."""
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

    def read(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Refuse a charset parameter."""
        if self.fault == "HTTP-007" and ";" in request.headers.get("content-type", ""):
            raise Refusal(400, "BAD_REQUEST", "Bad request")
        return super().read(operation, request)

    def submit(self, request: SmsRequest | SmsRequestV1, wire: Wire) -> Submission:
        """Refuse a legal request."""
        refuses = OVERSTRICT.get(self.fault)
        if refuses and isinstance(request, SmsRequest) and refuses(request, wire):
            raise Refusal(400, "BAD_REQUEST", "Bad request")
        return super().submit(request, wire)

    def read_faulty(
        self,
        operation: AnyOperation,
        request: HttpRequest,
        wire: Wire,
        problems: tuple[Violation, ...],
    ) -> Any:
        """Take a request that breaks nothing but the rule that was forgotten."""
        if operation is not SEND:
            return super().read_faulty(operation, request, wire, problems)
        broken = {problem.requirement for problem in problems}
        if self.fault == "HTTP-002" and "HTTP-003" not in broken:
            raise Refusal(500, "GENERAL_ERROR", "Something went wrong")
        if broken != {self.fault}:
            return super().read_faulty(operation, request, wire, problems)
        if self.fault == "HTTP-003":
            return _build_bare([Recipient("", None)])
        return _read_anyway(request.body, wire)

    def accept(self, submission: Submission, question: Question) -> Outcome:
        """Spoil the answer."""
        if submission.version == 1:
            return super().accept(submission, question)
        if self.fault == "RESP-003":
            submission = _forget_ids(submission)
        outcome = super().accept(submission, question)
        response = outcome.response
        assert isinstance(response, SmsResponse), "version 2 answers so"
        spoil = SPOILED.get(self.fault)
        return attrs.evolve(outcome, response=spoil(response, submission)) if spoil else outcome

    def reply(self, status: int, body: bytes, wire: Wire) -> HttpReply:
        """Spoil the reply."""
        reply = super().reply(status, body, wire)
        rewrite = REWRITTEN.get(self.fault)
        return rewrite(reply, wire == "xml") if rewrite else reply


def _read_anyway(body: bytes, wire: Wire) -> Submission:
    """Read as much of a faulty request as an answer needs."""
    plain: Any = find_codec(wire).parse_plain(body, SmsRequest)
    recipients = [
        Recipient(str(destination.get("to", "")), destination.get("messageId"))
        for message in plain.get("messages", [])
        for destination in message.get("destinations", [])
    ]
    return _build_bare(recipients, plain.get("bulkId"), tracked="tracking" in plain)


def _build_bare(
    recipients: list[Recipient], bulk_id: str | None = None, *, tracked: bool = False
) -> Submission:
    return Submission((Draft(tuple(recipients)),), bulk_id, tracked)


def _forget_ids(submission: Submission) -> Submission:
    drafts = (
        attrs.evolve(
            draft, recipients=tuple(attrs.evolve(r, message_id=None) for r in draft.recipients)
        )
        for draft in submission.drafts
    )
    return attrs.evolve(submission, drafts=tuple(drafts))


def _restate(response: SmsResponse, status: Any) -> SmsResponse:
    return attrs.evolve(
        response, messages=[attrs.evolve(m, status=status) for m in response.messages]
    )


def _restate_bytes(reply: HttpReply) -> HttpReply:
    other = find_status(ENROUTE)
    body = reply.body.replace(b"<id>26</id>", f"<id>{other.id}</id>".encode())
    return attrs.evolve(reply, body=body.replace(b"PENDING_ACCEPTED", other.name.encode()))


def _label(reply: HttpReply) -> HttpReply:
    return attrs.evolve(reply, headers={"content-type": "text/plain"})
