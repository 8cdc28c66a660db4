"""Clients that no one here wrote, pointed at a sandbox; `make peers`.

    python -m tests.peers                  install what is missing, try every client, print the table
    python -m tests.peers node-sdk         one client, or several
    python -m tests.peers --show node-sdk  and all that was on the wire

peers.toml says who they are, known_findings.toml what they are known to do wrong. Ends with 1 unless each
operation of each client works or fails in just the known way.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.peers.findings import (
    KNOWN,
    Defect,
    Verdict,
    find_findings,
    judge,
    read_body,
    read_defects,
    read_json,
)
from tests.peers.packages import ROOT, CannotInstall, Package
from tests.peers.tasks import KEY, Sandbox, Trial, build_trials, prepare
from tests.peers.wiretap import Tap, tap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
SCHEMA = ROOT / "schema"
_LONGEST = 120  # seconds that one operation of one client may take
_STYLES = {"works": "green", "known defect": "yellow", "FAILS": "red"}


@attrs.frozen
class Client:
    """One client, ready to be run."""

    package: Package
    driver: Path
    generate: tuple[tuple[str, ...], ...] = ()
    """Commands that generate it from the schemas, in the folder of the package."""
    program: str = ""
    """What runs in that folder: the copy of the driver, or what was compiled from it."""

    def install(self) -> None:
        """Fetch what it consists of, and generate what is generated."""
        self.package.install()
        if self.generate:
            shutil.copy(self.driver, self.package.folder)
        for name, *arguments in self.generate:
            done = self.package.run_program(
                name, *(argument.format(schema=SCHEMA) for argument in arguments)
            )
            if done.returncode:
                raise CannotInstall(
                    f"{self.package.title}: {name} failed:\n{done.stdout}{done.stderr}"
                )

    def call(self, url: str, trial: Trial, key: str = KEY) -> dict[str, Any]:
        """Let it carry out an operation; return what it told."""
        program = self.program or str(self.driver)
        command = [*self.package.find_interpreter(), program, trial.operation]
        asked = json.dumps({"query": trial.asked.query, "body": trial.asked.body})
        done = subprocess.run(
            command,
            input=asked,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.package.folder,
            env=_build_environment(url, key),
            timeout=_LONGEST,
        )
        told = read_json(done.stdout.encode())
        if done.returncode or not isinstance(told, dict):
            return {"raised": "its driver ended without a result", "text": done.stderr}
        return told


def _build_environment(url: str, key: str) -> dict[str, str]:
    """Return the environment of this program without what points Python at our own modules."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**own, "INFOBIP_BASE_URL": url, "INFOBIP_API_KEY": key}


def read_clients(path: Path = HERE / "peers.toml") -> list[Client]:
    """Return the clients of peers.toml."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["client"]
    return [_build_client(**row) for row in rows]


def _build_client(
    *, driver: str, generate: Sequence[Sequence[str]] = (), program: str = "", **package: Any
) -> Client:
    steps = tuple(tuple(step) for step in generate)
    return Client(Package(**package), HERE / "drivers" / driver, steps, program)


@contextmanager
def run_sandbox() -> Iterator[str]:
    """Run a sandbox as a process of its own; give its URL."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0", "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().partition("sandbox: ")[2].strip()
        finally:
            process.terminate()


def try_client(
    client: Client, sandbox: Sandbox, tapped: Tap, defects: list[Defect], show: Console | None
) -> Iterator[tuple[str, Verdict]]:
    """Yield each operation with the verdict on it."""
    name = client.package.name
    prepare(sandbox, name)
    for trial in build_trials(name):
        told = client.call(tapped.url, trial)
        exchanges = tapped.take()
        response = read_body(exchanges[-1].reply) if exchanges else None
        done = bool(exchanges) and exchanges[-1].status == 200 and trial.check(sandbox, response)
        findings = find_findings(trial.asked, exchanges, told, done=done)
        if show:
            for exchange in exchanges:
                show.rule(f"{name}: {trial.operation}")
                show.print(exchange.show(), markup=False, highlight=False)
            show.print(told, findings)
        known = [d for d in defects if d.client == name and trial.operation in d.operations]
        yield trial.operation, judge(findings, known, exchanges)


def run(clients: list[Client], defects: list[Defect], *, show: bool) -> int:
    """Try every client, print the table, and return how many operations fail."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table("client", "operation", "", "why")
    failures = 0
    with run_sandbox() as url, tap(url) as tapped:
        for client in clients:
            client.install()
            shown = console if show else None
            for operation, verdict in try_client(client, Sandbox(url), tapped, defects, shown):
                failures += verdict.word == "FAILS"
                why = "; ".join(verdict.reasons)
                word = f"[{_STYLES[verdict.word]}]{verdict.word}[/]"
                table.add_row(client.package.title, operation, word, escape(why))
            table.add_section()
    console.print(table)
    return failures


def main() -> int:
    """Do what the command line says."""
    everyone = read_clients()
    parser = argparse.ArgumentParser(description="Point clients of third parties at a sandbox.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all if there is none")
    parser.add_argument("--show", action="store_true", help="print what was on the wire")
    chosen = parser.parse_args()
    names = {client.package.name for client in everyone}
    defects = read_defects(tomllib.loads(KNOWN.read_text(encoding="utf-8")))
    if strangers := (set(chosen.names) | {defect.client for defect in defects}) - names:
        parser.error(f"not in peers.toml: {', '.join(sorted(strangers))}")
    clients = [c for c in everyone if not chosen.names or c.package.name in chosen.names]
    try:
        failures = run(clients, defects, show=chosen.show)
    except CannotInstall as problem:
        print(f"peers: {problem}", file=sys.stderr)
        return 1
    if failures:
        print(f"peers: {failures} operations fail", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
