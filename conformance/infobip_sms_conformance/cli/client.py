"""The commands client, proxy and har."""

import argparse
import queue
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infobip_sms_conformance.cli.options import PASSWORD, USER
from infobip_sms_conformance.client_checks.expected_request import (
    ExpectedRequest,
    read_expected_request,
)
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.har_input import HarWriter, read_har
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
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.engine import STOPPED_BY_USER
from infobip_sms_conformance.run.result import RunResult, Section
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.http1 import CapturedExchange
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.processes import start_sandbox
from infobip_sms_conformance.transport.proxy import CapturingProxy

RUN_TIMEOUT = 60.0
INTERRUPTED = 130


def run_client(options: argparse.Namespace) -> int:
    """Check a client by what it sends to the sandbox, or to scripted responses."""
    command = get_command(options.command_line)
    known = prepare(options)
    key = secrets.token_hex(16)
    archive = HarWriter()
    looks = (
        (ExpectedRequest(read_expected_request(options.expect)).check,) if options.expect else ()
    )
    collector = TrafficCollector(recorders=(archive.add,) if options.har else (), checks=looks)
    if options.scenarios:
        return run_scenarios(options, command, collector, archive, known)
    with (
        start_sandbox(Credentials(USER, PASSWORD, key)) as server,
        collect_in_thread(collector) as hear,
        listen(CapturingProxy(parse_target(server), hear).serve, options.port) as url,
    ):
        sections, stopped = run_or_wait(options, command, url, key)
    record = collector.build_result(url, "client", sections=sections, stopped=stopped)
    return write_reports(options, record, archive, known)


def run_scenarios(
    options: argparse.Namespace,
    command: Sequence[str],
    collector: TrafficCollector,
    archive: HarWriter,
    known: baseline.Baseline | None,
) -> int:
    """Check a client by what it makes of responses of every kind."""
    runs: list[CommandRun] = []
    stopped = ""
    with collect_in_thread(collector) as hear:
        script = ScenarioServer(hear)
        with listen(script.serve, options.port) as url:
            if command:
                print_line(
                    f"Listening at {url}; {command[0]} runs for each answer", quiet=options.quiet
                )
                try:
                    runs.extend(run_repeatedly(script, command, url))
                except KeyboardInterrupt:
                    stopped = STOPPED_BY_USER
            else:
                run_or_wait(options, command, url, secrets.token_hex(16))
                runs.append(CommandRun(tuple(script.scenario_runs), None))
    outcomes = build_results(runs)
    add_findings(collector, outcomes)
    sections = [build_section(outcomes)] if outcomes else []
    stopped = stopped or get_stop_reason(outcomes)
    record = collector.build_result(url, "client, scenarios", sections=sections, stopped=stopped)
    return write_reports(options, record, archive, known)


def run_repeatedly(
    scenario_server: ScenarioServer, command: Sequence[str], url: str, *, quiet: bool = False
) -> Iterator[CommandRun]:
    """Run a command until every scenario has had its request; end where a run sends nothing."""
    key = secrets.token_hex(16)
    while not scenario_server.is_finished:
        before = len(scenario_server.scenario_runs)
        scenario_server.end_run()
        end = run_client_command(command, url, key, RUN_TIMEOUT, quiet=quiet)
        run = CommandRun(tuple(scenario_server.scenario_runs[before:]), end)
        if not run.scenario_runs:
            return
        yield run
        if before == 0 and get_stop_reason(build_results([run])):
            return


def run_proxy(options: argparse.Namespace) -> int:
    """Check what passes between a client and a server."""
    upstream = parse_target(options.upstream, live=options.live)
    if upstream.path:
        raise UsageError("--upstream is scheme, host and port; the client brings the path")
    known = prepare(options)
    archive, recording = HarWriter(), HarWriter(unredacted=True)
    keeps = [archive.add] if options.har else []
    keeps += [recording.add] if options.record else []
    collector = TrafficCollector(check_responses=True, recorders=tuple(keeps))
    with (
        collect_in_thread(collector) as hear,
        listen(CapturingProxy(upstream, hear).serve, options.port) as url,
    ):
        print_line(f"Between {url} and {upstream}, until interrupted", quiet=False)
        if not upstream.is_loopback:
            print_line(
                f"The field Host is made {upstream.host}; nothing else is altered", quiet=False
            )
        wait_for_interrupt()
    if options.record:
        write_file(options.record, recording.dump())
    record = collector.build_result(str(upstream), "proxy")
    return write_reports(options, record, archive, known)


def run_har(options: argparse.Namespace) -> int:
    """Check a recording."""
    known = prepare(options)
    archive = HarWriter()
    collector = TrafficCollector(
        check_responses=True, recorders=(archive.add,) if options.har else ()
    )
    hosts: dict[str, None] = {}
    for captured in read_har(options.archive):
        hosts[captured.base_url] = None
        collector.add(captured)
    stopped = "" if hosts else "the recording has no request of this API"
    record = collector.build_result(", ".join(list(hosts)[:3]), "har", stopped=stopped)
    return write_reports(options, record, archive, known)


def get_command(arguments: Sequence[str]) -> list[str]:
    """Return the command, without the sign before it."""
    return list(arguments[1:] if arguments[:1] == ["--"] else arguments)


def prepare(options: argparse.Namespace) -> baseline.Baseline | None:
    """Look at the options of all commands before anything happens."""
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    files.require_writable_files(options)
    record = getattr(options, "record", None)
    if record is not None and not record.absolute().parent.is_dir():
        raise UsageError(f"{record} cannot be written: there is no such folder")
    return known


def run_or_wait(
    options: argparse.Namespace, command: Sequence[str], url: str, key: str
) -> tuple[list[Section], str]:
    """Run the command, or wait until interrupted; return what is to be said of that.

    The second is why the run ended early, if it did.
    """
    if not command:
        print_line(
            f"Listening. Until interrupted:\n  export {BASE_URL_VARIABLE}={url} {API_KEY_VARIABLE}={key}",
            quiet=False,
        )
        print_line(f"  or for Basic: {USER} and {PASSWORD}", quiet=options.quiet)
        wait_for_interrupt()
        return [], ""
    print_line(f"Listening at {url}, {command[0]} runs", quiet=options.quiet)
    try:
        end = run_client_command(command, url, key)
    except KeyboardInterrupt:
        return [], STOPPED_BY_USER
    sections = [Section("command", "COMMAND", (str(end),), {"exit": end.code})]
    return (sections if end.code else []), ""


def print_line(line: str, *, quiet: bool) -> None:
    """Say what happens, at once."""
    if not quiet:
        print(line, flush=True)


def wait_for_interrupt() -> None:
    """Wait until somebody interrupts; a shell keeps Ctrl-C from what it runs behind, so SIGTERM will do."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print(file=sys.stderr)


@contextmanager
def collect_in_thread(collector: TrafficCollector) -> Iterator[Callable[[CapturedExchange], None]]:
    """Check in a thread of its own what is captured in another, to the last of it."""
    waiting: queue.Queue[CapturedExchange | None] = queue.Queue()
    problems: list[Exception] = []

    def judge() -> None:
        while (captured := waiting.get()) is not None:
            try:
                collector.add(captured)
            except Exception as error:  # noqa: BLE001 - it is raised where the run ends
                problems.append(error)

    thread = threading.Thread(target=judge, daemon=True)
    thread.start()
    try:
        yield waiting.put
    finally:
        waiting.put(None)
        thread.join()
    if problems:
        raise problems[0]


def write_reports(
    options: argparse.Namespace,
    result: RunResult,
    archive: HarWriter,
    known: baseline.Baseline | None,
) -> int:
    """Tell and write what was found; return the exit code."""
    teller = console.ConsoleReporter(quiet=options.quiet, verbose=options.verbose)
    compared = baseline.compare(known, result) if known is not None else None
    teller.print_result(result, compared)
    teller.print_next_step(result, files.get_report_files(options))
    for name, path in files.get_report_files(options).items():
        if name != "har":
            write_file(path, files.WRITERS[name](result, compared))
    if options.har:
        write_file(options.har, archive.dump())
    if result.stopped == STOPPED_BY_USER:
        return INTERRUPTED
    return compared.exit_code if compared else result.exit_code


def write_file(path: Path, text: str) -> None:
    """Write a file; WrongUsage where that fails."""
    try:
        path.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
