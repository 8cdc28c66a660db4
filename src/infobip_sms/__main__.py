"""The command ``infobip-sms``, also ``python -m infobip_sms``."""

from __future__ import annotations

import sys

EXIT_FAILURE = 2  # as cli/base/framework.py has it, which needs what may be missing


def main() -> None:
    """Run the command line; say what to install if its extra is missing."""
    try:
        from .cli import cli  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as missing:
        extra = {"click": "cli"}.get(missing.name or "")
        if extra is None:
            raise
        words = f"{missing.name} is not installed; run: pip install 'infobip-sms[all]'"
        print(f"infobip-sms: {words}", file=sys.stderr)  # noqa: T201 - there is nothing else to do
        sys.exit(EXIT_FAILURE)
    cli(prog_name="infobip-sms")


if __name__ == "__main__":
    main()
