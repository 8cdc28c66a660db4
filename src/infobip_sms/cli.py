"""The command line.

Lives here: commands, options, help texts, exit codes.
Never here: what the commands do.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import click

JUDGE = ("pytest", "hypothesis", "jsonschema", "lxml", "yaml")
INTERRUPTED = 130  # as shells have it; never 0, for nothing was judged
EPILOG = "Extras: pip install 'infobip-sms[sandbox]', '[conformance]' or '[all]'."


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="infobip-sms")
def cli() -> None:
    """Infobip's fully featured SMS endpoint: sandbox and conformance suite."""


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
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

    It answers POST /sms/2/text/advanced as documented. No message is sent anywhere.
    """
    _require("starlette", "sandbox")
    _require("uvicorn", "sandbox")
    import secrets  # noqa: PLC0415 - only this command needs them

    from .sandbox.app import App, Settings  # noqa: PLC0415 - needs an extra
    from .sandbox.faults import FAULTS, Faulty  # noqa: PLC0415 - needs an extra
    from .sandbox.serve import run  # noqa: PLC0415 - needs an extra

    if fault is not None and fault not in FAULTS:
        raise click.BadParameter(
            f"there is no fault of that id; there are: {', '.join(sorted(FAULTS))}"
        )
    settings = Settings(user, password, api_key, seed or secrets.token_hex(8))
    app = Faulty(settings, fault) if fault else App(settings)
    try:
        run(app, port, lambda url: click.echo(f"sandbox: {url}"))
    except KeyboardInterrupt:
        click.echo("sandbox: stopped", err=True)
    except OSError as problem:
        raise click.ClickException(f"port {port} cannot be used: {problem.strerror}") from None


@cli.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def conformance(arguments: tuple[str, ...]) -> None:
    """Judge a server by the contract."""
    for module in JUDGE:
        _require(module, "conformance")
    command = [sys.executable, "-m", "infobip_sms_conformance", *arguments]
    sys.exit(subprocess.run(command, check=False).returncode)


@cli.command()
def demo() -> None:
    """Show it all: request, answer, verdict.

    Sends the documented request to a sandbox as JSON and as XML, then judges the sandbox.
    """
    for module in ("starlette", "uvicorn"):
        _require(module, "sandbox")
    for module in JUDGE:
        _require(module, "conformance")
    from .demo import run  # noqa: PLC0415 - only this command needs it

    try:
        sys.exit(run())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _require(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise click.ClickException(
            f"{module} is not installed; run: pip install 'infobip-sms[{extra}]'"
        )
