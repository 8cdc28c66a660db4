"""The command server: check a server, or the sandbox."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from infobip_sms_conformance.cli.options import (
    PASSWORD,
    USER,
    Command,
    ReportOptions,
    add_account,
    add_reports,
    add_safety,
    add_selection,
)
from infobip_sms_conformance.cli.settings import read_settings
from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.contract.generated import DEFAULT_SEED
from infobip_sms_conformance.errors import INTERRUPTED, NOTHING_FAILED, UsageError
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.reporting.har import dump_har
from infobip_sms_conformance.run import baseline
from infobip_sms_conformance.run.engine import STOPPED_BY_USER
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.run.runner import build_plan, run_suite
from infobip_sms_conformance.sanitization.redaction import Mask, collect_secrets
from infobip_sms_conformance.session.plan import Plan
from infobip_sms_conformance.session.recorded import RecordedRequest, index
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import TargetServer, parse_target, wait_for_server
from infobip_sms_conformance.transport.processes import start_sandbox

PLACEHOLDER_URL = "http://127.0.0.1:8080"  # of the sandbox, until it has an address


@dataclass(kw_only=True, repr=False)
class ServerOptions(ReportOptions):
    """The options of the command."""

    url: str | None
    user: str | None
    password: str | None
    api_key: str | None
    no_basic: bool
    token_command: str
    header: Sequence[tuple[str, str]]
    only: Sequence[str]
    rerun_failed: Path | None
    replay: str | None
    without: Sequence[str]
    seed: int | None
    patience: float
    clock: bool
    wait: float
    dry_run: bool
    live: bool
    trust_http: Sequence[str]
    profile: str | None
    to: Sequence[str]
    max_messages: int | None
    callback: str | None
    callback_port: int
    callback_host: str
    recorded: Mapping[str, RecordedRequest | None] = field(default_factory=dict)
    """The failing checks of the file of --replay, each with the request that showed it."""


class ServerCommand(Command):
    """The command, whose options may also be in a file of the project."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the command line; what it does not have comes from the file."""
        if not extra.get("resilient_parsing"):  # shell completion never fails
            lists = {str(p.name): isinstance(p, click.Option) and p.multiple for p in self.params}
            found = read_settings(Path.cwd(), lists)
            extra["default_map"] = {
                name: [value] if lists[name] and isinstance(value, str) else value
                for name, value in found.items()
            }
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=ServerCommand)
@click.argument("url", required=False)
@add_account
@add_selection
@add_safety
@add_reports
def server(**settings: Any) -> int:
    """Check a server.

    URL is its base URL; without one, the sandbox is started and checked. Options may also be in
    conformance.toml, or in [tool.infobip-sms.conformance] of pyproject.toml.
    """
    options = ServerOptions(**settings)
    resolve_options(options)
    known = baseline.read_baseline(options.baseline) if options.baseline else None
    if options.url:
        target = parse_target(options.url, live=options.live, trust_http=options.trust_http)
        return run_target(options, target, known)
    options.api_key = options.api_key or secrets.token_hex(16)
    options.clock = True
    if options.dry_run:
        return run_target(options, parse_target(PLACEHOLDER_URL), known)
    with start_sandbox(build_credentials(options)) as url:
        return run_target(options, parse_target(url), known)


def run_target(
    options: ServerOptions, target: TargetServer, known_failures: baseline.Baseline | None
) -> int:
    """Print the plan, and run the checks unless that is all."""
    plan = build_plan(
        target,
        profile=options.profile or "full",
        seed=DEFAULT_SEED if options.seed is None else options.seed,
        to=options.to,
        max_messages=options.max_messages,
        only=options.only,
        without=options.without,
        patience=options.patience,
        clock=options.clock,
    )
    if not options.dry_run:
        files.require_writable_files(options.files)
    reporter = console.ConsoleReporter(
        quiet=options.quiet, verbose=options.verbose, is_selection=bool(options.only)
    )
    reporter.print_plan(format_target(options, target), plan, options.only)
    if target.host in options.trust_http and target.scheme == "http":
        click.echo(f"Warning: credentials travel unencrypted to {target.host}", err=True)
    if options.dry_run:
        return NOTHING_FAILED
    return check_target(options, target, known_failures, plan, reporter)


def check_target(
    options: ServerOptions,
    target: TargetServer,
    known_failures: baseline.Baseline | None,
    plan: Plan,
    reporter: console.ConsoleReporter,
) -> int:
    """Run the checks, and print and write the reports."""
    wait_for_server(target, options.wait)
    result, session = run_with_progress(options, target, plan, reporter)
    compared = baseline.compare(known_failures, result) if known_failures is not None else None
    reporter.print_result(result, compared)
    if options.recorded:
        reporter.print_replay(options.recorded, result)
    reporter.print_next_step(result, options.files)
    files.write_files(
        options.files,
        result,
        compared,
        lambda: dump_har(session.exchanges, result.url, session.build_mask()),
    )
    if result.stopped == STOPPED_BY_USER:
        return INTERRUPTED
    return compared.exit_code if compared else result.exit_code


def run_with_progress(
    options: ServerOptions, target: TargetServer, plan: Plan, reporter: console.ConsoleReporter
) -> tuple[RunResult, Session]:
    """Run the checks while the progress is shown."""
    with reporter.show_progress() as show:
        return run_suite(
            target,
            build_credentials(options),
            plan,
            only=options.only,
            callback=options.callback,
            callback_port=options.callback_port,
            callback_host=options.callback_host,
            on_finding=show,
            recorded=index(filter(None, options.recorded.values())),
        )


def resolve_options(options: ServerOptions) -> None:
    """Apply --live, --replay, --rerun-failed and the seed; raise UsageError for what does not fit."""
    options.profile = options.profile or ("live" if options.live else "full")
    seed = None
    if options.replay and Path(options.replay).is_file():
        options.recorded, report = files.read_recorded(Path(options.replay))
        options.only, seed = list(options.recorded), report.get("seed")
        options.without = options.without or report.get("without", ())
    elif options.replay:
        token, _, suffix = options.replay.partition("@")
        seed = int(suffix) if suffix.isdecimal() else None
        options.only = [token]
    if options.rerun_failed:
        failed, seed = files.read_failed(options.rerun_failed)
        options.only = filter_failed(failed, options.only)
    if options.seed is None:
        options.seed = DEFAULT_SEED if seed is None else seed
    require_known_prefixes(options.only)
    require_account(options)
    require_callback(options)


def filter_failed(failed: Sequence[str], only: Sequence[str]) -> list[str]:
    """Return the failed requirements that --only selects."""
    chosen = [failure for failure in failed if not only or failure.startswith(tuple(only))]
    if not chosen:
        raise UsageError("nothing that --only selects failed in the file of --rerun-failed")
    return chosen


def require_known_prefixes(only: Sequence[str]) -> None:
    """Raise UsageError for a prefix of no requirement."""
    for selector in only:
        prefix = selector.partition(":")[0]
        if not prefix or not any(name.startswith(prefix) for name in read_requirements()):
            raise UsageError(f"no requirement begins with {prefix!r}; see the command list")


def require_account(options: ServerOptions) -> None:
    """Raise UsageError without credentials; those of the documentation are for this machine only."""
    if options.token_command and (options.user is not None or options.no_basic):
        raise UsageError("--token-command takes the place of --user and --no-basic")
    if options.token_command:
        options.no_basic = True
        return
    if options.no_basic and options.user is not None:
        raise UsageError("--user and --no-basic cannot be used together")
    if options.no_basic and not options.api_key:
        raise UsageError("--no-basic requires --api-key")
    if options.live and options.user is None:
        if not options.api_key:
            raise UsageError("--live requires credentials: --user and --password, or --api-key")
        options.no_basic = True
    if options.live and options.user is not None and options.password is None:
        raise UsageError("--user requires --password")


def require_callback(options: ServerOptions) -> None:
    """Raise UsageError for a callback URL that no server could reach."""
    if options.callback is None:
        return
    if not options.callback_port:
        raise UsageError("--callback requires --callback-port, the port that it leads to")
    try:
        parts = urlsplit(options.callback)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("--callback: expected a URL such as https://hooks.example.com/sms")


def build_credentials(options: ServerOptions) -> Credentials:
    """Return the credentials of the suite."""
    more = tuple(options.header), options.token_command
    if options.no_basic:
        return Credentials(None, "", options.api_key, *more)
    user = USER if options.user is None else options.user
    password = PASSWORD if options.password is None else options.password
    return Credentials(user, password, options.api_key, *more)


def format_target(options: ServerOptions, target: TargetServer) -> str:
    """Return the URL of the server, without credentials that its path may contain."""
    if options.dry_run and not options.url:
        return "the sandbox"
    return Mask((), collect_secrets(build_credentials(options))).hide(str(target))
