"""The command line: ``python -m infobip_sms_conformance COMMAND``.

Exit codes: 0 nothing failed and something was checked; 1 something failed; 2 the suite could not
check; 3 wrong usage; 130 interrupted.
"""

import argparse
import io
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from traceback import extract_tb

from infobip_sms_conformance.cli import catalog, client, server
from infobip_sms_conformance.cli.options import build_parser
from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, USAGE_ERROR, UsageError
from infobip_sms_conformance.reporting import console, diff, files
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.engine import STOPPED_BY_USER
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.run.runner import build_plan, run_suite
from infobip_sms_conformance.session.plan import Plan
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.http import TargetServer, parse_target
from infobip_sms_conformance.transport.processes import ServerStartError, start_sandbox

FOLDER = Path(__file__).parent
INTERRUPTED = 130
PLACEHOLDER_URL = "http://127.0.0.1:8080"  # stands for the sandbox until it has an address


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal need not know every character
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except UsageError as error:
        return print_error(str(error), USAGE_ERROR)
    except ServerStartError as error:
        return print_error(f"the sandbox did not start: {error}", COULD_NOT_TEST)
    except KeyboardInterrupt:
        return print_error("stopped", INTERRUPTED)
    except BrokenPipeError:  # whoever reads what is printed has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_TEST
    except Exception as error:  # noqa: BLE001 - its text may quote a request
        return print_error(f"the suite itself went wrong: {format_location(error)}", COULD_NOT_TEST)


def print_error(text: str, code: int) -> int:
    """Say what is wrong in one line; return the exit code."""
    print(f"infobip-sms conformance: {text}", file=sys.stderr)
    return code


def format_location(error: Exception) -> str:
    """Say which kind of error happened where in the suite."""
    frames = extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(FOLDER)]
    place = (ours or frames)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"


def run_server(options: argparse.Namespace) -> int:
    """Check a server, or the sandbox."""
    server.resolve_options(options)
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    if options.url:
        return run_target(options, parse_target(options.url, live=options.live), known)
    options.api_key = options.api_key or secrets.token_hex(16)
    options.clock = True
    if options.dry_run:
        return run_target(options, parse_target(PLACEHOLDER_URL), known)
    with start_sandbox(server.build_credentials(options)) as url:
        return run_target(options, parse_target(url), known)


def run_target(
    options: argparse.Namespace, target: TargetServer, known_failures: baseline.Baseline | None
) -> int:
    """Say the plan, check, and write what was found."""
    plan = build_plan(
        target,
        profile=options.profile,
        seed=options.seed,
        to=options.to,
        max_messages=options.max_messages,
        only=options.only,
        without=options.without,
        patience=options.patience,
        clock=options.clock,
    )
    if not options.dry_run:
        files.require_writable_files(options)
    teller = console.ConsoleReporter(
        quiet=options.quiet, verbose=options.verbose or bool(options.only)
    )
    teller.print_plan(server.format_target(options, target), plan, options.only)
    if options.dry_run:
        return NOTHING_FAILED
    record, session = run_with_progress(options, target, plan, teller)
    compared = baseline.compare(known_failures, record) if known_failures is not None else None
    teller.print_result(record, compared)
    teller.print_next_step(record, files.get_report_files(options))
    files.write_files(options, record, session, compared)
    if record.stopped == STOPPED_BY_USER:
        return INTERRUPTED
    return compared.exit_code if compared else record.exit_code


def run_with_progress(
    options: argparse.Namespace, target: TargetServer, plan: Plan, reporter: console.ConsoleReporter
) -> tuple[RunResult, Session]:
    """Run the checks while the progress is shown."""
    with reporter.show_progress() as tell:
        return run_suite(
            target,
            server.build_credentials(options),
            plan,
            only=options.only,
            callback=options.callback,
            callback_port=options.callback_port,
            on_finding=tell,
        )


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "server": run_server,
    "client": client.run_client,
    "proxy": client.run_proxy,
    "har": client.run_har,
    "list": lambda options: catalog.print_list(as_json=options.json),
    "explain": lambda options: catalog.print_requirement(options.id),
    "diff": lambda options: diff.print_difference(options.before, options.after),
}

if __name__ == "__main__":
    sys.exit(main())
