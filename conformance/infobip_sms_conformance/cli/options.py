"""The options of the command line."""

import argparse
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from infobip_sms_conformance.contract.hypothesis_backend import DEFAULT_SEED
from infobip_sms_conformance.errors import USAGE_ERROR
from infobip_sms_conformance.session.plan import FEATURES, PROFILES

# The credentials of the documentation's own example.
USER, PASSWORD = "Aladdin", "open sesame"
EXIT_CODES = "Exit codes: 0 nothing failed, 1 something failed, 2 could not check, 3 wrong usage."
MAX_SECONDS = 3600.0
MIN_DIGITS, MAX_DIGITS, MAX_PORT = 4, 20, 65535  # see gate.SHORTEST
SEPARATORS = re.compile(r"[ ().-]")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors have an exit code of their own."""

    def error(self, message: str) -> NoReturn:
        """End with the exit code for wrong usage."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\n")


def build_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="infobip-sms conformance",
        description="Check a server or a client of Infobip's fully featured SMS endpoint, "
        "one requirement at a time.",
        epilog=EXIT_CODES,
        allow_abbrev=False,  # half a word is not guessed at: some options cost money
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        described = f"{what.capitalize()}."
        return commands.add_parser(
            name, help=what, description=described, epilog=EXIT_CODES, allow_abbrev=False
        )

    add_server(add("server", "check a server"))
    add_commands(add)
    listing = add("list", "print every requirement")
    listing.add_argument("--json", action="store_true", help="for programs")
    explain = add("explain", "say all about one requirement")
    explain.add_argument("id", help="such as SEND-007, or READ-001 for a reading")
    diff = add("diff", "compare the verdicts of two runs")
    diff.add_argument("before", type=Path, help="what --json wrote of the one run")
    diff.add_argument("after", type=Path, help="and of the other")
    return parser


def add_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the commands that listen to clients."""
    client = add("client", "check a client by what it sends")
    client.add_argument(
        "--port", type=parse_port, default=0, metavar="N", help="listen there (default: a free one)"
    )
    client.add_argument(
        "--scenarios",
        action="store_true",
        help="respond in every way that a server may, and start COMMAND again for each",
    )
    client.add_argument(
        "--expect",
        type=Path,
        metavar="FILE",
        help="the JSON request that COMMAND should send; what it sends is compared with it",
    )
    client.add_argument(
        "command_line",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND …",
        help="program to be run with INFOBIP_BASE_URL and INFOBIP_API_KEY set; "
        "without one, it listens until interrupted",
    )
    proxy = add("proxy", "check what passes between any client and any server")
    proxy.add_argument("--upstream", metavar="URL", required=True, help="base URL of the server")
    proxy.add_argument(
        "--port", type=parse_port, default=0, metavar="N", help="listen there (default: a free one)"
    )
    proxy.add_argument("--live", action="store_true", help="allow a server on another machine")
    proxy.add_argument("--record", type=Path, metavar="FILE", help="keep all of it, masked, as HAR")
    har = add("har", "check a recording, a HAR file of any tool")
    har.add_argument("archive", type=Path, metavar="FILE", help="the recording")
    for command in (client, proxy, har):
        add_reports(command.add_argument_group("reports"))


def add_server(server: argparse.ArgumentParser) -> None:
    """Add the options of a run."""
    server.add_argument("url", nargs="?", help="its base URL; the sandbox when left out")
    add_account(server.add_argument_group("account"))
    add_selection(server.add_argument_group("what is checked"))
    add_safety(server.add_argument_group("safety"))
    add_reports(server.add_argument_group("reports"))


def add_account(group: argparse._ArgumentGroup) -> None:
    """Add who the suite is to the server."""
    group.add_argument(
        "--user", help=f"for Basic (default: {USER}, the documentation's; none with --live)"
    )
    group.add_argument("--password", help=f"for Basic (default: {PASSWORD})")
    group.add_argument("--api-key", metavar="KEY", help="also check the App scheme")
    group.add_argument("--no-basic", action="store_true", help="there is no user, only the key")


def add_selection(group: argparse._ArgumentGroup) -> None:
    """Add what is checked, and with what."""
    group.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PREFIX",
        help="only requirements that begin so; may be repeated",
    )
    group.add_argument(
        "--rerun-failed", type=Path, metavar="FILE", help="only what failed in this --json file"
    )
    group.add_argument(
        "--replay", metavar="TOKEN", help="only this check, with the seed of its run"
    )
    add_conditions(group)


def add_conditions(group: argparse._ArgumentGroup) -> None:
    """Add what is assumed of the server, and decided in its place."""
    group.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="FEATURE",
        help=f"the server does not have it: {', '.join(FEATURES)}; may be repeated",
    )
    group.add_argument(
        "--seed",
        type=parse_seed,
        metavar="N",
        help="decides what is generated; random for another one each time "
        f"(default: {DEFAULT_SEED}, or that of --replay or --rerun-failed)",
    )
    group.add_argument(
        "--patience",
        type=parse_seconds,
        default=10.0,
        metavar="SECONDS",
        help="wait so long for what is to happen by itself (default: %(default)g)",
    )
    group.add_argument(
        "--clock",
        action="store_true",
        help="the server has the sandbox's control of its clock: check what takes minutes and days",
    )


def add_safety(group: argparse._ArgumentGroup) -> None:
    """Add what keeps a run from doing harm."""
    group.add_argument("--dry-run", action="store_true", help="print the plan and send nothing")
    group.add_argument(
        "--live", action="store_true", help="allow a server that is not on this machine"
    )
    group.add_argument(
        "--profile",
        choices=PROFILES,
        help="full, live or rejections (default: full; live with --live)",
    )
    group.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="NUMBER",
        type=parse_number,
        help="messages go to these numbers and no others; may be repeated",
    )
    group.add_argument(
        "--max-messages", type=parse_count, metavar="N", help="the server may take no more messages"
    )
    group.add_argument(
        "--callback", metavar="URL", help="where the server reaches --callback-port of this machine"
    )
    group.add_argument(
        "--callback-port",
        type=parse_port,
        default=0,
        metavar="PORT",
        help="for reports (default: a free one)",
    )


def add_reports(group: argparse._ArgumentGroup) -> None:
    """Add what is written about a run."""
    for name, what in (
        ("json", "for programs, for diff and for --rerun-failed"),
        ("junit", "for CI"),
        ("html", "a page with the matrix of all verdicts"),
        ("markdown", "a summary"),
        ("har", "every request and response, masked"),
    ):
        group.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)
    group.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="failures that are known, with reason and expiry",
    )
    group.add_argument("--quiet", action="store_true", help="print failures and the summary only")
    group.add_argument(
        "--verbose", action="store_true", help="print a line for each requirement, not each chapter"
    )


def parse_seed(text: str) -> int:
    """Return the seed that a word stands for."""
    if text == "random":
        return secrets.randbelow(10**6)
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number, or random")
    return int(text)


def parse_seconds(text: str) -> float:
    """Return a number of seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"a number of seconds from 0 to {MAX_SECONDS:g}")
    return seconds


def parse_number(text: str) -> str:
    """Return the digits of a number in international format."""
    digits = SEPARATORS.sub("", text).removeprefix("+")
    fits = MIN_DIGITS <= len(digits) <= MAX_DIGITS
    if not (digits.isascii() and digits.isdecimal() and fits):
        raise argparse.ArgumentTypeError("a number in international format, such as 41793026727")
    return digits


def parse_count(text: str) -> int:
    """Return a whole number of at least one."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("a whole number from 1")
    return int(text)


def parse_port(text: str) -> int:
    """Return the number of a port."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"a port from 1 to {MAX_PORT}")
    return int(text)
