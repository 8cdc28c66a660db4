"""What every client is asked to do, and how it can be seen that it was done.

    prepare(sandbox, name)    messages and a scheduled bulk to ask about
    build_trials(name)        the trials, in the order in which they are made

What is asked for is the documented request, by its wire names; a driver gets its query and its body.
"""

from __future__ import annotations

import datetime as dt
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "key"
EXAMPLES = Path(__file__).resolve().parents[2] / "schema" / "examples"
SEND, REPORTS, LOGS = "/sms/2/text/advanced", "/sms/1/reports", "/sms/1/logs"
PREVIEW, BULKS, STATUS = "/sms/1/preview", "/sms/1/bulks", "/sms/1/bulks/status"
_TO = ("41793026727", "41793026731")
_ZONE = dt.timezone(dt.timedelta(hours=1))


@attrs.frozen
class Asked:
    """A request as the documentation has it."""

    method: str
    path: str
    query: dict[str, Any] = attrs.field(factory=dict)
    body: Any = None


@attrs.frozen
class Sandbox:
    """A sandbox, asked without any client."""

    url: str

    def ask(self, asked: Asked) -> Any:
        """Return the answer to a request that must be taken."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        headers = {"Authorization": f"App {KEY}", "Content-Type": "application/json"}
        target = f"{asked.path}?{urlencode(asked.query, doseq=True)}"
        body = None if asked.body is None else json.dumps(asked.body)
        connection.request(asked.method, target, body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{asked.method} {asked.path} was answered with {response.status}")
        return answer

    def find_messages(self, **search: Any) -> list[Any]:
        """Return messages that the sandbox has."""
        found: list[Any] = self.ask(Asked("GET", "/sandbox/messages", search))["messages"]
        return found


@attrs.frozen
class Trial:
    """One operation."""

    operation: str
    asked: Asked
    check: Callable[[Sandbox, Any], bool]
    """Tells, from the sandbox and the response on the wire, whether what was asked for was done."""


def prepare(sandbox: Sandbox, name: str) -> None:
    """Let two bulks be delivered, the second one not asked for, and schedule a third."""
    for bulk in (f"{name} done", f"{name} other"):
        message = {"from": "InfoSMS", "destinations": _name(bulk), "text": "Hello"}
        sandbox.ask(Asked("POST", SEND, body={"bulkId": bulk, "messages": [message]}))
        search = {"bulkId": bulk, "status": "DELIVERED", "wait": 30, "count": len(_TO)}
        sandbox.find_messages(**search)
    later = {"destinations": _name(f"{name} later"), "text": "Hello", "sendAt": _write(days=1)}
    sandbox.ask(Asked("POST", SEND, body={"bulkId": f"{name} later", "messages": [later]}))


def build_trials(name: str) -> list[Trial]:
    """Return what is asked of a client; ``name`` keeps its messages apart."""
    done, later = f"{name} done", {"bulkId": f"{name} later"}
    moved = {"sendAt": _write(days=2)}
    preview = _read_example("preview-request")
    return [
        build_sending(name),
        Trial("reports", Asked("GET", REPORTS, {"bulkId": done, "limit": 10}), _has_all(done)),
        Trial("logs", Asked("GET", LOGS, _build_filters(done)), _has_all(done)),
        Trial("preview", Asked("POST", PREVIEW, body=preview), _has_previews),
        Trial("get_scheduled", Asked("GET", BULKS, later), _has(**later)),
        Trial("reschedule", Asked("PUT", BULKS, later, moved), _is_now(BULKS, later, moved)),
        Trial("get_scheduled_status", Asked("GET", STATUS, later), _has(status="PENDING")),
        Trial(
            "set_scheduled_status",
            Asked("PUT", STATUS, later, {"status": "PAUSED"}),
            _is_now(STATUS, later, {"status": "PAUSED"}),
        ),
    ]


def build_sending(name: str) -> Trial:
    """Return the trial of a message with every field that there is."""
    request = _read_example("every-member-request")
    request["bulkId"] = f"{name} all"
    (message,) = request["messages"]
    message["sendAt"] = _write(days=1)
    for destination in message["destinations"]:
        destination["messageId"] = f"{name} {destination['messageId']}"

    def check(sandbox: Sandbox, _: Any) -> bool:
        bulk = {"bulkId": request["bulkId"]}
        found = sandbox.find_messages(**bulk)
        ids = [d["messageId"] for d in message["destinations"]]
        return (
            [m["messageId"] for m in found] == ids
            and is_same(sandbox.ask(Asked("GET", BULKS, bulk))["sendAt"], message["sendAt"])
            and all(m["from"] == message["from"] for m in found)
            and all(m["callbackData"] == message["callbackData"] for m in found)
            and all(m["notifyUrl"] == message["notifyUrl"] for m in found)
        )

    return Trial("send", Asked("POST", SEND, body=request), check)


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values mean the same: equal, or the same instant however it is written."""
    if type(one) is type(other) is str:
        first, second = _find_instant(one), _find_instant(other)
        if first is not None and second is not None:
            return first == second
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _find_instant(text: str) -> dt.datetime | None:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _build_filters(bulk: str) -> dict[str, Any]:
    """Return every parameter that logs take, so that all messages of the bulk fit but those for others."""
    return {
        "from": "InfoSMS",
        "bulkId": [bulk],
        "messageId": [f"{bulk} {to}" for to in _TO],
        "generalStatus": "DELIVERED",
        "sentSince": _write(hours=-1),
        "sentUntil": _write(hours=1),
        "limit": 10,
        "mcc": "001",
        "mnc": "01",
    }


def _name(bulk: str) -> list[dict[str, str]]:
    return [{"to": to, "messageId": f"{bulk} {to}"} for to in _TO]


def _write(**away: float) -> str:
    """Return an instant so far from now, as documented."""
    return (dt.datetime.now(_ZONE) + dt.timedelta(**away)).isoformat(timespec="milliseconds")


def _read_example(stem: str) -> Any:
    return json.loads((EXAMPLES / f"{stem}.json").read_text(encoding="utf-8"))


def _has(**members: str) -> Callable[[Sandbox, Any], bool]:
    return lambda _, reply: members.items() <= reply.items()


def _has_all(bulk: str) -> Callable[[Sandbox, Any], bool]:
    wanted = sorted(f"{bulk} {to}" for to in _TO)
    return lambda _, reply: sorted(r["messageId"] for r in reply["results"]) == wanted


def _has_previews(_: Sandbox, reply: Any) -> bool:
    return len(reply["previews"]) > 1


def _is_now(path: str, bulk: dict[str, str], wanted: dict[str, str]) -> Any:
    def check(sandbox: Sandbox, _: Any) -> bool:
        said = sandbox.ask(Asked("GET", path, bulk))
        return all(is_same(said[name], value) for name, value in wanted.items())

    return check
