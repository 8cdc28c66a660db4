"""The sandbox as a command: what it says when it starts, its conformance statement."""

from __future__ import annotations

import logging
import secrets
import signal
import threading
from contextlib import closing, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

import attrs
import click

from infobip_sms.cli.base.framework import Command, UnavailableError, build_address_error
from infobip_sms.cli.base.output import clean, print_json, print_note
from infobip_sms.cli.base.sandbox_options import PASSWORD, SandboxOptions, with_sandbox_options
from infobip_sms.cli.base.terminal import ENDING_SIGNALS, echo, show_log
from infobip_sms.transport.urls import is_loopback

from .conformance import require_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from infobip_sms.sandbox.clock import VirtualClock
    from infobip_sms.sandbox.state.data_file import DataFile

_EXPOSED = "other machines can reach it; its pages and admin interface have no password"
EPILOG = """\
Test numbers, which choose their outcome:
  999 SS R EEEE III  seconds, reports, network error, final status
  9990510000005      delivered after 5 seconds, one report
  9990010000006      rejected in the response
  9990520001009      undeliverable after 5 seconds with network error 1
  447700900 III      for applications that reject 999; also 1500555 x III:
  447700900009       undeliverable; --outcome chooses for any number

Every option can also be set in the environment: --allow-host is
INFOBIP_SANDBOX_ALLOW_HOST. Separate several values with ;.

In a test, without a process of its own:
  with infobip_sms.sandbox.running() as sandbox: ...
"""


@click.command(cls=Command, epilog=EPILOG)
@with_sandbox_options
def sandbox(options: SandboxOptions) -> None:
    """Run a local sandbox that sends nothing.

    It responds as documented, and shows what it received on a web page. Nothing is sent to any
    telephone network: numbers that start with 999 choose their outcome, and all others
    are delivered.
    """
    for module in ("starlette", "uvicorn", "jinja2"):
        require_module(module, "sandbox")
    options.require_known_mutants()
    if options.statement:
        _print_statement(options)
        return
    _serve(options)


def _serve(options: SandboxOptions) -> None:
    from infobip_sms.sandbox.api.app import App  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.clock import VirtualClock  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.mutants.app import MutantApp  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.runtime.server import run  # noqa: PLC0415 - needs an extra

    settings = options.build_settings(options.seed or secrets.token_hex(8))
    with (
        show_log(logging.WARNING),
        _interrupted_by_signals(),
        _open_data_file(options.data, settings.seed) as store,
    ):
        if store:
            settings = attrs.evolve(settings, seed=store.seed)
        if options.seed and settings.seed != options.seed:
            print_note(f"sandbox: {options.data} has a seed of its own; --seed is not used")
        app = MutantApp(settings, *options.fault) if options.fault else App(settings)
        clock = VirtualClock(frozen=options.frozen)
        try:
            # not raised where the shell had interruptions ignored
            with suppress(KeyboardInterrupt):
                run(app, options.port, lambda url: _print_banner(url, options, clock), store, clock)
        except OSError as problem:
            raise build_address_error(settings.address, options.port, problem) from None
        print_note("sandbox: stopped")


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Let the signals that end a process do what Ctrl-C does, unless somebody has other plans for them."""
    numbers = ENDING_SIGNALS if threading.current_thread() is threading.main_thread() else ()
    ours = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        is_usual = number is signal.SIGTERM
        signal.signal(number, signal.default_int_handler if is_usual else _terminate)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal expects it
    """Do what SIGTERM does, for which the server has a handler of its own."""
    signal.raise_signal(signal.SIGTERM)


@contextmanager
def _open_data_file(path: str | None, seed: str) -> Iterator[DataFile | None]:
    """Give the data file of a sandbox, if there is to be one."""
    from infobip_sms.sandbox.state.data_file import DataFile, DataFileError  # noqa: PLC0415 - needs an extra

    try:
        with closing(DataFile(path, seed)) if path is not None else nullcontext() as store:
            yield store
    except DataFileError as problem:
        raise UnavailableError(str(problem)) from None


def _print_banner(url: str, options: SandboxOptions, clock: VirtualClock) -> None:
    """Say where the sandbox is and what it is; a password or key that was given is not shown."""
    inbox = f"{url}/sandbox/"
    if options.as_json:
        print_json({"url": url, "inbox": inbox, "user": options.user, "readings": options.readings})
        return
    password = f", password {PASSWORD}" if options.password == PASSWORD else ""
    key = "App with the given key" if options.api_key else "no API key"
    switched = [f"{number}={outcome}" for number, outcome in options.readings.items()]
    lines = [
        f"sandbox: {url}",
        f"inbox:   {inbox}",
        f"account: Basic, user {clean(options.user)}{password}; {key}",
        *([f"reading: {', '.join(switched)}"] if switched else []),
        *([f"exposed: {_EXPOSED}"] if not is_loopback(options.host) else []),
        *([f"broken:  {', '.join(options.fault)}, on purpose"] if options.fault else []),
        *([f"clock:   {told}"] if (told := _format_clock(clock)) else []),
        "Nothing is sent to any telephone network. Ctrl-C ends it.",
    ]
    echo("\n".join(lines))


def _format_clock(clock: VirtualClock) -> str:
    """Say how a clock differs from that of this machine; empty if it does not."""
    if clock.frozen:
        return "stands still"
    return "is not that of this machine" if clock.is_shifted else ""


def _print_statement(options: SandboxOptions) -> None:
    from infobip_sms.sandbox.admin.statement import (  # noqa: PLC0415 - only this option needs it
        build_statement,
        format_markdown,
        to_plain,
    )
    from infobip_sms.sandbox.mutants.app import MUTANTS  # noqa: PLC0415 - needs an extra

    broken = [MUTANTS[mutant_id] for mutant_id in options.fault]
    statement = build_statement(options.build_settings(options.seed), broken)
    if options.as_json:
        print_json(to_plain(statement))
    else:
        echo(format_markdown(statement))
