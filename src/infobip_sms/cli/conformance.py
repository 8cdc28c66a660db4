"""Programs that are opened from here: conformance suite, demo."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec

import click

from infobip_sms.cli.base.framework import EXIT_INTERRUPTED, Command, UnavailableError

SUITE_MODULES = ("pytest", "hypothesis", "jinja2", "jsonschema", "lxml", "yaml")


@click.command(
    cls=Command,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def conformance(arguments: tuple[str, ...]) -> int:
    """Check any server or client against the documented API."""
    for module in SUITE_MODULES:
        require_module(module, "conformance")
    with subprocess.Popen([sys.executable, "-m", "infobip_sms_conformance", *arguments]) as judge:
        signal.signal(signal.SIGTERM, lambda *_: judge.terminate())
        while True:
            try:
                return judge.wait()
            except KeyboardInterrupt:  # it hears that as well, and still has to tell what it found
                continue


@click.command(cls=Command)
def demo() -> int:
    """Run the whole project once: sandbox, request, checks.

    Sends the documented request to a sandbox as JSON and as XML, then checks the sandbox.
    """
    for module in ("starlette", "uvicorn", "jinja2"):
        require_module(module, "sandbox")
    for module in SUITE_MODULES:
        require_module(module, "conformance")
    from .demo import run  # noqa: PLC0415 - only this command needs it

    try:
        return run()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def require_module(module: str, extra: str) -> None:
    """End unless what an extra brings is installed."""
    if find_spec(module) is None:
        raise UnavailableError(
            f"{module} is not installed; run: pip install 'infobip-sms[{extra}]'"
        )
