"""The command ``infobip-sms``, also ``python -m infobip_sms``."""

from __future__ import annotations

import sys

EXIT_FAILURE = 2  # as in cli/base/framework.py, which needs the extra


def main() -> None:
    """Run the command line; if its extra is missing, say what to install."""
    try:
        from .cli import cli  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as missing:
        extra = {"click": "cli"}.get(missing.name or "")
        if extra is None:
            raise
        message = f"{missing.name} is not installed; run: pip install 'infobip-sms[all]'"
        print(f"infobip-sms: {message}", file=sys.stderr)  # noqa: T201 - click is missing
        sys.exit(EXIT_FAILURE)
    cli(prog_name="infobip-sms")


if __name__ == "__main__":
    main()
