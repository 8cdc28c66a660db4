"""The command line: which commands there are."""

from __future__ import annotations

import click

from infobip_sms.cli.base.framework import LazyCommands, RootGroup

EPILOG = """\
Settings come from the environment: INFOBIP_BASE_URL and INFOBIP_API_KEY.
To try without an account: infobip-sms sandbox

Exit codes:
  0    done
  1    the server rejected the request, or at least one destination
  2    no response, an invalid response, or an unknown outcome; or a file
       cannot be used, or a required package is not installed
  3    wrong usage, or an invalid request; nothing was sent
  130  interrupted, or not confirmed
  141  output pipe closed
For the exit codes of conformance, see conformance --help.

Extras: pip install 'infobip-sms[sandbox]', '[conformance]' or '[all]'.
"""


COMMANDS = LazyCommands(
    {
        "send": "send.command:send",
        "preview": "lookups:preview",
        "reports": "lookups:reports",
        "logs": "lookups:logs",
        "scheduled": "scheduled:scheduled",
        "conversion": "lookups:conversion",
        "listen": "listen:listen",
        "status": "status:status",
        "sandbox": "sandbox:sandbox",
        "conformance": "conformance:conformance",
        "demo": "conformance:demo",
        "explain": "explain:explain_command",
    }
)


@click.group(
    cls=RootGroup,
    commands=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="infobip-sms")
def cli() -> None:
    """Send SMS through Infobip and track delivery."""
