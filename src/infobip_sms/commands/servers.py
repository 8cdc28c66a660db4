"""Programs beside the client: sandbox, conformance suite, demo.

Lives here: their options, and what they need to be installed.
Never here: what they do.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import click

from .output import write_note
from .program import INTERRUPTED, Command, CouldNot

JUDGE = ("pytest", "hypothesis", "jsonschema", "lxml", "yaml")


@click.command(cls=Command)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1; 0 finds a free one.",
)
@click.option("--user", default="Aladdin", show_default=True, help="User for Basic authorization.")
@click.option("--password", default="open sesame", show_default=True, help="Password of the user.")
@click.option("--api-key", help="Key for App authorization; none is accepted if left out.")
@click.option("--seed", default="", help="Decides the generated ids.", show_default="random")
@click.option("--fault", metavar="ID", help="Break this requirement on purpose, such as RESP-002.")
def sandbox(
    port: int, user: str, password: str, api_key: str | None, seed: str, fault: str | None
) -> None:
    """Run a server of this API on 127.0.0.1.

    It answers as documented. No message is sent anywhere.
    """
    _require("starlette", "sandbox")
    _require("uvicorn", "sandbox")
    import secrets  # noqa: PLC0415 - only this command needs them

    from infobip_sms.sandbox.app import App, Settings  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.faults import FAULTS, Faulty  # noqa: PLC0415 - needs an extra
    from infobip_sms.sandbox.serve import run  # noqa: PLC0415 - needs an extra

    if fault is not None and fault not in FAULTS:
        raise click.BadParameter(
            f"there is no fault of that id; there are: {', '.join(sorted(FAULTS))}"
        )
    settings = Settings(user, password, api_key, seed or secrets.token_hex(8))
    app = Faulty(settings, fault) if fault else App(settings)
    try:
        run(app, port, lambda url: click.echo(f"sandbox: {url}"))
    except KeyboardInterrupt:
        write_note("sandbox: stopped")
    except OSError as problem:
        raise CouldNot(f"port {port} cannot be used: {problem.strerror}") from None


@click.command(
    cls=Command,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def conformance(arguments: tuple[str, ...]) -> int:
    """Judge a server by the contract."""
    for module in JUDGE:
        _require(module, "conformance")
    command = [sys.executable, "-m", "infobip_sms_conformance", *arguments]
    return subprocess.run(command, check=False).returncode


@click.command(cls=Command)
def demo() -> int:
    """Show it all: request, answer, verdict.

    Sends the documented request to a sandbox as JSON and as XML, then judges the sandbox.
    """
    for module in ("starlette", "uvicorn"):
        _require(module, "sandbox")
    for module in JUDGE:
        _require(module, "conformance")
    from infobip_sms.demo import run  # noqa: PLC0415 - only this command needs it

    try:
        return run()
    except KeyboardInterrupt:
        return INTERRUPTED


def _require(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise CouldNot(f"{module} is not installed; run: pip install 'infobip-sms[{extra}]'")
