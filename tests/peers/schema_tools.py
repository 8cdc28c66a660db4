"""The schemas in the hands of other tools: linters, and a fuzzer that runs the sandbox by openapi.yaml.

    python -m tests.peers.schema_tools           every tool
    python -m tests.peers.schema_tools redocly   one tool, or several

Ends with 1 when a tool finds anything that known_findings.toml does not explain.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.peers.__main__ import HERE, SCHEMA, run_sandbox
from tests.peers.findings import KNOWN
from tests.peers.packages import CannotInstall, Package, find_executable
from tests.peers.tasks import EXAMPLES, KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ADMIN = "/sandbox/openapi.yaml"
_VERSION_1 = SCHEMA.parent / "generated" / "infobip_sms_schema" / "data" / "sms-v1.xsd"
_XML_RESPONSES = (
    ("POST", "/sms/2/text/advanced", "documented-request.xml"),
    ("POST", "/sms/1/text/advanced", "v1-request.xml"),
    ("POST", "/sms/1/preview", "preview-request.xml"),
    ("POST", "/sms/2/text/advanced", "bulk-request.xml"),  # rejected: an error response
    ("GET", "/sms/1/logs", None),
    ("GET", "/sms/1/reports", None),
)


@attrs.frozen
class Finding:
    """What a tool says of one place of a schema, or of one operation."""

    tool: str
    place: str
    text: str


@attrs.frozen
class Known:
    """A finding that is explained."""

    tool: str
    place: str
    """A regular expression for the place."""
    seen: str
    """A regular expression for the text."""
    reason: str

    def explains(self, finding: Finding) -> bool:
        """Tell whether it is about this finding."""
        return (
            self.tool == finding.tool
            and re.search(self.place, finding.place) is not None
            and re.search(self.seen, finding.text) is not None
        )


def read_known() -> list[Known]:
    """Return the findings of tools in known_findings.toml."""
    rows = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["finding"]
    return [Known(**row) for row in rows]


def read_packages() -> dict[str, Package]:
    """Return the tools of peers.toml by name."""
    rows = tomllib.loads((HERE / "peers.toml").read_text(encoding="utf-8"))["tool"]
    return {row["name"]: Package(**row) for row in rows}


def lint(url: str, tool: Package) -> Iterator[Finding]:
    """Run redocly on openapi.yaml and on the document of the admin interface."""
    tool.install()
    for document in (str(SCHEMA / "openapi.yaml"), url + _ADMIN):
        done = tool.run_program("redocly", "lint", document, "--format=json")
        name = Path(urlsplit(document).path)
        for problem in json.loads(done.stdout)["problems"]:
            place = f"{name.parent.name}/{name.name} {problem['location'][0].get('pointer', '')}"
            yield Finding(tool.name, place, f"{problem['ruleId']}: {problem['message']}")


def fuzz(url: str, tool: Package) -> Iterator[Finding]:
    """Run Schemathesis on the API and on the admin interface of a sandbox."""
    tool.install()
    options = ("-H", f"Authorization: App {KEY}", "--generation-deterministic")
    for document in ((str(SCHEMA / "openapi.yaml"), "--url", url), (url + _ADMIN,)):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            count = ("--max-examples", "30", "--report-junit-path", str(report))
            done = tool.run_program("schemathesis", "run", *document, *options, *count)
            if not report.exists():
                raise CannotInstall(f"schemathesis ended without a report:\n{done.stderr}")
            yield from read_junit(tool.name, report.read_text(encoding="utf-8"))


def read_junit(tool: str, report: str) -> Iterator[Finding]:
    """Yield the failures and errors of a report, each without the way to reproduce it."""
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314 - written by the tool
        for failure in [*case.iter("failure"), *case.iter("error")]:
            text = (failure.text or failure.get("message") or "").partition("Reproduce with:")[0]
            text = text.partition("\n\n")[2] or text
            yield Finding(tool, case.get("name", ""), " ".join(text.split()))


def validate(url: str, _: object) -> Iterator[Finding]:
    """Run xmllint with sms.xsd on every example and on responses of a sandbox."""
    for example in sorted(EXAMPLES.glob("*.xml")):
        schema = _VERSION_1 if example.stem == "v1-request" else SCHEMA / "sms.xsd"
        yield from _validate_document(example.name, example.read_bytes(), schema)
    for method, path, body in _XML_RESPONSES:
        document = _ask_in_xml(url, method, path, (EXAMPLES / body).read_bytes() if body else None)
        yield from _validate_document(f"{method} {path}", document, SCHEMA / "sms.xsd")


def _validate_document(place: str, document: bytes, schema: Path) -> Iterator[Finding]:
    command = [find_executable("xmllint"), "--noout", "--schema", str(schema), "-"]
    done = subprocess.run(command, input=document, capture_output=True, check=False)
    if done.returncode:
        yield Finding("xmllint", place, done.stderr.decode(errors="replace").strip())


def _ask_in_xml(url: str, method: str, path: str, body: bytes | None) -> bytes:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    media = "application/xml"
    headers = {"Authorization": f"App {KEY}", "Content-Type": media, "Accept": media}
    connection.request(method, path, body, headers)
    document = connection.getresponse().read()
    connection.close()
    return document


TOOLS: dict[str, Callable[..., Iterator[Finding]]] = {
    "redocly": lint,
    "xmllint": validate,
    "schemathesis": fuzz,
}


def run(names: list[str], known: list[Known]) -> int:
    """Run tools, print what they find, and return how many findings are not explained."""
    table = Table("tool", "where", "", "what it finds, or why that is right")
    unexplained = 0
    packages = read_packages()
    for name in names:
        with run_sandbox() as url:  # its own, because a fuzzer moves the clock and injects faults
            for finding in TOOLS[name](url, packages.get(name)):
                reasons = [row.reason for row in known if row.explains(finding)]
                unexplained += not reasons
                word = "[yellow]known[/]" if reasons else "[red]NEW[/]"
                why = reasons[0] if reasons else finding.text[:600]
                table.add_row(name, escape(finding.place), word, escape(why))
        table.add_row(name, "", "", "finished", end_section=True)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return unexplained


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Run other tools on the schemas.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all if there is none")
    names = parser.parse_args().names or list(TOOLS)
    if unknown := set(names) - TOOLS.keys():
        parser.error(f"no such tool: {', '.join(sorted(unknown))}")
    try:
        unexplained = run(names, read_known())
    except CannotInstall as problem:
        print(f"peers: {problem}", file=sys.stderr)
        return 1
    if unexplained:
        print(f"peers: {unexplained} findings are not explained", file=sys.stderr)
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
