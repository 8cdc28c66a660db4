"""What a client made of what it was asked, against what it is known to do wrong.

A finding is a short text without anything that differs from run to run:

    sent: path /sms/1/bulks/            the path is not the one that was asked for
    sent: query bulkId missing          likewise one parameter: missing, too much, other
    sent: body.messages[0].text other   likewise one field
    sent: 2 requests                    not one
    answer: 404                         what the sandbox said to it
    got: messages[0].messageId lost     the client's result has not what the response has: lost, other
    raised: ValueError                  what the client raised
    done: no                            the sandbox shows no sign of what was asked for

known_findings.toml says which findings there must be. One that is not there any more is as wrong as a new one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import attrs
from infobip_sms_schema import XML_ROOTS

from infobip_sms.codecs import wire_json, wire_xml
from infobip_sms.errors import InvalidRequestError
from tests.peers.tasks import is_same

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.peers.tasks import Asked
    from tests.peers.wiretap import Exchange

KNOWN = Path(__file__).with_name("known_findings.toml")
_KINDS = {root: kind for kind, (root, *_) in reversed(XML_ROOTS.items())}
FATAL = ("answer:", "raised:", "done:", "sent: 0", "sent: 2")
"""Beginnings of findings with which the operation did not work."""


@attrs.frozen(kw_only=True)
class Defect:
    """Something that a client is known to do wrong in some operations."""

    client: str
    operations: tuple[str, ...]
    what: str
    findings: tuple[str, ...]
    """Each must be found in each of the operations."""
    seen: str
    """A regular expression that finds the defect in what was on the wire."""


@attrs.frozen
class Verdict:
    """What is to be said of one operation of one client."""

    word: Literal["works", "known defect", "FAILS"]
    reasons: tuple[str, ...] = ()


def read_defects(document: Mapping[str, Any]) -> list[Defect]:
    """Return the known defects, each with everything that has to be said of it."""
    rows = document.get("defect", ())
    lists = ("operations", "findings")
    return [Defect(**{**row, **{name: tuple(row[name]) for name in lists}}) for row in rows]


def find_findings(
    asked: Asked, exchanges: list[Exchange], told: Mapping[str, Any], *, done: bool
) -> list[str]:
    """Return everything that is not as it was asked for."""
    found: list[str] = []
    if len(exchanges) == 1:
        (exchange,) = exchanges
        found += _compare_requests(asked, exchange)
        if exchange.status != 200:
            found.append(f"answer: {exchange.status}")
        elif "result" in told:
            found += _compare("got: ", read_body(exchange.reply), told["result"], more=True)
    else:
        found.append(f"sent: {len(exchanges)} requests")
    if "raised" in told:
        found.append(f"raised: {told['raised']}")
    return found if done else [*found, "done: no"]


def judge(
    findings: Iterable[str], defects: Iterable[Defect], exchanges: Iterable[Exchange]
) -> Verdict:
    """Compare what was found with what is known of this client and this operation."""
    wire = "\n".join(exchange.show() for exchange in exchanges)
    found, known = dict.fromkeys(findings), list(defects)
    explained = {finding for defect in known for finding in defect.findings}
    wrong = [finding for finding in found if finding not in explained]
    for defect in known:
        wrong += [
            f"known, but no longer true: {finding} ({defect.what})"
            for finding in defect.findings
            if finding not in found
        ]
        if not re.search(defect.seen, wire):
            wrong.append(f"known, but not seen on the wire: {defect.seen} ({defect.what})")
    if wrong:
        return Verdict("FAILS", tuple(wrong))
    fatal = any(finding.startswith(FATAL) for finding in found)
    return Verdict("known defect" if fatal else "works", tuple(d.what for d in known))


def _compare_requests(asked: Asked, exchange: Exchange) -> Iterator[str]:
    path, _, query = exchange.target.partition("?")
    if exchange.method != asked.method:
        yield f"sent: method {exchange.method}"
    if path != asked.path:
        yield f"sent: path {path}"
    wanted = [
        (name, str(value))
        for name, values in asked.query.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    sent = parse_qsl(query, keep_blank_values=True)
    yield from _compare("sent: query ", _group(wanted), _group(sent))
    body = read_body(exchange.body) if exchange.body else None
    yield from _compare("sent: body.", asked.body, body)


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, str | tuple[str, ...]]:
    """Return each parameter with its value, or with all of them if there are several."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _compare(
    prefix: str, wanted: Any, got: Any, path: str = "", *, more: bool = False
) -> Iterator[str]:
    """Yield where two documents differ; ``more``: the second one may have more, and lacks are losses."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in [*wanted, *(n for n in got if n not in wanted and not more)]:
            place = f"{path}.{name}" if path else name
            if name not in got or (more and got[name] is None):
                yield f"{prefix}{place} {'lost' if more else 'missing'}"
            elif name not in wanted:
                yield f"{prefix}{place} too much"
            else:
                yield from _compare(prefix, wanted[name], got[name], place, more=more)
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for one, other in zip(wanted, got, strict=True):
            yield from _compare(prefix, one, other, f"{path}[]", more=more)
    elif not is_same(wanted, got):
        yield f"{prefix}{path} other"


def read_json(content: bytes) -> Any:
    """Return a document, or the bytes if they are none."""
    try:
        return json.loads(content)
    except ValueError:
        return content


def read_body(content: bytes) -> Any:
    """Return a body as it is in JSON, or the bytes if it is neither JSON nor XML of this API."""
    if not content.startswith(b"<"):
        return read_json(content)
    try:
        kind = _KINDS[ET.fromstring(content).tag]  # noqa: S314 - from a program started here
        return read_json(wire_json.dump_model(wire_xml.parse_request(content, kind)))
    except (ET.ParseError, KeyError, InvalidRequestError):
        return content
