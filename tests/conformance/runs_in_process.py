"""The suite as one process that runs many commands and checks many servers, a line of JSON for each.

Starting Python and its libraries takes longer than a short run, so the tests start them once.
"""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-m", "infobip_sms_conformance")
ACCOUNT = ("--user", "Aladdin", "--password", "open sesame", "--api-key", "a key of the tests")


@dataclass(frozen=True)
class Run:
    """What one command said."""

    code: int
    out: str
    err: str


class Judge:
    """A process that runs one command after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )

    def run(self, *words: str) -> Run:
        """Run a command."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(words) + "\n")
        stdin.flush()
        return Run(**json.loads(stdout.readline()))

    def judge(self, url: str, *words: str) -> tuple[Run, dict[str, Any]]:
        """Check a server with all credentials; return the run and what --json wrote."""
        self._count += 1
        path = self._folder / f"{self._count}.json"
        done = self.run("server", url, *ACCOUNT, "--json", str(path), *words)
        return done, json.loads(path.read_text("utf-8")) if path.exists() else {}

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def find_rows(report: dict[str, Any], *verdicts: str) -> set[str]:
    """Return the requirements that have one of some verdicts in either format."""
    return {
        row["requirement"]
        for row in report["verdicts"]
        if {row["json"], row["xml"]} & set(verdicts)
    }


def find_reasons(report: dict[str, Any], *verdicts: str) -> list[dict[str, Any]]:
    """Return the findings of some verdicts, each with the requirement that it is about."""
    return [
        {"requirement": row["requirement"], **reason}
        for row in report["verdicts"]
        for reason in row["reasons"]
        if reason["verdict"] in verdicts
    ]


def run_command(words: list[str]) -> dict[str, Any]:
    """Run the command line of the suite; return its exit code and output."""
    from infobip_sms_conformance.cli import main as run  # noqa: PLC0415 - the tests need none of it

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(words)
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def check_server(url: str, only: list[str], **options: Any) -> dict[str, Any]:
    """Check a server; return every finding, every request, and what was planned."""
    from infobip_sms_conformance.run.runner import build_plan, run_suite  # noqa: PLC0415 - likewise
    from infobip_sms_conformance.transport.credentials import Credentials  # noqa: PLC0415
    from infobip_sms_conformance.transport.http import parse_target  # noqa: PLC0415

    target = parse_target(url)
    plan = build_plan(target, only=only, **options)
    credentials = Credentials("Aladdin", "open sesame", "key")
    result, session = run_suite(target, credentials, plan, only=only)
    return {
        "findings": [
            [f.requirement_id, f.wire, str(f.verdict), f.check, f.got, f.caused_by]
            for f in result.findings
        ],
        "sent": [
            f"{e.wire} {e.request.method if e.request else ''} {e.label}" for e in session.exchanges
        ],
        "bill": asdict(plan.budget),
        "messages": session.messages,
        "stopped": result.stopped,
    }


def main() -> None:
    """Run commands, given as lists, and check servers, given as objects, until the input ends."""
    for line in sys.stdin:
        task = json.loads(line)
        answer = run_command(task) if isinstance(task, list) else check_server(**task)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
