"""The command line: ``python -m infobip_sms_conformance server [URL]`` and ``… list``.

Exit codes: 0 nothing failed and something was checked; 1 something failed; 2 the suite could not
judge; 3 wrong usage.

Lives here: options, the order of a run, and the exit code.
Never here: a check; what a verdict looks like.
"""

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from infobip_sms_conformance.data import find_path, read_requirements
from infobip_sms_conformance.reference import NotStarted, start_reference
from infobip_sms_conformance.report import (
    COULD_NOT_JUDGE,
    NOTHING_FAILED,
    WRONG_USAGE,
    Report,
    dump_json,
    dump_list,
    dump_text,
)
from infobip_sms_conformance.session import Credentials, NotJudgeable, Session
from infobip_sms_conformance.suite import EngineFailure, run_checks
from infobip_sms_conformance.transport import Target, WrongTarget, parse_target

# The credentials of the documentation's own example.
USER, PASSWORD = "Aladdin", "open sesame"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors have an exit code of their own."""

    def error(self, message: str) -> NoReturn:
        """End with the exit code for wrong usage."""
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def build_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="infobip-sms conformance", description="Judge a server of POST " + find_path()
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print every requirement")
    server = commands.add_parser("server", help="judge a server")
    server.add_argument("url", nargs="?", help="its base URL; the reference server when left out")
    server.add_argument("--user", default=USER, help="for Basic (default: %(default)s)")
    server.add_argument("--password", default=PASSWORD, help="for Basic (default: %(default)s)")
    server.add_argument("--api-key", help="also judge the App scheme")
    server.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PREFIX",
        help="judge only the requirements that begin so; may be repeated",
    )
    server.add_argument("--json", type=Path, metavar="FILE", help="also write the verdicts there")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    options = build_parser().parse_args(arguments)
    if options.command == "list":
        print(dump_list())
        return NOTHING_FAILED
    try:
        check_prefixes(options.only)
        target = parse_target(options.url, find_path()) if options.url else None
        check_file(options.json)
    except (LookupError, WrongTarget) as error:
        print(f"infobip-sms conformance: {error.args[0]}", file=sys.stderr)
        return WRONG_USAGE
    with set_aside():
        return judge_reference(options) if target is None else judge_target(options, target)


def check_prefixes(prefixes: Sequence[str]) -> None:
    """Raise LookupError for a prefix with which no requirement begins."""
    for prefix in prefixes:
        if not any(number.startswith(prefix) for number in read_requirements()):
            raise LookupError(f"no requirement begins with {prefix!r}; see the command list")


def check_file(path: Path | None) -> None:
    """Raise LookupError for a file that cannot be written, before anything is sent."""
    try:
        if path is not None:
            path.touch()
    except OSError as error:
        raise LookupError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def set_aside() -> Iterator[None]:
    """Keep what Hypothesis stores out of the user's folders."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        yield


def judge_reference(options: argparse.Namespace) -> int:
    """Start the reference server and judge it."""
    options.api_key = options.api_key or secrets.token_hex(16)
    try:
        with start_reference(Credentials(options.user, options.password, options.api_key)) as url:
            return judge_target(options, parse_target(url, find_path()))
    except NotStarted as error:
        print(f"The reference server did not start: {error}.", file=sys.stderr)
        return COULD_NOT_JUDGE


def judge_target(options: argparse.Namespace, target: Target) -> int:
    """Judge the server at a target and print the report."""
    session = Session(target, Credentials(options.user, options.password, options.api_key))
    print(f"Judging {target}: {session.bill}.", flush=True)
    try:
        session.start()
        report = Report(run_checks(session, options.only), session.stopped)
    except (NotJudgeable, EngineFailure) as error:
        report = Report([], str(error))
    print(dump_text(report))
    print(f"{session.requests} requests in {session.seconds:.1f} s")
    if options.json:
        options.json.write_text(dump_json(report, str(target), session.requests), "utf-8")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
