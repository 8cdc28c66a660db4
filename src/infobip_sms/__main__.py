"""The command ``infobip-sms``, also ``python -m infobip_sms``."""

from __future__ import annotations

import sys

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = (
    2,
    3,
    130,
)  # as in cli/base/framework.py, which needs the extra


def main() -> None:
    """Run the command line; if its extra is missing, say what to install."""
    try:
        from .cli import cli  # noqa: PLC0415 - needs an extra
    except KeyboardInterrupt:  # the commands themselves see to it from then on
        sys.exit(EXIT_INTERRUPTED)
    except ModuleNotFoundError as missing:
        if missing.name != "click":
            raise
        if sys.argv[1:2] == ["explain"]:
            sys.exit(_explain(sys.argv[2:]))
        message = f"{missing.name} is not installed; run: pip install 'infobip-sms[all]'"
        print(f"infobip-sms: {message}", file=sys.stderr)  # noqa: T201 - click is missing
        sys.exit(EXIT_FAILURE)
    cli(prog_name="infobip-sms")


def _explain(ids: list[str]) -> int:
    """Run the one command that needs no extra."""
    from infobip_sms.requirements import explain  # noqa: PLC0415 - reads files

    try:
        print("\n\n".join(map(explain, ids)))  # noqa: T201 - click is missing
    except KeyError as error:
        print(f"infobip-sms: {error.args[0]}", file=sys.stderr)  # noqa: T201 - click is missing
        return EXIT_USAGE
    return 0 if ids else EXIT_USAGE


if __name__ == "__main__":
    main()
