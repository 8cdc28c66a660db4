"""The commands client, proxy and har.

Lives here: what is started, and in which order.
Never here: a judgement; how a report looks.
"""

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
from infobip_sms_conformance.client_checks.expected_request import Asked, read_asked
from infobip_sms_conformance.client_run.collector import Hearing
from infobip_sms_conformance.client_run.har_input import Archive, read_archive
from infobip_sms_conformance.client_run.process import ADDRESS, KEY, run_program
from infobip_sms_conformance.client_run.scenario_results import (
    Run,
    blame,
    build_section,
    find_obstacle,
    find_outcomes,
)
from infobip_sms_conformance.client_run.scripted_server import Script
from infobip_sms_conformance.errors import WrongUsage
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.engine import BY_HAND
from infobip_sms_conformance.run.result import Record, Section
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.http1 import Heard
from infobip_sms_conformance.transport.listener import listen
from infobip_sms_conformance.transport.processes import start_reference
from infobip_sms_conformance.transport.proxy import Relay

SECONDS = 60.0
INTERRUPTED = 130


def run_client(options: argparse.Namespace) -> int:
    """Judge a client by what it sends to the sandbox, or to scripted replies."""
    command = find_command(options.command_line)
    known = prepare(options)
    key = secrets.token_hex(16)
    archive = Archive()
    looks = (Asked(read_asked(options.asked)).look,) if options.asked else ()
    hearing = Hearing(keeps=(archive.keep,) if options.har else (), looks=looks)
    if options.replies == "tricky":
        return run_tricky(options, command, hearing, archive, known)
    with (
        start_reference(Credentials(USER, PASSWORD, key)) as server,
        gather(hearing) as hear,
        listen(Relay(parse_target(server), hear).serve, options.port) as url,
    ):
        sections, stopped = serve(options, command, url, key)
    record = hearing.build_record(url, "client", sections=sections, stopped=stopped)
    return finish(options, record, archive, known)


def run_tricky(
    options: argparse.Namespace,
    command: Sequence[str],
    hearing: Hearing,
    archive: Archive,
    known: baseline.Baseline | None,
) -> int:
    """Judge a client by what it makes of replies of every kind."""
    runs: list[Run] = []
    stopped = ""
    with gather(hearing) as hear:
        script = Script(hear)
        with listen(script.serve, options.port) as url:
            if command:
                say(f"Listening at {url}; {command[0]} runs for each answer", quiet=options.quiet)
                try:
                    runs.extend(run_again(script, command, url))
                except KeyboardInterrupt:
                    stopped = BY_HAND
            else:
                serve(options, command, url, secrets.token_hex(16))
                runs.append(Run(tuple(script.takings), None))
    outcomes = find_outcomes(runs)
    blame(hearing, outcomes)
    sections = [build_section(outcomes)] if outcomes else []
    stopped = stopped or find_obstacle(outcomes)
    record = hearing.build_record(url, "client, tricky replies", sections=sections, stopped=stopped)
    return finish(options, record, archive, known)


def run_again(
    script: Script, command: Sequence[str], url: str, *, quiet: bool = False
) -> Iterator[Run]:
    """Run a command until every scenario has had its request; end where a run sends nothing."""
    key = secrets.token_hex(16)
    while not script.is_over:
        before = len(script.takings)
        script.end_run()
        end = run_program(command, url, key, SECONDS, quiet=quiet)
        run = Run(tuple(script.takings[before:]), end)
        if not run.takings:
            return
        yield run
        if before == 0 and find_obstacle(find_outcomes([run])):
            return


def run_proxy(options: argparse.Namespace) -> int:
    """Judge what passes between a client and a server."""
    upstream = parse_target(options.upstream, live=options.live)
    if upstream.path:
        raise WrongUsage("--upstream is scheme, host and port; the client brings the path")
    known = prepare(options)
    archive, recording = Archive(), Archive(whole=True)
    keeps = [archive.keep] if options.har else []
    keeps += [recording.keep] if options.record else []
    hearing = Hearing(both=True, keeps=tuple(keeps))
    with gather(hearing) as hear, listen(Relay(upstream, hear).serve, options.port) as url:
        say(f"Between {url} and {upstream}, until interrupted", quiet=False)
        if not upstream.is_loopback:
            say(f"The field Host is made {upstream.host}; nothing else is altered", quiet=False)
        wait()
    if options.record:
        write(options.record, recording.dump())
    record = hearing.build_record(str(upstream), "proxy")
    return finish(options, record, archive, known)


def run_har(options: argparse.Namespace) -> int:
    """Judge a recording."""
    known = prepare(options)
    archive = Archive()
    hearing = Hearing(both=True, keeps=(archive.keep,) if options.har else ())
    hosts: dict[str, None] = {}
    for heard in read_archive(options.archive):
        hosts[heard.base] = None
        hearing.hear(heard)
    stopped = "" if hosts else "the recording has no request of this API"
    record = hearing.build_record(", ".join(list(hosts)[:3]), "har", stopped=stopped)
    return finish(options, record, archive, known)


def find_command(words: Sequence[str]) -> list[str]:
    """Return the command, without the sign before it."""
    return list(words[1:] if words[:1] == ["--"] else words)


def prepare(options: argparse.Namespace) -> baseline.Baseline | None:
    """Look at the options of all commands before anything happens."""
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    files.check_files(options)
    record = getattr(options, "record", None)
    if record is not None and not record.absolute().parent.is_dir():
        raise WrongUsage(f"{record} cannot be written: there is no such folder")
    return known


def serve(
    options: argparse.Namespace, command: Sequence[str], url: str, key: str
) -> tuple[list[Section], str]:
    """Run the command, or wait until interrupted; return what is to be said of that.

    The second is why the run ended early, if it did.
    """
    if not command:
        say(f"Listening. Until interrupted:\n  export {ADDRESS}={url} {KEY}={key}", quiet=False)
        say(f"  or for Basic: {USER} and {PASSWORD}", quiet=options.quiet)
        wait()
        return [], ""
    say(f"Listening at {url}, {command[0]} runs", quiet=options.quiet)
    try:
        end = run_program(command, url, key)
    except KeyboardInterrupt:
        return [], BY_HAND
    sections = [Section("command", "COMMAND", (str(end),), {"exit": end.code})]
    return (sections if end.code else []), ""


def say(line: str, *, quiet: bool) -> None:
    """Say what happens, at once."""
    if not quiet:
        print(line, flush=True)


def wait() -> None:
    """Wait until somebody interrupts; a shell keeps Ctrl-C from what it runs behind, so SIGTERM will do."""
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print(file=sys.stderr)


@contextmanager
def gather(hearing: Hearing) -> Iterator[Callable[[Heard], None]]:
    """Judge in a thread of its own what is heard in another, to the last of it."""
    waiting: queue.Queue[Heard | None] = queue.Queue()
    problems: list[Exception] = []

    def judge() -> None:
        while (heard := waiting.get()) is not None:
            try:
                hearing.hear(heard)
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


def finish(
    options: argparse.Namespace,
    record: Record,
    archive: Archive,
    known: baseline.Baseline | None,
) -> int:
    """Tell and write what was found; return the exit code."""
    teller = console.Console(quiet=options.quiet, verbose=options.verbose)
    compared = baseline.compare(known, record) if known is not None else None
    teller.tell_record(record, compared)
    teller.tell_next(record, files.find_asked(options))
    for name, path in files.find_asked(options).items():
        if name != "har":
            write(path, files.FORMS[name](record, compared))
    if options.har:
        write(options.har, archive.dump())
    if record.stopped == BY_HAND:
        return INTERRUPTED
    return compared.exit_code if compared else record.exit_code


def write(path: Path, text: str) -> None:
    """Write a file; WrongUsage where that fails."""
    try:
        path.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise WrongUsage(f"{path} cannot be written: {error.strerror}") from None
