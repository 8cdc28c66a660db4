"""What ``make conformance`` shows: a sandbox, the documented request, and the result of the suite."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from infobip_sms_schema import SmsRequest

from infobip_sms import Basic, Client
from infobip_sms.cli.base.terminal import echo
from infobip_sms.codecs import get_codec

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD, KEY = "Aladdin", "open sesame", "a key of the demo"
WIDTH = 100
EXAMPLES: tuple[tuple[Literal["json", "xml"], str], ...] = (
    ("json", "documented-request"),
    ("xml", "documented-request-in-xml"),
)


ACTIVATE = "  . {:<41}put infobip-sms on the path"
NEXT = """\
  make sandbox                               start a sandbox with an inbox page
  infobip-sms conformance server URL         check your server, gateway or mock
  infobip-sms conformance client -- PROGRAM  check your client
  infobip-sms demo --verbose                 show the documents and each result"""


def run(*, verbose: bool) -> int:
    """Run the three steps; return the exit code of the suite."""
    with run_sandbox(quiet=not verbose) as url:
        echo(f"1. Sandbox started on {url}; it sends no SMS.")
        found = [send_example(url, wire, stem, verbose=verbose) for wire, stem in EXAMPLES]
        echo(f"2. Documented request sent as JSON and XML: {' and '.join(dict.fromkeys(found))}")
        code = check_sandbox(url, verbose=verbose)
    if code == 0:
        echo("\nNext:")
        activate = Path(sys.prefix) / "bin" / "activate"
        if shutil.which("infobip-sms") is None and activate.exists():
            echo(ACTIVATE.format(os.path.relpath(activate)))
        echo(NEXT)
    return code


def send_example(url: str, wire: Literal["json", "xml"], stem: str, *, verbose: bool) -> str:
    """Send one documented request through the client; return what came back in words."""
    codec = get_codec(wire)
    path = files("infobip_sms_schema") / "data" / "examples" / f"{stem}.{wire}"
    request = codec.parse_request(path.read_bytes(), SmsRequest)
    with Client(url, auth=Basic(USER, PASSWORD), wire=wire) as client:
        response = client.send(request)
    names = ", ".join(dict.fromkeys(entry.status.name for entry in response))
    if verbose:
        echo(f"\nThe request as {wire.upper()}:\n{_wrap(codec.dump_model(request), wire)}\n")
        echo(f"The response:\n{_wrap(response.raw or b'', wire)}\n")
    return f"{len(response)} destinations, {names}"


def check_sandbox(url: str, *, verbose: bool) -> int:
    """Check the sandbox; print the number of requirements, or everything unless all passed."""
    suite = [sys.executable, "-m", "infobip_sms_conformance", "server", url, "--clock"]
    account = ["--user", USER, "--password", PASSWORD, "--api-key", KEY]
    process = subprocess.run([*suite, *account], check=False, capture_output=True, text=True)
    total = re.search(r"^(\d+) PASS of \1 requirements", process.stdout, re.MULTILINE)
    passed = process.returncode == 0 and total is not None
    if total and passed:
        echo(f"3. {total[1]} requirements checked: all passed")
    else:
        failed = "not all passed" if process.returncode else "none failed, not all could be decided"
        echo(f"3. Requirements checked: {failed}")
    if verbose or not passed:
        echo(f"\n{process.stdout}{process.stderr}".rstrip())
    return process.returncode


@contextmanager
def run_sandbox(*, quiet: bool) -> Iterator[str]:
    """Run a sandbox as a process of its own and give its URL."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0"]
    account = ["--user", USER, "--password", PASSWORD, "--api-key", KEY]
    notes = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(
        [*command, *account], stdout=subprocess.PIPE, stderr=notes, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.partition("sandbox: ")[2].strip()
        finally:
            process.terminate()


def _wrap(body: bytes, wire: Literal["json", "xml"]) -> str:
    """Return a document in lines that are broken between its fields or elements."""
    if wire == "json":
        parts = re.split(r'(?<=, )(?=["{[])', json.dumps(json.loads(body), ensure_ascii=False))
    else:
        parts = re.split(r"(?<=>)(?=<)", re.sub(r">\s+<", "><", body.decode().strip()))
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > WIDTH:
            lines.append("")
        lines[-1] += part
    return "\n".join(f"  {line.rstrip()}" for line in lines if line)
