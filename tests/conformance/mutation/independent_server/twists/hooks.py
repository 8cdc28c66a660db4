"""Hooks for faults that are one line each: what is read otherwise, answered otherwise, or let in."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conformance.mutation.independent_server.replies import Reply
    from tests.conformance.mutation.independent_server.site import Account, Request

Data = dict[str, Any]
Alter = Callable[[Any], Any]
Push = tuple[str, str, bytes]
STEP = re.compile(r"[A-Za-z0-9]+|\[\]|\[-?\d+\]")
SENDING = ("/sms/2/text/advanced",)
VERSION_1 = ("/sms/1/text/advanced",)


class TwistedError(Exception):
    """A good request that this server rejects."""


@dataclass(frozen=True)
class Twist:
    """What one fault does; each hook may be missing."""

    read: Callable[[Data, str, str], Data] | None = None
    """Alters what was read: the data, the path and the format of the request."""
    answer: Callable[[Data, Data, str], Data] | None = None
    """Alters the data of a success: the response, the request and its path."""
    report: Callable[[Data, str], Data] | None = None
    """Alters a report: the report, and where it goes (push, pull or logs)."""
    login: Callable[[Request, Account], bool] | None = None
    """Tells whether a request is let in that would not be."""
    refuse: Callable[[Request, Account], int] | None = None
    """Returns the status by which a good request is rejected; 0 for none."""
    accept: Callable[[str], str] | None = None
    """Alters an Accept header before it is looked at."""
    body: Callable[[bytes, str, str], bytes] | None = None
    """Alters the bytes of a request before they are read: bytes, path, format."""
    written: Callable[[str, bytes, Request, str], tuple[str, bytes]] | None = None
    """Alters content type and bytes of a response; the last is what Accept asked for."""
    query: Callable[[list[tuple[str, str]], str], list[tuple[str, str]]] | None = None
    """Alters the parameters of a request: pairs, path."""
    reply: Callable[[Reply, Request], Reply] | None = None
    """Alters a whole response, whatever its status: the response, the request."""
    pushed: Callable[[Push], Push] | None = None
    """Alters reports on their way: URL, content type and bytes; an empty URL is none."""


def combine(twists: Iterable[Twist]) -> Twist:
    """Return one that does what each of several does, in their order."""
    all_twists = list(twists)
    hooks = {
        field.name: [hook for twist in all_twists if (hook := getattr(twist, field.name))]
        for field in fields(Twist)
    }
    return Twist(**{name: _chain(name, found) for name, found in hooks.items() if found})


def _chain(name: str, hooks: list[Callable[..., Any]]) -> Callable[..., Any]:
    """Return the first result that is not empty of what lets in or rejects, and alter by all hooks what is altered."""

    def ask(*given: Any) -> Any:
        return next((result for hook in hooks if (result := hook(*given))), 0)

    def alter(value: Any, *rest: Any) -> Any:
        for hook in hooks:
            value = hook(value, *rest)
        return value

    def alter_two(value: Any, body: Any, *rest: Any) -> Any:
        for hook in hooks:
            value, body = hook(value, body, *rest)
        return value, body

    return ask if name in {"login", "refuse"} else alter_two if name == "written" else alter


def change(data: Any, path: str, alter: Alter) -> Any:
    """Return a copy in which the value at a path, such as ``messages[].to``, is altered where it is there."""
    return _change(copy.deepcopy(data), STEP.findall(path), alter)


def _change(data: Any, steps: list[str], alter: Alter) -> Any:
    if not steps:
        return alter(data)
    step, rest = steps[0], steps[1:]
    if step.startswith("["):
        return _change_items(data, step[1:-1], rest, alter)
    if isinstance(data, dict) and step in data:
        data[step] = _change(data[step], rest, alter)
        if data[step] is GONE:
            del data[step]
    return data


def _change_items(data: Any, index: str, rest: list[str], alter: Alter) -> Any:
    if not isinstance(data, list):
        return data
    places = {int(index) % len(data)} if index and data else set(range(len(data)))
    items = [_change(item, rest, alter) if n in places else item for n, item in enumerate(data)]
    return [item for item in items if item is not GONE]


GONE = object()
"""What an alteration returns to leave a field out."""


def reads(path: str, alter: Alter, *, wire: str = "", urls: tuple[str, ...] = SENDING) -> Twist:
    """Return the fault of reading a field otherwise."""

    def read(data: Data, url: str, given: str) -> Data:
        if url not in urls or (wire and wire != given):
            return data
        found: Data = change(data, path, alter)
        return found

    return Twist(read=read)


def takes(path: str, is_taken: Callable[[Any], bool], good: Any, **options: Any) -> Twist:
    """Return the fault of taking bad values of a field: they are read as a good one."""
    return reads(path, lambda value: good if is_taken(value) else value, **options)


def rejects(path: str, is_rejected: Callable[[Any], bool], **options: Any) -> Twist:
    """Return the fault of rejecting good values of a field."""

    def alter(value: Any) -> Any:
        if is_rejected(value):
            raise TwistedError
        return value

    return reads(path, alter, **options)


def answers(path: str, alter: Alter, *, urls: tuple[str, ...] = SENDING) -> Twist:
    """Return the fault of answering with another value."""

    def answer(data: Data, _request: Data, url: str) -> Data:
        found: Data = change(data, path, alter) if url in urls else data
        return found

    return Twist(answer=answer)


def reports(path: str, alter: Alter, *kinds: str) -> Twist:
    """Return the fault of another value in reports: those that are pushed, pulled or in the logs."""

    def report(data: Data, kind: str) -> Data:
        found: Data = change(data, path, alter) if not kinds or kind in kinds else data
        return found

    return Twist(report=report)


def lets_in(*starts: str, login: Callable[[str], bool] | None = None) -> Twist:
    """Return the fault of letting requests to some paths in: those without login, or with some."""

    def let(request: Request, _account: Account) -> bool:
        written = request.headers.get("Authorization")
        fits = written is None if login is None else written is not None and login(written)
        return fits and request.path.startswith(starts or "/")

    return Twist(login=let)
