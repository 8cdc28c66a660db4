"""The command receiver: check a callback receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from infobip_sms_conformance.cli.options import (
    Command,
    Parsed,
    ReportOptions,
    add_reports,
    complete_requirement,
    option,
    parse_seconds,
)
from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.errors import INTERRUPTED, NOTHING_FAILED, UsageError
from infobip_sms_conformance.receiver_run.connection import parse_address
from infobip_sms_conformance.receiver_run.kept import parse_command
from infobip_sms_conformance.receiver_run.plan import SECONDS, ReceiverPlan
from infobip_sms_conformance.receiver_run.process import ReceiverProcess
from infobip_sms_conformance.receiver_run.result import build_mask, build_result
from infobip_sms_conformance.receiver_run.runner import run_receiver_checks
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.reporting.har import dump_har
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.sanitization.redaction import clean


@dataclass(kw_only=True, repr=False)
class ReceiverOptions(ReportOptions):
    """The options of the command."""

    url: str
    command: Sequence[str]
    formats: Sequence[str]
    only: Sequence[str]
    seconds: float
    kept: str | None
    dry_run: bool
    live: bool


# What follows the program belongs to it, options included.
@click.command(cls=Command)
@click.argument("url")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@option(
    "--format",
    "formats",
    section="Selection",
    multiple=True,
    type=click.Choice(WIRES),
    help="Post reports in this format only; repeatable.  [default: both]",
)
@option(
    "--only",
    section="Selection",
    multiple=True,
    metavar="PREFIX",
    shell_complete=complete_requirement,
    help="Check only requirements with this prefix; repeatable.",
)
@option(
    "--seconds",
    section="Selection",
    type=Parsed("seconds", parse_seconds),
    default=SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long a response may take.",
)
@option(
    "--kept",
    section="Selection",
    metavar="COMMAND",
    help="Prints as JSON what the receiver kept; it is compared field by field.",
)
@option("--dry-run", section="Safety", is_flag=True, help="Print the plan and post nothing.")
@option("--live", section="Safety", is_flag=True, help="Allow a receiver on another machine.")
@add_reports
def receiver(**settings: Any) -> int:
    """Check a callback receiver.

    Posts delivery reports to URL in every allowed form, and bodies that are not reports. COMMAND runs
    the receiver, which is then also killed and restarted if --kept is given; write -- before it.
    The reports are about messages that were never sent: use a receiver with a database for tests.
    """
    options = ReceiverOptions(**settings)
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    plan = build_plan(options)
    if not options.dry_run:
        files.require_writable_files(options.files)
    reporter = console.ConsoleReporter(
        quiet=options.quiet, verbose=options.verbose or bool(options.only)
    )
    print_plan(plan)
    if options.dry_run:
        return NOTHING_FAILED
    with reporter.show_progress() as show:
        run = run_receiver_checks(plan, show)
    result = build_result(run)
    compared = baseline.compare(known, result) if known is not None else None
    reporter.print_result(result, compared)
    reporter.print_next_step(result, options.files)
    files.write_files(
        options.files,
        result,
        compared,
        lambda: dump_har(run.exchanges, str(plan.address.target), build_mask()),
    )
    if run.is_interrupted:
        return INTERRUPTED
    return compared.exit_code if compared else result.exit_code


def build_plan(options: ReceiverOptions) -> ReceiverPlan:
    """Return the plan; raise UsageError if the options do not allow one."""
    ids = [row.id for row in read_requirements().values() if row.binds == "receiver"]
    for prefix in options.only:
        if not prefix or not any(name.startswith(prefix) for name in ids):
            raise UsageError(f"no requirement of receivers begins with {prefix!r}; see list")
    if not options.seconds:
        raise UsageError("--seconds: expected more than 0")
    address = parse_address(options.url, live=options.live)
    process = ReceiverProcess(options.command, address) if options.command else None
    if process and not address.target.is_loopback:
        raise UsageError("COMMAND runs on this machine, and URL leads to another one")
    return ReceiverPlan(
        address,
        tuple(wire for wire in WIRES if wire in (options.formats or WIRES)),
        tuple(options.only),
        options.seconds,
        tuple(parse_command(options.kept)) if options.kept is not None else (),
        process,
    )


def print_plan(plan: ReceiverPlan) -> None:
    """Print what the run does, before the first byte."""
    print(clean(f"Checking {plan.address} against {len(plan.requirement_ids)} requirements"))
    print(
        f"Plan: up to {plan.max_posts} posts of reports about messages that were never sent, in "
        f"{' and '.join(plan.wires)}, at most {plan.seconds:g} s each"
    )
    if plan.process:
        restarts = ", killed and restarted in each format" if plan.kills else ""
        print(clean(f"COMMAND: {plan.process.command[0]}{restarts}"), flush=True)
