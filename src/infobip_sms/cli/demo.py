"""What ``make conformance`` shows: the documented request out, its answer back, and the verdict."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from importlib.resources import files
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


def run() -> int:
    """Show the tour on standard output; return the exit code of the suite."""
    with run_sandbox() as url:
        echo(f"A sandbox listens on {url}. It sends no message anywhere.\n")
        for wire, stem in EXAMPLES:
            print_exchange(url, wire, stem)
        echo("Now the check asks the same sandbox, requirement by requirement.\n")
        judge = [sys.executable, "-m", "infobip_sms_conformance", "server", url, "--clock"]
        account = ["--user", USER, "--password", PASSWORD, "--api-key", KEY]
        return subprocess.run([*judge, *account], check=False).returncode


def print_exchange(url: str, wire: Literal["json", "xml"], stem: str) -> None:
    """Send one documented request through the client and print it and its answer."""
    codec = get_codec(wire)
    path = files("infobip_sms_schema") / "data" / "examples" / f"{stem}.{wire}"
    request = codec.parse_request(path.read_bytes(), SmsRequest)
    with Client(url, auth=Basic(USER, PASSWORD), wire=wire) as client:
        response = client.send(request)
    echo(f"The documented request as {wire.upper()}:\n{_wrap(codec.dump_model(request), wire)}\n")
    echo(f"Its answer:\n{_wrap(response.raw or b'', wire)}\n")
    for entry in response.messages:
        echo(f"  {entry.to}  {entry.status.name}  messageId {entry.message_id}")
    echo()


@contextmanager
def run_sandbox() -> Iterator[str]:
    """Run a sandbox as a process of its own and give its URL."""
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0"]
    account = ["--user", USER, "--password", PASSWORD, "--api-key", KEY]
    with subprocess.Popen([*command, *account], stdout=subprocess.PIPE, text=True) as process:
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
