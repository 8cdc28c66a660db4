"""What the sandbox answers: request and state in, reply and state out.

Lives here: routing, authorization, content negotiation, refusals, ids.
Never here: sockets, ASGI, the clock of the machine, the client's half (exchange.py, client.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import (
    ApiError,
    RequestError,
    RequestRefused,
    ServiceException,
    SmsRequest,
    SmsResponse,
    SmsResponseDetails,
    Status,
    Violation,
)
from infobip_sms_schema.operations import SEND

from infobip_sms.media import find_codec, find_wire

if TYPE_CHECKING:
    from infobip_sms.media import Wire

PENDING_ACCEPTED = 26
MOST_QUOTED = 50


@attrs.frozen
class HttpRequest:
    """One request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class HttpReply:
    """One reply."""

    status: int
    headers: dict[str, str]
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Settings:
    """What an account may do; ``seed`` decides every generated id."""

    user: str | None = attrs.field(default=None, repr=False)
    password: str = attrs.field(default="", repr=False)
    api_key: str | None = attrs.field(default=None, repr=False)
    seed: str = ""


@attrs.frozen
class State:
    """What the sandbox remembers: how many ids it has given out."""

    serial: int = 0


@attrs.frozen
class Recipient:
    """One destination of one message, as the answer needs it."""

    to: str
    message_id: str | None


@attrs.frozen
class Submission:
    """A request, as the answer needs it."""

    recipients: tuple[Recipient, ...]
    bulk_id: str | None = None
    tracked: bool = False
    process_key: str | None = None


class Refusal(Exception):
    """Ends a request with a status and an error body."""

    def __init__(
        self,
        status: int,
        word: str,
        text: str,
        problems: tuple[Violation, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, word)
        self.status, self.word, self.text = status, word, text
        self.problems, self.headers = problems, headers or {}


class App:
    """The rules of one sandbox; each step is a method of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def handle(self, request: HttpRequest, state: State) -> tuple[HttpReply, State]:
        """Answer one request."""
        wire = self.find_reply_wire(request)
        try:
            self.check_route(request)
            self.check_authorization(request)
            response, later = self.accept(self.read(request), state)
            return self.reply(200, self.write(response, wire), wire), later
        except Refusal as refusal:
            return self.refuse(refusal, wire), state

    def check_route(self, request: HttpRequest) -> None:
        """Refuse every path but one, and every method but POST (READ-018)."""
        text = f"There is no such resource; send to POST {SEND.path}"
        if request.path != SEND.path:
            raise Refusal(404, "NOT_FOUND", text)
        if request.method != "POST":
            raise Refusal(404, "NOT_FOUND", text, headers={"allow": "POST"})

    def check_authorization(self, request: HttpRequest) -> None:
        """Refuse a request without the credentials of the account (AUTH-001 to AUTH-004)."""
        given = request.headers.get("authorization", "").strip()
        scheme, _, secret = given.partition(" ")
        if not self.is_authorized(scheme.lower(), secret.strip()):
            challenge = {"www-authenticate": 'Basic realm="sandbox"'}
            raise Refusal(401, "UNAUTHORIZED", "Invalid login details", headers=challenge)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Tell whether a scheme and what stands behind it belong to the account."""
        account = self.settings
        if scheme == "basic" and account.user is not None:
            pair = f"{account.user}:{account.password}".encode()
            return hmac.compare_digest(base64.b64encode(pair), secret.encode())
        if scheme == "app" and account.api_key is not None:
            return hmac.compare_digest(account.api_key.encode(), secret.encode())
        return False

    def find_reply_wire(self, request: HttpRequest) -> Wire:
        """Return the format of the reply: what Accept prefers, else that of the request."""
        own = find_wire(request.headers.get("content-type", "")) or "json"
        return choose_wire(request.headers.get("accept", ""), own)

    def read(self, request: HttpRequest) -> Submission:
        """Read a request body, or refuse it with everything that is wrong with it (HTTP-002)."""
        wire = find_wire(request.headers.get("content-type", ""))
        if wire is None:
            text = "The content type is neither application/json nor application/xml"
            raise Refusal(400, "BAD_REQUEST", text)
        try:
            return self.submit(find_codec(wire).parse_request(request.body, SmsRequest), wire)
        except RequestRefused as problem:
            return self.read_faulty(request, wire, problem.violations)

    def submit(self, request: SmsRequest, wire: Wire) -> Submission:  # noqa: ARG002 - for subclasses
        """Return what the answer needs of a request that obeys every rule."""
        tracking = request.tracking
        return Submission(
            tuple(Recipient(d.to, d.message_id) for m in request.messages for d in m.destinations),
            request.bulk_id,
            tracking is not None,
            tracking.process_key if tracking else None,
        )

    def read_faulty(
        self,
        request: HttpRequest,  # noqa: ARG002 - for subclasses
        wire: Wire,  # noqa: ARG002 - for subclasses
        problems: tuple[Violation, ...],
    ) -> Submission:
        """Refuse a request that breaks a rule (READ-001: with 400)."""
        raise _refuse_document(problems)

    def accept(self, submission: Submission, state: State) -> tuple[SmsResponse, State]:
        """Answer every destination, in order (RESP-001 to RESP-010)."""
        entries, serial = [], state.serial
        for recipient in submission.recipients:
            serial += 1
            message_id = recipient.message_id or self.make_id(serial)
            status = find_status(PENDING_ACCEPTED)
            entries.append(
                SmsResponseDetails(to=recipient.to, status=status, message_id=message_id)
            )
        serial += 2
        response = SmsResponse(
            bulk_id=(submission.bulk_id or self.make_id(serial)) if len(entries) > 1 else None,
            tracking_process_key=self.make_process_key(submission, serial - 1),
            messages=entries,
        )
        return response, State(serial)

    def write(self, response: SmsResponse, wire: Wire) -> bytes:
        """Write an answer; refuse the request if its ids hold what the format cannot carry (TEXT-002)."""
        try:
            body: bytes = find_codec(wire).dump_model(response)
        except RequestRefused as problem:
            raise _refuse_document(problem.violations) from None
        return body

    def make_id(self, serial: int) -> str:
        """Return 19 decimal digits, as the documented examples have (READ-003)."""
        return str(10**18 + int(self._digest(serial), 16) % (9 * 10**18))

    def make_process_key(self, submission: Submission, serial: int) -> str | None:
        """Return the tracking process key of a request that is tracked (READ-005, READ-021)."""
        if not submission.tracked:
            return None
        return submission.process_key or self._digest(serial)[:32].upper()

    def refuse(self, refusal: Refusal, wire: Wire) -> HttpReply:
        """Write an error body (ERR-001, READ-009)."""
        errors: dict[str, list[str]] = {}
        for problem in refusal.problems:
            words = str(attrs.evolve(problem, path="")).partition(": ")[2]
            errors.setdefault(problem.path or "document", []).append(words)
        exception = ServiceException(
            message_id=refusal.word, text=refusal.text, validation_errors=errors or None
        )
        error = ApiError(request_error=RequestError(service_exception=exception))
        reply = self.reply(refusal.status, find_codec(wire).dump_model(error), wire)
        return attrs.evolve(reply, headers={**reply.headers, **refusal.headers})

    def reply(self, status: int, body: bytes, wire: Wire) -> HttpReply:
        """Put a body into a reply."""
        return HttpReply(
            status, {"content-type": f"{find_codec(wire).CONTENT_TYPE};charset=UTF-8"}, body
        )

    def _digest(self, serial: int) -> str:
        return hashlib.sha256(f"{self.settings.seed}:{serial}".encode()).hexdigest()


def _refuse_document(problems: tuple[Violation, ...]) -> Refusal:
    """Refuse a request with its violations; a long list is cut in the text (READ-009)."""
    more = f"; and {len(problems) - MOST_QUOTED} more" if len(problems) > MOST_QUOTED else ""
    text = "; ".join(map(str, problems[:MOST_QUOTED]))
    return Refusal(400, "BAD_REQUEST", f"Bad request: {text}{more}", problems)


def choose_wire(accept: str, default: Wire) -> Wire:
    """Return the format that an Accept header prefers; the default if it names neither (READ-006)."""
    best, chosen = 0.0, default
    for choice in accept.split(","):
        media, *parameters = choice.split(";")
        wire = find_wire(media)
        quality = next((p.strip()[2:] for p in parameters if p.strip().startswith("q=")), "1")
        weight = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
        if wire and weight > best:
            best, chosen = weight, wire
    return chosen


@cache
def find_status(status_id: int) -> Status:
    """Return a status of the catalogue."""
    catalogue = _open_catalogue()
    row = next(status for status in catalogue["status"] if status["id"] == status_id)
    group = next(group for group in catalogue["group"] if group["id"] == row["group"])
    return Status(
        group_id=group["id"],
        group_name=group["name"],
        id=row["id"],
        name=row["name"],
        description=row.get("description"),
        action=row.get("action"),
    )


@cache
def _open_catalogue() -> dict[str, Any]:
    text = (files("infobip_sms_schema") / "data" / "statuses.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
