"""Sandboxes with one answer of the operations around the message rewritten, or one allowed habit of another server.

One process serves all of them; each has its own state under its own path:

    python spoiled_sandboxes.py          prints http://127.0.0.1:PORT; check http://127.0.0.1:PORT/NAME
"""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import uvicorn
from infobip_sms_schema import LanguageCode, PreviewRequest, SmsRequestV1
from infobip_sms_schema.operations import PREVIEW, SEND, SEND_V1

from infobip_sms.codecs import get_codec
from infobip_sms.sandbox.api.app import App
from infobip_sms.sandbox.api.http import HttpRequest, HttpResponse
from infobip_sms.sandbox.api.send import DestinationSpec, MessageSpec, Submission
from infobip_sms.sandbox.clock import read_system_clock
from infobip_sms.sandbox.config import SandboxSettings
from infobip_sms.sandbox.runtime.asgi import SandboxASGI
from infobip_sms.sandbox.state.rows import Link, StoredBulk, StoredMessage
from infobip_sms.sandbox.state.state import State
from tests.conformance.mutation.rewrites import (
    ANSWERS,
    BAD,
    BULKS,
    CANNED,
    CHANGE,
    CONVERT,
    FAULTS,
    FORGETFUL,
    LAX,
    LEGAL,
    LOGS,
    MOVE,
    NOT_OFFERED,
    QUESTIONS,
    REFUSED_V1,
    REWRITTEN_V1,
    has_language,
    left,
    only,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from infobip_sms.sandbox.api.app import ParsedInput
    from infobip_sms.sandbox.api.http import OperationContext, OperationResult
    from infobip_sms.sandbox.api.routing import AnyOperation

EXAMPLES = Path(__file__).resolve().parents[3] / "schema" / "examples"


class Spoiled(App):
    """A sandbox with one habit of its own."""

    def __init__(self, settings: SandboxSettings, name: str) -> None:
        super().__init__(settings)
        self.name = name
        self.seen: set[str] = set()

    def handle(
        self,
        request: HttpRequest,
        state: State,
        now: dt.datetime,
        parsed: ParsedInput | None = None,
    ) -> HttpResponse:
        """Answer without looking, or rewrite the bytes of an answer."""
        sending = request.path == SEND.path
        if self.name in CANNED and not sending:
            return can(self.name, request)
        if request.path == SEND_V1.path and self.name in {"v1-missing", "v1-gone"}:
            return HttpResponse(404 if self.name == "v1-missing" else 410, {}, b"")
        if (request.method, request.path) in NOT_OFFERED.get(self.name, ()) or (
            self.name == "no-conversions" and request.path.startswith("/ct/")
        ):
            return HttpResponse(404, {}, b"")
        rows = set(state.fetchable)
        response = super().handle(request, state, now, parsed)
        xml = "xml" in request.headers.get("accept", "")
        if self.name == "reports-repeated-in-xml" and xml:
            for number in rows - set(state.fetchable):
                state.put([attrs.evolve(state.messages[number], fetchable=True)])
        return self.rewrite(request, response)

    def rewrite(self, request: HttpRequest, reply: HttpResponse) -> HttpResponse:
        """Rewrite the bytes of an answer."""
        body = reply.body
        if request.path == SEND_V1.path:
            for name, old, new in REWRITTEN_V1:
                body = body.replace(old, new) if name == self.name else body
        if self.name == "lists-without-wrapper" and request.path != SEND.path:
            body = re.sub(rb"<(/?)result>", rb"<\1results>", re.sub(rb"</?results>\s*", b"", body))
            body = body.replace(b"reportResponse", b"SMSReportResponse")
        if self.name == "bulk-in-utc":
            body = re.sub(rb"\d{4}-[-\d]+T[:.\d]+\+[:\d]+", write_in_utc, body)
        return attrs.evolve(reply, body=body)

    def run_operation(self, operation: AnyOperation, context: OperationContext) -> OperationResult:
        """Ask another question, or give another answer."""
        name = operation.name
        if self.name in QUESTIONS and name in QUESTIONS[self.name][1]:
            context = QUESTIONS[self.name][2](context)
        self.refuse_by_name(name, context)
        outcome = super().run_operation(operation, self.find_another(name, context))
        if self.name in ANSWERS and name in ANSWERS[self.name][1]:
            outcome = attrs.evolve(
                outcome, response=ANSWERS[self.name][2](outcome.response, context)
            )
        if self.name in FORGETFUL and name in FORGETFUL[self.name][1]:
            outcome = attrs.evolve(outcome, rows=())
        return self.change(name, outcome, context)

    def refuse_by_name(self, name: str, question: OperationContext) -> None:
        """Reject what another table of states does not allow, and moves of what is no bulk by 400."""
        if name == CHANGE and self.name == "bulk-not-paused" and question.body.status == "PAUSED":
            raise BAD
        if name == CHANGE and self.name == "bulk-cancelled-from-pending-only":
            bulk = question.state.find_bulk(question.parameters.bulk_id)
            if bulk and bulk.requested_status == "PAUSED" and question.body.status == "CANCELED":
                raise BAD
        if name == MOVE and self.name == "batch-is-bad" and "BATCH" in question.parameters.bulk_id:
            raise BAD

    def find_another(self, name: str, question: OperationContext) -> OperationContext:
        """Take another bulk or message for one that is not there."""
        state, parameters = question.state, question.parameters
        if self.name == "unknown-bulk-is-found" and name in BULKS and state.bulks:
            known = state.find_bulk(parameters.bulk_id) or next(iter(state.bulks.values()))
            if "BATCH" in parameters.bulk_id:
                return question
            return attrs.evolve(
                question, parameters=attrs.evolve(parameters, bulk_id=known.bulk_id)
            )
        if self.name == "conversion-of-nobody" and name == CONVERT:
            sms = next(s for s in state.messages.values() if s.content.process_key)
            found = (
                parameters.message_id
                if state.get_messages_by_id(parameters.message_id)
                else sms.message_id
            )
            return attrs.evolve(question, parameters=attrs.evolve(parameters, message_id=found))
        if name == LOGS and self.name == "logs-of-what-was-sent":
            return attrs.evolve(question, parameters=attrs.evolve(parameters, limit=1_000))
        return question

    def change(
        self, name: str, outcome: OperationResult, question: OperationContext
    ) -> OperationResult:
        """Change a list of the logs, or a preview."""
        response: Any = outcome.response
        if name == LOGS and self.name == "logs-once":
            response = only(lambda r: r.message_id not in self.seen)(response, question)
            self.seen |= {r.message_id for r in response.results}
        if (
            name == LOGS
            and self.name == "logs-by-status-never"
            and question.parameters.general_status
        ):
            response = attrs.evolve(response, results=[])
        if name == LOGS and self.name == "logs-oldest-first":
            response = attrs.evolve(response, results=response.results[::-1])
        if name == LOGS and self.name == "logs-of-what-was-sent":
            sent = [result for result in response.results if result.sent_at]
            response = attrs.evolve(response, results=sent[: question.parameters.limit or 50])
        if name == "preview" and self.name == "preview-single-shift":
            single = len(re.findall("[şığç]", question.body.text))
            response = left(lambda p: -single * has_language(p))(response, question)
        if name == "preview" and self.name == "preview-as-it-is" and question.body.transliteration:
            plain = response.previews[0]
            made = response.previews[-1].configuration
            response = attrs.evolve(
                response, previews=[plain, attrs.evolve(plain, configuration=made)]
            )
        return attrs.evolve(outcome, response=response)

    def parse_body(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Pass over a language that stands where the contract has it."""
        body = super().parse_body(operation, request)
        if self.name == "preview-language-in-an-object" and isinstance(body, PreviewRequest):
            nested = b"language>" in request.body or b'"language":' in request.body
            return attrs.evolve(body, language_code=LanguageCode.TR if nested else None)
        return body

    def handle_invalid(
        self, operation: AnyOperation, request: HttpRequest, wire: Any, violations: Any
    ) -> Any:
        """Take what is to be rejected."""
        wishes = {
            "preview-of-nothing": "text",
            "preview-any-language": "languageCode",
            "preview-any-script": "transliteration",
        }
        if request.path == PREVIEW.path and {p.path for p in violations} == {wishes.get(self.name)}:
            return PreviewRequest(text="Anything goes.")
        lax = LAX.get(self.name)
        if request.path == SEND_V1.path and lax and all(lax.search(p.path) for p in violations):
            plain: Any = get_codec(wire).parse_plain(request.body, SmsRequestV1)
            to = [
                DestinationSpec(d["to"], None) for m in plain["messages"] for d in m["destinations"]
            ]
            return Submission((MessageSpec(tuple(to)),), version=1)
        return super().handle_invalid(operation, request, wire, violations)

    def to_submission(self, request: Any, wire: Any) -> Submission:
        """Reject what is allowed in version 1, or read only some of it."""
        submission = super().to_submission(request, wire)
        if not isinstance(request, SmsRequestV1):
            return submission
        refuses = REFUSED_V1.get(self.name)
        if refuses and any(refuses(message, wire) for message in request.messages):
            raise BAD
        if self.name == "v1-first-message-of-xml" and wire == "xml":
            return attrs.evolve(submission, messages=submission.messages[:1])
        return submission

    def accept(self, submission: Submission, context: OperationContext) -> OperationResult:
        """Leave links as they are, or make a bulk of what is none."""
        bases = {"links-as-they-were": None, "links-on-another-base": "https://s.example"}
        if submission.link_base_url is not None and self.name in bases:
            submission = attrs.evolve(submission, link_base_url=bases[self.name])
        outcome = super().accept(submission, context)
        if self.name == "links-wrapped":
            links = {row.code: row.url for row in outcome.rows if isinstance(row, Link)}
            rows = tuple(unfold(row, links) for row in outcome.rows)
            return attrs.evolve(outcome, rows=rows)
        later = [d.send_at for d in submission.messages if d.send_at]
        if self.name == "batch-moved" and len(submission.messages) > 1 and later:
            numbers = [row.serial for row in outcome.rows if isinstance(row, StoredMessage)]
            bulk = StoredBulk(
                serial=numbers[0],
                bulk_id=submission.bulk_id or "",
                send_at=later[0],
                message_serials=(numbers[0], numbers[-1] + 1),
            )
            return attrs.evolve(outcome, rows=(*outcome.rows, bulk))
        return outcome


def unfold(row: Any, links: dict[str, str]) -> Any:
    """Put the link itself behind the base, in place of its code."""
    if not isinstance(row, StoredMessage):
        return row
    text = row.content.text
    for code, url in links.items():
        text = text.replace(code, url)
    return attrs.evolve(row, content=attrs.evolve(row.content, text=text))


def write_in_utc(found: re.Match[bytes]) -> bytes:
    """Write an instant as UTC, with a Z."""
    instant = dt.datetime.fromisoformat(found.group().decode()).astimezone(dt.UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def can(name: str, request: HttpRequest) -> HttpResponse:
    """Return the same answer every time."""
    stems = {
        "/sms/1/reports": "delivery-reports",
        "/sms/1/logs": "logs",
        "/sms/1/preview": "preview-response",
        "/sms/1/bulks": "bulk-response",
        "/sms/1/bulks/status": "bulk-status-response",
        SEND_V1.path: "v1-response",
    }
    wire = "xml" if "xml" in request.headers.get("accept", "") else "json"
    body = (EXAMPLES / f"{stems.get(request.path, 'conversion-response')}.{wire}").read_bytes()
    if name == "lists-of-words":
        words = {name: [7, "word", None] for name in ("results", "previews", "messages")}
        body = json.dumps(words | {"bulkId": {}, "sendAt": [], "status": 5}).encode()
    if name == "not-even-json":
        body = bytes(range(256))
    return HttpResponse(200, {"content-type": f"application/{wire}"}, body)


class Street:
    """All of them behind one address, each under its name."""

    def __init__(self) -> None:
        names = {*FAULTS, *LEGAL, *CANNED}
        self.houses = {name: self.build(name) for name in names}

    def build(self, name: str) -> SandboxASGI:
        """Make one of them."""
        delay = 0.5 if name == "slow" else 0.0
        settings = SandboxSettings("Aladdin", "open sesame", "key", seed=name, delay=delay)
        return SandboxASGI(Spoiled(settings, name), State(), read_system_clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        _, name, path = scope["path"].split("/", 2)
        raw = scope["raw_path"].partition(b"?")[0].removeprefix(f"/{name}".encode())
        await self.houses[name]({**scope, "path": f"/{path}", "raw_path": raw}, receive, send)


def main() -> None:
    """Serve until ended."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            Street(), log_level="error", access_log=False, lifespan="off", ws="none"
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
