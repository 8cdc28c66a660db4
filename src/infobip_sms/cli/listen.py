"""Delivery reports, printed as they arrive at a notify URL."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from infobip_sms import InvalidRequestError
from infobip_sms.cli.base.framework import Command, UnavailableError, build_address_error
from infobip_sms.cli.base.output import clean, print_note, print_report
from infobip_sms.cli.base.terminal import ENDING_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from infobip_sms import DeliveryReport, DeliveryReports
    from infobip_sms.send_many.report_store import ReportStore
    from infobip_sms.webhook_forwarder import WebhookForwarder
    from infobip_sms.webhook_server import WebhookServer


@click.command(cls=Command)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8081,
    show_default=True,
    help="Port to listen on; 0 finds a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    show_default=True,
    help="Address to listen on; 0.0.0.0 opens it to everybody who can reach this machine.",
)
@click.option("--path", metavar="PATH", help="Accept reports at this path only, such as /reports.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each report.")
@click.option(
    "--store",
    metavar="FILE",
    help="Keep the reports in FILE, each message and state once; status reads it.",
)
@click.option(
    "--forward",
    metavar="URL",
    help="Also post each stored report to URL, repeatedly until it is acknowledged: 1 + n² minutes"
    " after attempt n, as Infobip does. Needs --store.",
)
@click.option(
    "--trust-http",
    multiple=True,
    metavar="HOST",
    help="Host that --forward may post to over plain http, such as a container; may be repeated.",
)
def listen(
    port: int,
    host: str,
    path: str | None,
    as_json: bool,
    store: str | None,
    forward: str | None,
    trust_http: tuple[str, ...],
) -> None:
    """Receive delivery reports on a notify URL and print them.

    Accepts POST with reports in JSON or XML, and responds with 200 only once they are written. Anything
    else gets 400, with the reason on stderr; the platform then tries again later. A report may arrive
    twice, with the same message ID; with --store it is printed once. Runs until it is stopped.
    """
    if path is not None and not path.startswith("/"):
        raise click.BadParameter("a path must start with /", param_hint="--path")
    if forward is not None and store is None:
        raise click.UsageError(
            "--forward needs --store FILE, which keeps what is still to be posted."
        )
    if trust_http and forward is None:
        raise click.UsageError("--trust-http is for --forward.")
    with ExitStack() as opened:
        reports = opened.enter_context(_open_store(store)) if store else None
        forwarder = None
        if reports and forward:
            forwarder = opened.enter_context(_build_forwarder(forward, reports, trust_http))
        write = _build_writer(reports, forwarder, as_json=as_json)
        _serve(host, port, write, path)
    print_note("listen: stopped")


def _serve(
    host: str, port: int, write: Callable[[DeliveryReports], None], path: str | None
) -> None:
    from infobip_sms.webhook_server import WebhookServer  # noqa: PLC0415 - asyncio takes time

    try:
        listener = WebhookServer(host, port, write, _print_problem, path=path)
    except (OSError, UnicodeError) as problem:  # UnicodeError: of a host that cannot be one
        raise build_address_error(host, port, problem) from None
    with suppress(KeyboardInterrupt):
        _stop_on_termination(listener)
        print_note(f"listen: {listener.url}{path or '/'}")
        listener.run()


def _open_store(path: str) -> ReportStore:
    from infobip_sms.send_many.report_store import ReportStore, ReportStoreError  # noqa: PLC0415 - seldom

    try:
        return ReportStore(path)
    except ReportStoreError as problem:
        raise UnavailableError(clean(problem)) from None


def _build_forwarder(
    url: str, reports: ReportStore, trust_http: tuple[str, ...]
) -> WebhookForwarder:
    from infobip_sms.webhook_forwarder import WebhookForwarder  # noqa: PLC0415 - seldom

    try:
        return WebhookForwarder(url, reports, _print_problem, trust_http)
    except InvalidRequestError:
        raise click.BadParameter(
            "expected https:// and a host; http:// only for this machine and the hosts of --trust-http",
            param_hint="--forward",
        ) from None


def _build_writer(
    store: ReportStore | None, forwarder: WebhookForwarder | None, *, as_json: bool
) -> Callable[[DeliveryReports], None]:
    """Return what keeps the reports of a body, and prints them."""

    def write(reports: DeliveryReports) -> None:
        new: Sequence[DeliveryReport] = reports.results
        if store is not None:
            new = store.add(new, due=time.time() if forwarder else None)
        if forwarder is not None:
            forwarder.wake()
        for report in new:
            print_report(report, as_json=as_json)
        _sync_output()

    return write


def _print_problem(words: str) -> None:
    print_note(f"listen: {clean(words)}")


def _stop_on_termination(listener: WebhookServer) -> None:
    """End in order on the signals that end a process; nohup has one of them ignored."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal expects it
        listener.shutdown()

    if threading.current_thread() is threading.main_thread():
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, stop)


def _sync_output() -> None:
    """Have the system keep what was printed, if it goes to a file."""
    sys.stdout.flush()
    output = sys.stdout.fileno()
    if stat.S_ISREG(os.fstat(output).st_mode):
        os.fsync(output)
