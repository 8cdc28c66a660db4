"""The conversation with one server: what was sent so far, what came back."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import WIRES, Case, read_example
from infobip_sms_conformance.contract.generated import build_requests
from infobip_sms_conformance.contract.openapi import get_component, read_operations
from infobip_sms_conformance.fixtures.freshness import freshen
from infobip_sms_conformance.fixtures.placement import (
    CaseDocument,
    build_case_document,
    build_named,
    describe_edit,
    describe_generated,
    respell,
)
from infobip_sms_conformance.observations.exchange import (
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
)
from infobip_sms_conformance.observations.verdicts import Inconclusive, NotApplicable
from infobip_sms_conformance.sanitization.redaction import Mask, build_mask
from infobip_sms_conformance.session.budget import (
    build_limits_document,
    get_rejected_cases,
    is_sent,
)
from infobip_sms_conformance.session.first_requests import (
    collect_probes,
    require_this_api,
)
from infobip_sms_conformance.session.plan import Plan
from infobip_sms_conformance.session.recorded import Key, RecordedRequest
from infobip_sms_conformance.session.sender import PreparedRequest, RequestSender
from infobip_sms_conformance.session.variations import Variations
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import RawRequest, TargetServer
from infobip_sms_conformance.transport.webhook_receiver import WebhookReceiver

UNANSWERED_BEFORE_PROBE = 3


class Session:
    """Sends requests for the checks; rejects once the plan is reached."""

    def __init__(
        self,
        target: TargetServer,
        credentials: Credentials,
        plan: Plan,
        receiver: WebhookReceiver | None = None,
        recorded: Mapping[Key, RecordedRequest] | None = None,
    ) -> None:
        self.target, self.credentials, self.plan, self.receiver = (
            target,
            credentials,
            plan,
            receiver,
        )
        self.authorization = credentials.primary
        self.sender = RequestSender(target, plan, recorded)
        self.run_id = secrets.token_hex(3)
        self.rejects_past = False
        self.looked_at: list[Exchange] = []
        """What the check that is running has asked for."""
        self.variations = Variations()
        self._shared: dict[tuple[str, str], Exchange] = {}

    @property
    def exchanges(self) -> list[Exchange]:
        """Every exchange of the run, in order."""
        return self.sender.exchanges

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return len(self.exchanges)

    @property
    def messages(self) -> int:
        """How many messages the server may have taken."""
        return self.sender.allow_list.messages

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return self.sender.seconds

    @property
    def stopped(self) -> str:
        """Why the run had to end early; empty while it goes on."""
        return self.sender.stopped

    def build_mask(self) -> Mask:
        """Return what hides the numbers, texts and credentials of this run."""
        return build_mask(self.exchanges, self.credentials, self.plan.allowed)

    @property
    def wires(self) -> tuple[str, ...]:
        """The formats that this run checks."""
        return self.plan.wires

    # -------------------------------------------------------------- sending

    def send(self, document: Any, wire: str, label: str, **changes: str | None) -> Exchange:
        """Send a document by version 2, with fresh ids and allowed numbers.

        changes: replace header fields; None leaves one out.
        """
        return self.call("send", wire, label, document, headers=changes)

    def call(  # noqa: PLR0913 - an operation takes a body, a query and names in its path
        self,
        operation: str,
        wire: str,
        label: str,
        document: Any = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        path_parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        succeeds: bool = False,
        alter: Callable[[bytes], bytes] = bytes,
    ) -> Exchange:
        """Call an operation of the contract; see ``send``. Queries and paths go out as they are.

        alter: makes other bytes of the body.
        succeeds: a correct server carries it out, so that it may have other header fields (variations.py).
        """
        found = read_operations()[operation]
        if succeeds and self.plan.profile.derives:
            make = partial(
                self.call,
                operation,
                wire,
                document=document,
                query=query,
                path_parameters=path_parameters,
            )
            other = self.credentials.find_other(self.authorization)
            return self.variations.call(found, wire, label, make, other)
        changes = dict(headers or {})
        body = b""
        if document is not None:
            document = self.freshen(document)
            body = alter(dump(document, wire, found.request or ""))
        if found.request is None:
            changes = {"content_type": None, **changes}
        path = found.build_path(query, path_parameters or {})
        request = RawRequest(found.method, path, self.build_headers(wire, changes), body)
        return self._send(PreparedRequest(found, wire, label, document, request))

    def send_body(self, body: bytes, wire: str, label: str, **changes: str | None) -> Exchange:
        """Send bytes as they are to version 2."""
        found = read_operations()["send"]
        request = RawRequest(found.method, found.path, self.build_headers(wire, changes), body)
        return self._send(PreparedRequest(found, wire, label, None, request))

    def freshen(self, document: Any) -> Any:
        """Return a document as it may be sent now."""
        mark = f"{self.run_id}-{self.requests}"
        return freshen(document, mark, self.plan.allowed, past=not self.rejects_past)

    def build_headers(self, wire: str, changes: Mapping[str, str | None]) -> dict[str, str]:
        """Return the header fields of a request: its format in Content-Type and in Accept."""
        media = MEDIA_TYPES[wire]
        usual = {name.lower(): value for name, value in self.credentials.headers}
        usual |= {"authorization": self.authorization, "content-type": media, "accept": media}
        named = usual | {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in named.items() if value is not None}

    def _send(self, prepared: PreparedRequest) -> Exchange:
        """Send a request; after some without answer, find out whether the server still lives."""
        found = self._exchange(prepared)
        self.looked_at.append(found)
        silent = found.response is None and not self.stopped
        if silent and self.sender.unanswered % UNANSWERED_BEFORE_PROBE == 0:
            self._probe_availability()
        return found

    def _exchange(self, prepared: PreparedRequest) -> Exchange:
        """Send a request, and once more with a new token if the one that it had was rejected."""
        found = self.sender.send(prepared)
        if found.status != UNAUTHORIZED or not self._renew_token(prepared):
            return found
        headers = {**prepared.request.headers, "authorization": self.authorization}
        return self.sender.send(
            replace(prepared, request=replace(prepared.request, headers=headers))
        )

    def _renew_token(self, prepared: PreparedRequest) -> bool:
        """Run the token command again if a request had its token; tell whether there is another one."""
        used = prepared.request.headers.get("authorization")
        if not self.credentials.token_command or used != self.authorization:
            return False
        self.authorization = self.credentials.primary
        return self.authorization != used

    def _probe_availability(self) -> None:
        probe = self.probe()
        if probe.response is None:
            self.sender.stopped = f"the server does not answer: {probe.problem}"

    def probe(self, wire: str = WIRES[0]) -> Exchange:
        """Send the minimal request, or one without messages where none may be taken."""
        found = read_operations()["send"]
        document = self.freshen(read_example("minimal-request"))
        if self.plan.profile.stops_at_acceptance:
            document["messages"] = []
        body = dump(document, wire)
        request = RawRequest(found.method, found.path, self.build_headers(wire, {}), body)
        return self._exchange(
            PreparedRequest(found, wire, "the minimal request", document, request)
        )

    def start(self) -> None:
        """Send the first request; NotTestableError when what answers is not this API.

        Where Basic is not taken, the API key serves for the whole run: so a server that lacks one
        scheme breaks the requirement of that scheme and no other.
        """
        first = self.probe()
        if first.status == UNAUTHORIZED and self.credentials.fallback is not None:
            self.authorization = self.credentials.fallback
            first = self.probe()
        self._require_this_api(first)
        if self.plan.profile.stops_at_acceptance:
            return
        if WIRES[0] in self.wires:
            self._shared["minimal-request", WIRES[0]] = first
        if (
            first.outcome is RequestOutcome.ACCEPTED
        ):  # READ-019: which of the two does this server do?
            past = read_example("documented-request")["messages"][-1]["sendAt"]
            document = apply_edit(
                read_example("minimal-request"), "messages[0].sendAt", "set", past
            )
            try:
                taken = self.send(document, WIRES[0], "the minimal request for a time that is past")
            except Inconclusive:  # no further message may be sent
                self.rejects_past = True
            else:
                self.rejects_past = taken.outcome is not RequestOutcome.ACCEPTED

    def _require_this_api(self, first: Exchange) -> None:
        """Raise NotTestableError unless the server is one of this API that knows the credentials.

        What could be a single fault of a server is looked at in the other format as well.
        """
        accepts = not self.plan.profile.stops_at_acceptance
        whole = partial(self.send_example, "documented-request", self.wires[0])
        probes = collect_probes(first, self.wires, self.probe, whole if accepts else self.probe)
        require_this_api(self.target, probes)

    # -------------------------------------------------------------- shared exchanges

    def send_once(self, key: str, wire: str, document: Any, label: str) -> Exchange:
        """Return the exchange of that name, sending it when it is first asked for."""
        if (key, wire) not in self._shared:
            self._shared[key, wire] = self.send(document, wire, label)
        self.looked_at.append(self._shared[key, wire])
        return self._shared[key, wire]

    def keep(self, key: str, wire: str, exchange: Exchange) -> Exchange:
        """Keep an exchange under a name, for whoever asks for it later."""
        self._shared[key, wire] = exchange
        return exchange

    def find(self, key: str, wire: str) -> Exchange | None:
        """Return the exchange of a name, if it was sent."""
        found = self._shared.get((key, wire))
        self.looked_at += [found] if found else []
        return found

    def send_example(self, stem: str, wire: str) -> Exchange:
        """Return the exchange of an unedited example."""
        return self.send_once(stem, wire, read_example(stem), f"the example {stem}")

    def build_case_document(self, case: Case, wire: str) -> CaseDocument:
        """Return the document that a case travels in, in the format."""
        return build_case_document(case, self.plan.profile.get_placement(wire, case.turn))

    def is_placed_alone(self, wire: str) -> bool:
        """Tell whether a case travels in the smallest document anyway."""
        return bool(self.plan.profile.placements[WIRES.index(wire)] == "alone")

    def send_case(self, case: Case, wire: str) -> Exchange:
        """Return the exchange of a case."""
        placed = self.build_case_document(case, wire)
        label = describe_edit(case, placed.path)
        return self.send_once(f"case {case.id}", wire, placed.document, label)

    def send_alone(self, case: Case, wire: str) -> Exchange:
        """Return the exchange of a case in the smallest document that it fits into."""
        placed = build_case_document(case, "alone")
        label = describe_edit(case, placed.path)
        return self.send_once(f"alone {case.id}", wire, placed.document, label)

    def send_invalid_cases(self, wire: str) -> Iterator[Exchange]:
        """Yield the exchanges of all cases that a server must reject."""
        for case in get_rejected_cases():
            if is_sent(case, wire, self.plan.profile, self.wires):
                yield self.send_case(case, wire)

    def send_limits(self, wire: str, *, derived: bool = False) -> Exchange:
        """Return the exchange of the request at all limits together; derived: those of the schema."""
        document = build_limits_document(derived=derived).document
        key, what = ("values", "many values") if derived else ("limits", "every limit")
        return self.send_once(key, wire, document, f"a request at {what}")

    def send_limits_of(self, index: int, wire: str, *, derived: bool = False) -> Exchange:
        """Return the exchange of one message of the request at all limits."""
        whole = build_limits_document(derived=derived).document
        document = {"messages": [whole["messages"][index]]}
        key, what = ("values", "many values") if derived else ("limits", "every limit")
        label = f"message {index + 1} of the request at {what}"
        return self.send_once(f"{key} {index}", wire, document, label)

    def send_days(self) -> Exchange:
        """Return the exchange of the minimal request with a window of two days, in XML."""
        window = {"days": get_component("Day")["enum"][:2]}
        document = apply_edit(
            read_example("minimal-request"), "messages[0].deliveryTimeWindow", "set", window
        )
        return self.send_once(
            "days", "xml", document, "the minimal request with a window of two days"
        )

    def send_unnamed(self) -> list[Exchange]:
        """Return two exchanges of a message to several without ids of its own, one in each format."""
        wires = self.wires * 2 if len(self.wires) == 1 else self.wires
        whole = apply_edit(read_example("documented-request"), "bulkId", "remove", True)
        document = {**whole, "messages": whole["messages"][:1]}
        what = "the first message of the documented request, without bulkId"
        sent = [self.send_once(f"unnamed {n}", w, document, what) for n, w in enumerate(wires)]
        return [self._send_plainer(f"unnamed {n}", found) for n, found in enumerate(sent)]

    def send_pool(self, wire: str) -> list[Exchange]:
        """Return exchanges of good requests of many shapes; the same requests in both formats."""
        return [
            self.send_example("minimal-request", wire),
            self.send_named_plainly(wire),
            self.send_example("documented-request", wire),
            *(e for e in self.send_unnamed() if e.wire == wire),
            *self.send_generated(wire),
        ]

    def send_named(self, wire: str) -> Exchange:
        """Return the exchange of a request with ids, which is spelled in another way than all others."""
        if (found := self.find("named", wire)) is not None:
            return found
        document, send = self.freshen(build_named()), read_operations()["send"]
        body = respell(dump(document, wire), wire)
        request = RawRequest(send.method, send.path, self.build_headers(wire, {}), body)
        what = "the minimal request with ids, for two numbers"
        return self.keep(
            "named", wire, self._send(PreparedRequest(send, wire, what, document, request))
        )

    def send_named_plainly(self, wire: str) -> Exchange:
        """Return the same exchange, or a plainer one where the request is rejected in the first format, too."""
        first = self.send_named(self.wires[0])
        found = self.send_named(wire)
        return self._send_plainer("named", found) if is_rejected(first) else found

    def _send_plainer(self, key: str, found: Exchange) -> Exchange:
        """Return the exchange without tracking where a request was rejected; else as it is."""
        if not is_rejected(found) or "tracking" not in found.document:
            return found
        document = {name: value for name, value in found.document.items() if name != "tracking"}
        label = f"{found.label}, without tracking"
        return self.send_once(f"{key} without tracking", found.wire, document, label)

    def send_generated(self, wire: str) -> list[Exchange]:
        """Return exchanges of generated requests, the smallest first."""
        requests = build_requests(self.plan.profile.generated, self.plan.seed)
        return [
            self.send_once(f"generated {n}", wire, document, describe_generated(n, document))
            for n, document in enumerate(requests, 1)
        ]

    def require_receiver(self) -> WebhookReceiver:
        """Return the callback server; NotApplicable where reports cannot come to it."""
        if self.receiver is None:
            raise NotApplicable("the server cannot reach this machine; see --callback")
        return self.receiver


def is_rejected(exchange: Exchange) -> bool:
    """Tell whether a request was rejected."""
    return exchange.outcome is RequestOutcome.REJECTED
