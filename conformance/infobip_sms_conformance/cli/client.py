"""The commands client, proxy and har: check a client by what it sends."""

import queue
import secrets
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from infobip_sms_conformance.cli.options import (
    FILE,
    PASSWORD,
    USER,
    Command,
    ReportOptions,
    add_port,
    add_reports,
    option,
)
from infobip_sms_conformance.client_checks.expected_request import (
    ExpectedRequest,
    read_expected_request,
)
from infobip_sms_conformance.client_checks.request import check_rejection
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.coverage import MAX_PATHS
from infobip_sms_conformance.client_run.har_input import read_har
from infobip_sms_conformance.client_run.har_output import HarWriter
from infobip_sms_conformance.client_run.process import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLE,
    run_client_command,
)
from infobip_sms_conformance.client_run.scenario_results import (
    CommandRun,
    add_findings,
    build_results,
    build_section,
    get_stop_reason,
)
from infobip_sms_conformance.client_run.scripted_server import ScenarioServer
from infobip_sms_conformance.errors import INTERRUPTED, UsageError
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.engine import STOPPED_BY_USER
from infobip_sms_conformance.run.result import RunResult, Section
from infobip_sms_conformance.sanitization.redaction import clean
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.http1 import CapturedExchange
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.processes import start_sandbox
from infobip_sms_conformance.transport.proxy import CapturingProxy

RUN_TIMEOUT = 60.0


@dataclass(kw_only=True, repr=False)
class ClientOptions(ReportOptions):
    """The options of the command client."""

    command: Sequence[str]
    port: int
    scenarios: bool
    expect: Path | None


@dataclass(kw_only=True, repr=False)
class ProxyOptions(ReportOptions):
    """The options of the command proxy."""

    upstream: str
    port: int
    live: bool
    record: Path | None


# What follows the program belongs to it, options included.
@click.command(cls=Command, context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@add_port
@option(
    "--scenarios",
    section="Server",
    is_flag=True,
    help="Respond in every way that a server may; restart COMMAND for each.",
)
@option(
    "--expect",
    section="Server",
    type=FILE,
    metavar="FILE",
    help="JSON request that COMMAND should send; what it sends is compared with it.",
)
@add_reports
def client(**settings: Any) -> int:
    """Check a client by what it sends.

    COMMAND is run with INFOBIP_BASE_URL and INFOBIP_API_KEY set; write -- before it. Without one,
    the suite listens until interrupted.
    """
    options = ClientOptions(**settings)
    known = prepare(options)
    key = secrets.token_hex(16)
    archive = HarWriter()
    checks = (
        (ExpectedRequest(read_expected_request(options.expect)).check,) if options.expect else ()
    )
    collector = TrafficCollector(recorders=(archive.add,) if options.har else (), checks=checks)
    if options.scenarios:
        return run_scenarios(options, collector, archive, known)
    collector.checks = (*checks, check_rejection)
    with (
        start_sandbox(Credentials(USER, PASSWORD, key)) as server,
        collect_in_thread(collector) as collect,
        listen(CapturingProxy(parse_target(server), collect).serve, options.port) as url,
    ):
        sections, stopped = run_or_wait(options, url, key)
    result = collector.build_result(url, "client", sections=sections, stopped=stopped)
    return write_reports(options, result, archive, known)


def run_scenarios(
    options: ClientOptions,
    collector: TrafficCollector,
    archive: HarWriter,
    known: baseline.Baseline | None,
) -> int:
    """Check how a client handles responses of every kind."""
    runs: list[CommandRun] = []
    stopped = ""
    with collect_in_thread(collector) as collect:
        server = ScenarioServer(collect)
        with listen(server.serve, options.port) as url:
            if options.command:
                print_line(
                    f"Listening at {url}; running {options.command[0]} for each scenario",
                    quiet=options.quiet,
                )
                try:
                    runs.extend(run_repeatedly(server, options.command, url))
                except KeyboardInterrupt:
                    stopped = STOPPED_BY_USER
            else:
                run_or_wait(options, url, secrets.token_hex(16))
                runs.append(CommandRun(tuple(server.scenario_runs), None))
    outcomes = build_results(runs)
    add_findings(collector, outcomes)
    sections = [build_section(outcomes)] if outcomes else []
    stopped = stopped or get_stop_reason(outcomes)
    result = collector.build_result(url, "client, scenarios", sections=sections, stopped=stopped)
    return write_reports(options, result, archive, known)


def run_repeatedly(
    server: ScenarioServer, command: Sequence[str], url: str, *, quiet: bool = False
) -> Iterator[CommandRun]:
    """Run a command until every scenario has had its request, or until a run sends nothing."""
    key = secrets.token_hex(16)
    while not server.is_finished:
        before = len(server.scenario_runs)
        server.end_run()
        end = run_client_command(command, url, key, RUN_TIMEOUT, quiet=quiet)
        run = CommandRun(tuple(server.scenario_runs[before:]), end)
        if not run.scenario_runs:
            return
        yield run
        if before == 0 and get_stop_reason(build_results([run])):
            return


@click.command(cls=Command)
@option(
    "--upstream",
    section="Server",
    metavar="URL",
    required=True,
    help="Base URL of the server.",
)
@add_port
@option(
    "--live", section="Server", is_flag=True, help="Allow a server that is not on this machine."
)
@option(
    "--record",
    section="Server",
    type=FILE,
    metavar="FILE",
    help="Record everything as HAR: phone numbers and texts in full, credentials masked; readable by you only.",
)
@add_reports
def proxy(**settings: Any) -> int:
    """Check what passes between any client and any server."""
    options = ProxyOptions(**settings)
    upstream = parse_target(options.upstream, live=options.live)
    if upstream.path:
        raise UsageError("--upstream: expected scheme, host and port; the client adds the path")
    known = prepare(options, options.record)
    archive, recording = HarWriter(), HarWriter(unredacted=True)
    recorders = [archive.add] if options.har else []
    recorders += [recording.add] if options.record else []
    collector = TrafficCollector(check_responses=True, recorders=tuple(recorders))
    with (
        collect_in_thread(collector) as collect,
        listen(CapturingProxy(upstream, collect).serve, options.port) as url,
    ):
        print_line(f"Between {url} and {upstream}, until interrupted", quiet=False)
        if not upstream.is_loopback:
            print_line(
                f"The header Host is set to {upstream.host}; nothing else is changed", quiet=False
            )
        wait_for_interrupt()
    if options.record:
        files.write_file(options.record, recording.dump(), private=True)
    result = collector.build_result(str(upstream), "proxy")
    return write_reports(options, result, archive, known)


@click.command(cls=Command)
@click.argument("archive", metavar="FILE", type=FILE)
@add_reports
def har(archive: Path, **settings: Any) -> int:
    """Check a recording.

    FILE is a HAR file of any tool.
    """
    options = ReportOptions(**settings)
    known = prepare(options)
    writer = HarWriter()
    collector = TrafficCollector(
        check_responses=True, recorders=(writer.add,) if options.har else ()
    )
    hosts: dict[str, None] = {}
    others: Counter[str] = Counter()
    for captured in read_har(archive, lambda request: others.update([request])):
        hosts[captured.base_url] = None
        collector.add(captured)
    stopped = "" if hosts else describe_other_requests(others)
    result = collector.build_result(", ".join(list(hosts)[:3]), "har", stopped=stopped)
    return write_reports(options, result, writer, known)


def describe_other_requests(others: Counter[str]) -> str:
    """Say that a recording has no request to this API, and which ones it has."""
    if not others:
        return "the recording has no requests"
    seen = ", ".join(request for request, _ in others.most_common(MAX_PATHS))
    return f"no request of the recording is to this API (delivery reports are not checked); seen: {seen}"


def prepare(options: ReportOptions, record: Path | None = None) -> baseline.Baseline | None:
    """Return the baseline; raise UsageError for a file that cannot be read or written."""
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    files.require_writable_files(options.files)
    if record is not None and not record.absolute().parent.is_dir():
        raise UsageError(f"{record} cannot be written: its folder does not exist")
    return known


def run_or_wait(options: ClientOptions, url: str, key: str) -> tuple[list[Section], str]:
    """Run the command, or wait until interrupted; return its section of the report.

    The second value is why the run ended early, if it did.
    """
    if not options.command:
        print_line(
            f"Listening. Until interrupted:\n  export {BASE_URL_VARIABLE}={url} {API_KEY_VARIABLE}={key}",
            quiet=False,
        )
        print_line(f"  or for Basic: {USER} and {PASSWORD}", quiet=options.quiet)
        wait_for_interrupt()
        return [], ""
    print_line(f"Listening at {url}; running {options.command[0]}", quiet=options.quiet)
    try:
        end = run_client_command(options.command, url, key)
    except KeyboardInterrupt:
        return [], STOPPED_BY_USER
    sections = [Section("command", "COMMAND", (str(end),), {"exit": end.code})]
    return (sections if end.code else []), ""


def print_line(line: str, *, quiet: bool) -> None:
    """Print a line at once, unless quiet."""
    if not quiet:
        print(clean(line), flush=True)


def wait_for_interrupt() -> None:
    """Wait for SIGINT or SIGTERM: a shell ignores Ctrl-C for background jobs."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print(file=sys.stderr)


@contextmanager
def collect_in_thread(collector: TrafficCollector) -> Iterator[Callable[[CapturedExchange], None]]:
    """Check captured exchanges in a thread of its own, all of them before it ends."""
    waiting: queue.Queue[CapturedExchange | None] = queue.Queue()
    problems: list[Exception] = []

    def collect() -> None:
        while (captured := waiting.get()) is not None:
            try:
                collector.add(captured)
            except Exception as error:  # noqa: BLE001 - it is raised where the run ends
                problems.append(error)

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    try:
        yield waiting.put
    finally:
        waiting.put(None)
        thread.join()
    if problems:
        raise problems[0]


def write_reports(
    options: ReportOptions,
    result: RunResult,
    archive: HarWriter,
    known: baseline.Baseline | None,
) -> int:
    """Print and write the result; return the exit code."""
    reporter = console.ConsoleReporter(quiet=options.quiet, verbose=options.verbose)
    compared = baseline.compare(known, result) if known is not None else None
    reporter.print_result(result, compared)
    reporter.print_next_step(result, options.files)
    files.write_files(options.files, result, compared, archive.dump)
    if result.stopped == STOPPED_BY_USER:
        return INTERRUPTED
    return compared.exit_code if compared else result.exit_code
