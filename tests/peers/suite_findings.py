"""What the suite of clients says of each client of peers.toml, beside what it is known to say.

    python -m tests.peers.suite_findings               every client, what it sends and what it bears
    python -m tests.peers.suite_findings --write       and suite_findings.toml written anew

Ends with 1 when the suite says anything else than suite_findings.toml has.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.peers.__main__ import Client, read_clients
from tests.peers.client_program import FEATURED
from tests.peers.packages import ROOT

KNOWN = Path(__file__).with_name("suite_findings.toml")
JUDGE = (sys.executable, "-m", "infobip_sms_conformance", "client", "--quiet")
WAYS = {
    "good": ("--expect", str(FEATURED)),
    "tricky": ("--scenarios",),
}
OPERATIONS = {"good": (), "tricky": ("send",)}


def judge(client: Client, way: str) -> dict[str, Any]:
    """Return what --json writes of a client."""
    name = client.package.name
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        calling = (sys.executable, "-m", "tests.peers.client_program", name, *OPERATIONS[way])
        command = [*JUDGE, *WAYS[way], "--json", str(path), "--", *calling]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=False, capture_output=True, env=environment)
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def find_lines(report: dict[str, Any]) -> list[str]:
    """Return every finding that is no pass, and every outcome, as a line."""
    lines = [
        f"{row['requirement']} {reason['verdict']} {reason['got']}"
        for row in report["verdicts"]
        for reason in row["reasons"]
        if reason["verdict"] != "PASS"
    ]
    for row in report.get("scenarios", ()):
        lines += [f"{row['scenario']}: {word}" for word in row["outcome"]]
    return list(dict.fromkeys(lines))


def dump(found: dict[str, list[str]]) -> str:
    """Return suite_findings.toml."""
    head = "# What the suite of clients says of the clients of peers.toml; written by tests.peers.suite_findings --write.\n"
    rows = [
        f"\n[{name}]\nfound = [\n" + "".join(f"  {json.dumps(x)},\n" for x in lines) + "]\n"
        for name, lines in found.items()
    ]
    return head + "".join(rows)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Check the clients of third parties.")
    parser.add_argument("--write", action="store_true", help="keep what is found as known")
    chosen = parser.parse_args()
    found: dict[str, list[str]] = {}
    table = Table("client", "what the suite of clients finds")
    for client in read_clients():
        if client.generate:
            continue  # what is generated from our own schemas is no client that somebody wrote
        client.install()
        for way in WAYS:
            lines = found[f"{client.package.name}.{way}"] = find_lines(judge(client, way))
            what = f"{client.package.title}, {way} responses"
            table.add_row(escape(what), escape("\n".join(lines) or "nothing"))
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    if chosen.write:
        KNOWN.write_text(dump(found), encoding="utf-8")
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    plain = {
        f"{name}.{way}": row["found"] for name, ways in known.items() for way, row in ways.items()
    }
    for name in sorted({*plain, *found}):
        for line in sorted(set(plain.get(name, ())) ^ set(found.get(name, ()))):
            print(f"peers: {name}: {line}", file=sys.stderr)
    return int(plain != found)


if __name__ == "__main__":
    sys.exit(main())
