"""The posts of one run in one format: what was sent, what came back, and what should have been kept."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from infobip_sms_conformance.observations.exchange import OK_STATUSES, Exchange
from infobip_sms_conformance.observations.verdicts import CheckFailed, Inconclusive
from infobip_sms_conformance.receiver_run.connection import (
    ReceiverAddress,
    ReceiverConnection,
    dump_request,
    measure_time,
    open_connection,
)
from infobip_sms_conformance.receiver_run.reports import (
    Edit,
    Report,
    build_report,
    dump_reports,
    get_media_type,
)
from infobip_sms_conformance.transport.http import NoResponseError, RawRequest

ACKNOWLEDGED = "a 2xx status"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Post:
    """One request, with the reports that have to be kept once it is acknowledged."""

    label: str
    request: RawRequest = field(repr=False)
    reports: tuple[Report, ...] = field(default=(), repr=False)
    """As the kept ones are compared with, under the field names of the contract."""


@dataclass(frozen=True)
class AcknowledgedReport:
    """A report that the receiver acknowledged, and the requirement that it was posted for."""

    requirement_id: str
    wire: str
    report: Report = field(repr=False)
    exchange: Exchange = field(repr=False)


@dataclass
class Conversation:
    """Builds posts and sends them."""

    address: ReceiverAddress
    wire: str
    seconds: float
    """How long a response may take."""
    max_posts: int
    requirement_id: str = ""
    """The requirement that is being checked."""
    base_edits: tuple[Edit, ...] = ()
    """Applied to every report: a form of the documented report that the receiver acknowledges."""
    exchanges: list[Exchange] = field(default_factory=list)
    acknowledged: list[AcknowledgedReport] = field(default_factory=list)
    reports: int = 0
    failed: set[str] = field(default_factory=set)
    """Requirements that failed so far."""
    stopped: str = ""
    """The requirement at which the receiver ceased to respond."""
    _posts: int = 0

    def build(
        self, label: str, *edits: Edit, count: int = 1, headers: Mapping[str, str] = NO_HEADERS
    ) -> Post:
        """Return a post of reports with edits; headers: further ones."""
        sent = [self.build_report(*edits) for _ in range(count)]
        return self.build_post(label, dump_reports(sent, self.wire), sent, headers)

    def build_report(self, *edits: Edit) -> Report:
        """Return a fresh report with edits."""
        report = build_report()
        for edit in (*self.base_edits, *edits):
            report = edit(report)
        return report

    def build_post(
        self,
        label: str,
        body: bytes,
        reports: Sequence[Report] = (),
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Post:
        """Return a post of any body, headers in lower case; the content type is that of the format unless it is given."""
        found = {"content-type": get_media_type(self.wire), **headers}
        request = RawRequest("POST", self.address.path, found, body)
        return Post(label, request, tuple(reports))

    def send(self, post: Post) -> Exchange:
        """Send a post on a connection of its own."""
        start = time.monotonic()
        try:
            with open_connection(self.address.target, self.seconds) as connection:
                return self.send_on(connection, post)
        except NoResponseError as error:
            return self._record(post, start, error=error)

    def send_on(
        self, connection: ReceiverConnection, post: Post, *, keep: bool = False
    ) -> Exchange:
        """Send a post on a connection; ``keep`` leaves it open."""
        self.count_post()
        start = time.monotonic()
        data = dump_request(self.address, post.request, keep=keep)
        try:
            response = connection.request(data)
        except NoResponseError as error:
            return self._record(post, start, error=error)
        self.reports += len(post.reports)
        seconds = measure_time(start)
        exchange = Exchange(
            post.label,
            None,
            self.wire,
            response,
            request=post.request,
            at=time.time(),
            seconds=seconds,
        )
        self.exchanges.append(exchange)
        if response.status in OK_STATUSES:
            self.acknowledged += [
                AcknowledgedReport(self.requirement_id, self.wire, report, exchange)
                for report in post.reports
            ]
        return exchange

    def count_post(self) -> None:
        """Count a post; the plan is the limit."""
        if self._posts >= self.max_posts:
            raise Inconclusive("the posts of the plan are used up")
        self._posts += 1

    @property
    def posts(self) -> int:
        """How many posts were sent."""
        return self._posts

    def _record(self, post: Post, start: float, *, error: NoResponseError) -> Exchange:
        exchange = Exchange(
            post.label,
            None,
            self.wire,
            None,
            str(error),
            error.slow,
            request=post.request,
            at=time.time(),
            seconds=measure_time(start),
        )
        self.exchanges.append(exchange)
        return exchange

    def require_acknowledged(self, post: Post) -> Exchange:
        """Send a post; CheckFailed if it is not acknowledged."""
        return self.require_status(self.send(post), OK_STATUSES, ACKNOWLEDGED)

    def require_status(self, exchange: Exchange, allowed: Sequence[int], expected: str) -> Exchange:
        """Return the exchange; CheckFailed if the status is not an allowed one."""
        if exchange.status not in allowed:
            raise CheckFailed(describe(exchange), expected=expected, exchange=exchange)
        return exchange

    def require_alive(self, after: str) -> None:
        """Send a valid report; CheckFailed if it is not acknowledged."""
        exchange = self.send(self.build(f"a valid report after {after}"))
        self.require_status(exchange, OK_STATUSES, ACKNOWLEDGED)

    def is_responding(self) -> bool:
        """Tell whether a valid report is still acknowledged."""
        return is_acknowledged(self.send(self.build("a valid report")))


def is_acknowledged(exchange: Exchange) -> bool:
    """Tell whether a post got a 2xx status."""
    return exchange.status in OK_STATUSES


def describe(exchange: Exchange) -> str:
    """Say what came back: the status, or why there is none."""
    return exchange.problem if exchange.status is None else f"HTTP {exchange.status}"
