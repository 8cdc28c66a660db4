"""Delivery reports, printed as they arrive at a notify URL."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from infobip_sms.cli.base.framework import Command, UnavailableError
from infobip_sms.cli.base.output import clean, print_note, print_report

if TYPE_CHECKING:
    from types import FrameType

    from infobip_sms import DeliveryReports
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
    show_default=True,
    help="Address to listen on; 0.0.0.0 opens it to everybody who can reach this machine.",
)
@click.option("--path", metavar="PATH", help="Take reports at this path only, such as /reports.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each report.")
def listen(port: int, host: str, path: str | None, as_json: bool) -> None:
    """Receive delivery reports on a notify URL and print them.

    Accepts POST with reports in JSON or XML, and responds with 200 only once they are written. Anything
    else gets 400, with the reason on stderr; the platform then tries again later. A report may arrive
    twice, with the same message ID. Runs until it is stopped.
    """
    from infobip_sms.webhook_server import WebhookServer  # noqa: PLC0415 - asyncio takes time

    def write(reports: DeliveryReports) -> None:
        for report in reports.results:
            print_report(report, as_json=as_json)
        _sync_output()

    if path is not None and not path.startswith("/"):
        raise click.BadParameter("a path must start with /", param_hint="--path")
    try:
        listener = WebhookServer(host, port, write, _print_problem, path=path)
    except OSError as problem:
        raise UnavailableError(f"{host}:{port} cannot be used: {problem.strerror}") from None
    with suppress(KeyboardInterrupt):
        _stop_on_termination(listener)
        print_note(f"listen: {listener.url}{path or '/'}")
        listener.run()
    print_note("listen: stopped")


def _print_problem(words: str) -> None:
    print_note(f"listen: {clean(words)}")


def _stop_on_termination(listener: WebhookServer) -> None:
    """End in order on SIGTERM, too: a container has no other way to say stop."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal expects it
        listener.shutdown()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


def _sync_output() -> None:
    """Have the system keep what was printed, if it goes to a file."""
    sys.stdout.flush()
    output = sys.stdout.fileno()
    if stat.S_ISREG(os.fstat(output).st_mode):
        os.fsync(output)
