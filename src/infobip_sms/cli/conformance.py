"""The commands conformance, which is the suite's own command line, and demo."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import click

from infobip_sms.cli.base.framework import EXIT_INTERRUPTED, Command, UnavailableError

SUITE_MODULES = ("pytest", "hypothesis", "jinja2", "jsonschema", "lxml", "yaml")


class SuiteCommand(Command):
    """Stands for the suite's group of commands, which is imported when it is used."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the suite's group; shell completion never fails."""
        if extra.get("resilient_parsing") and not all(map(find_spec, SUITE_MODULES)):
            return super().make_context(info_name, args, parent, **extra)
        for module in SUITE_MODULES:
            require_module(module, "conformance")
        from infobip_sms_conformance.cli import cli  # noqa: PLC0415 - needs an extra

        return cli.make_context(info_name, args, parent, **extra)


@click.command(cls=SuiteCommand)
def conformance() -> None:
    """Check any server or client against the documented API."""


@click.command(cls=Command)
@click.option(
    "-v", "--verbose", is_flag=True, help="Show the documents and the result of each requirement."
)
def demo(*, verbose: bool) -> int:
    """Start a sandbox, send a request to it, and check it.

    Sends the documented request as JSON and as XML. Nothing leaves this machine.
    """
    for module in ("starlette", "uvicorn", "jinja2"):
        require_module(module, "sandbox")
    for module in SUITE_MODULES:
        require_module(module, "conformance")
    from .demo import run  # noqa: PLC0415 - only this command needs it

    try:
        return run(verbose=verbose)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def require_module(module: str, extra: str) -> None:
    """End unless a module that an extra installs is there."""
    if find_spec(module) is None:
        raise UnavailableError(
            f"{module} is not installed; run: pip install 'infobip-sms[{extra}]'"
        )
