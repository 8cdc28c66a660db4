"""The independent server's operations: which path and method is answered by what."""

import base64
import binascii
import codecs
from dataclasses import dataclass, field, replace
from email.message import Message as Headers
from typing import Any

from tests.conformance.mutation.independent_server import bodies
from tests.conformance.mutation.independent_server.bodies import Query, QueryError
from tests.conformance.mutation.independent_server.bulks import Bulks
from tests.conformance.mutation.independent_server.delivery.life import Lives
from tests.conformance.mutation.independent_server.delivery.push import Pusher
from tests.conformance.mutation.independent_server.delivery.reports import Archive
from tests.conformance.mutation.independent_server.delivery.timetable import Timetable
from tests.conformance.mutation.independent_server.preview import preview
from tests.conformance.mutation.independent_server.replies import CONVERSION, Reply, build_error
from tests.conformance.mutation.independent_server.scope import Format
from tests.conformance.mutation.independent_server.send import Desk
from tests.conformance.mutation.independent_server.store import Store, make_process_key
from tests.conformance.mutation.independent_server.traits import Traits
from tests.conformance.mutation.independent_server.twists.catalog import find_twist
from tests.conformance.mutation.independent_server.twists.hooks import TwistedError

PAGE = "/sms/2/text/advanced"
CONVERSION_PATH = "/ct/1/log/end/"
PATHS = {
    PAGE: ("POST",),
    "/sms/1/text/advanced": ("POST",),
    "/sms/1/reports": ("GET",),
    "/sms/1/logs": ("GET",),
    "/sms/1/preview": ("POST",),
    "/sms/1/bulks": ("GET", "PUT"),
    "/sms/1/bulks/status": ("GET", "PUT"),
    CONVERSION_PATH: ("POST",),
}


@dataclass(frozen=True)
class Account:
    """The credentials that are accepted; an empty key is none."""

    user: str
    password: str
    api_key: str


@dataclass(frozen=True)
class Request:
    """A request as it came off the wire."""

    method: str
    path: str
    query: Query
    headers: Headers
    body: bytes
    read: dict[str, Any] = field(default_factory=dict)
    """What was read of the body."""


class ContentTypeError(Exception):
    """A body whose content type is neither JSON nor XML."""


class Site:
    """Everything that the independent server serves."""

    def __init__(self, account: Account, traits: Traits, minute: float) -> None:
        self.traits = traits
        self.twist = find_twist(traits.faults | traits.liberties)
        self._account = account
        self._store = Store(traits)
        timetable = Timetable()
        lives = Lives(traits, self._store, timetable, Pusher(traits, timetable, minute))
        self._desk = Desk(traits, self._store, lives, minute)
        self._bulks = Bulks(traits, self._store, lives)
        self._archive = Archive(traits, self._store)

    @property
    def address(self) -> str:
        """The URL of the server, which shortened links without baseUrl begin with."""
        return self._desk.address

    @address.setter
    def address(self, url: str) -> None:
        self._desk.address = url

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        reply = self._answer(request)
        return self.twist.reply(reply, request) if self.twist.reply else reply

    def _answer(self, request: Request) -> Reply:
        login = request.headers.get("Authorization")
        let_in = self.twist.login and self.twist.login(request, self._account)
        if not let_in and not self._is_authorized(login):
            if self.traits.breaks("unauthorized-sent") and request.path == PAGE:
                self._answer_known(PAGE, request)
            return self._refuse_login("login-missing-403" if login is None else "login-wrong-403")
        known = CONVERSION_PATH if request.path.startswith(CONVERSION_PATH) else request.path
        if known not in PATHS or (self.traits.takes("page-only") and known != PAGE):
            return build_error(404, "NOT_FOUND", f"Requested URL not found: {request.path}")
        if known == "/sms/1/text/advanced" and self.traits.breaks("v1-gone"):
            return build_error(404, "NOT_FOUND", f"Requested URL not found: {request.path}")
        if request.method not in PATHS[known]:
            if self.traits.takes("other-codes"):
                return build_error(405, "METHOD_NOT_ALLOWED", "Method not allowed")
            return build_error(404, "NOT_FOUND", f"Requested URL not found: {request.path}")
        return self._answer_known(known, request)

    def _answer_known(self, known: str, request: Request) -> Reply:
        if self.twist.refuse and (status := self.twist.refuse(request, self._account)):
            return build_error(status, "BAD_REQUEST", "Bad request")
        try:
            reply = self._dispatch(known, request)
        except TwistedError:
            return build_error(400, "BAD_REQUEST", "Bad request")
        except ContentTypeError:
            status = 415 if self.traits.takes("other-codes") else 400
            return build_error(status, "BAD_REQUEST", "Content type is not supported")
        except bodies.UnreadableError as error:
            status = 500 if self.traits.breaks("unreadable-500") else 400
            return build_error(status, "BAD_REQUEST", str(error))
        except QueryError as error:
            return build_error(400, "BAD_REQUEST", str(error))
        if reply.status >= 400 or reply.data is None or self.twist.answer is None:
            return reply
        return replace(reply, data=self.twist.answer(reply.data, request.read, request.path))

    def _dispatch(self, path: str, request: Request) -> Reply:
        query = request.query
        if path == PAGE:
            return self._send(request, 2, bodies.SEND)
        if path == "/sms/1/text/advanced":
            wrapped = self.traits.breaks("v1-xml-wrapped")
            return self._send(request, 1, bodies.SEND if wrapped else bodies.SEND_V1)
        if path == "/sms/1/preview":
            return preview(self._read(request, bodies.PREVIEW), self.traits)
        if path == "/sms/1/bulks":
            if request.method == "GET":
                return self._bulks.get(query)
            return self._bulks.move(query, self._read(request, bodies.BULK))
        if path == "/sms/1/bulks/status":
            if request.method == "GET":
                return self._bulks.get_status(query)
            return self._bulks.set_status(query, self._read(request, bodies.BULK_STATUS))
        if path == "/sms/1/reports":
            return self._archive.fetch_reports(query)
        if path == "/sms/1/logs":
            return self._archive.fetch_logs(query)
        return self._end(request.path.removeprefix(CONVERSION_PATH))

    def _send(self, request: Request, version: int, shape: bodies.Shape) -> Reply:
        data = self._read(request, shape)
        given = self._find_given(request.headers)
        return self._desk.take(data, version, given, self.negotiate(request.headers))

    def _end(self, message_id: str) -> Reply:
        message = self._store.by_id.get(message_id)
        key = message.process_key if message else ""
        if message and self.traits.breaks("conversion-untracked"):
            key = key or make_process_key()
        if self.traits.breaks("conversion-any"):
            key = key or make_process_key()
        if not key:
            return build_error(404, "NOT_FOUND", "Message not found")
        name = "key" if self.traits.breaks("conversion-key-missing") else "processKey"
        return Reply(200, {name: key}, CONVERSION)

    def _read(self, request: Request, shape: bodies.Shape) -> dict[str, Any]:
        charset = request.headers.get_param("charset", header="Content-Type")
        if charset is not None and self.traits.breaks("charset-refused"):
            raise ContentTypeError
        if charset is not None and self.traits.breaks("charset-latin"):
            charset = "latin-1"
        given, body = self._find_given(request.headers), request.body
        if self.twist.body:
            body = self.twist.body(body, request.path, given)
        if given == "xml":
            data = bodies.read_xml(body, shape, self.traits)
        else:
            data = bodies.read_json(body, _name_codec(str(charset or "utf-8")))
        request.read.update(data)
        return self.twist.read(data, request.path, given) if self.twist.read else data

    def _find_given(self, headers: Headers) -> Format:
        name = headers.get_content_type() if headers.get("Content-Type") else ""
        if name == "application/json":
            return "json"
        if name in {"application/xml", "text/xml"}:
            return "xml"
        raise ContentTypeError

    def negotiate(self, headers: Headers) -> Format:
        """Choose the format of the response."""
        try:
            given = self._find_given(headers)
        except ContentTypeError:
            given = "json"
        if self.traits.breaks("reply-in-request-format"):
            return given
        asked = headers.get("Accept", "")
        accepted = _rank(self.twist.accept(asked) if self.twist.accept else asked)
        if self.traits.breaks("accept-xml-ignored"):
            accepted = [name for name in accepted if "xml" not in name]
            given = "json"
        for name in accepted:
            if name in {"application/json", "application/xml", "text/xml"}:
                return "json" if name.endswith("json") else "xml"
            if name in {"*/*", "application/*"}:
                break
        if self.traits.breaks("no-accept-xml"):
            return "xml"
        return "json" if self.traits.takes("json-by-default") else given

    def _refuse_login(self, fault: str) -> Reply:
        status = 403 if self.traits.breaks(fault) else 401
        return build_error(status, "UNAUTHORIZED", "Invalid login details")

    def _is_authorized(self, written: str | None) -> bool:
        if written is None:
            return self.traits.breaks("login-optional")
        scheme, _, rest = written.partition(" ")
        rest = rest.strip()
        if scheme.lower() == "app":
            return self._is_key(rest) and not self.traits.breaks("login-app-refused")
        if scheme.lower() != "basic" or self.traits.breaks("login-basic-refused"):
            return False
        return self._is_password(rest)

    def _is_key(self, key: str) -> bool:
        mine = self._account.api_key
        if self.traits.breaks("login-any-key"):
            return bool(key)
        if self.traits.breaks("login-key-prefix"):
            return bool(key) and mine.startswith(key)
        return bool(mine) and key == mine

    def _is_password(self, written: str) -> bool:
        try:
            user, _, password = base64.b64decode(written, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        if self.traits.breaks("login-any-user"):
            return password == self._account.password
        if self.traits.breaks("login-any-password"):
            return user == self._account.user
        return user == self._account.user and password == self._account.password


def _name_codec(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except LookupError as error:
        raise bodies.UnreadableError("charset is not known") from error
    return "utf-8-sig" if name == "utf-8" else name


def _rank(accept: str) -> list[str]:
    ranked: list[tuple[float, int, str]] = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if name and weight > 0:
            ranked.append((-weight, len(ranked), name))
    return [name for _, _, name in sorted(ranked)]
