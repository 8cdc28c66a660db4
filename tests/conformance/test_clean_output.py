"""Text from outside in every field of what is read: no output has what a terminal would obey."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from infobip_sms_conformance.cli import main
from infobip_sms_conformance.client_run.collector import TrafficCollector
from infobip_sms_conformance.client_run.har_input import read_har
from infobip_sms_conformance.client_run.har_output import HarWriter
from infobip_sms_conformance.reporting import console, files
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding, Section
from infobip_sms_conformance.sanitization.redaction import clean

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ESCAPES = "a\x1b[31m\x07\x9b\r\u061c\u200b\u200f\u202e\u2066\u2028\ufeff\U000e0041\xad\u2060z"
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)
KEPT = {"requirement_id", "wire", "caused_by", "side", "wires", "verdict"}  # not from outside


def poison(value: Any, name: str = "") -> Any:
    """Return a value with escapes in every text that it holds."""
    if name in KEPT:
        return value
    if isinstance(value, str):
        return type(value)(value + ESCAPES) if type(value) is str else value
    if isinstance(value, list | tuple):
        return type(value)(poison(item) for item in value)
    if isinstance(value, dict):
        return {poison(key): poison(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        inits = [field.name for field in fields(value) if field.init]
        return replace(value, **{key: poison(getattr(value, key), key) for key in inits})
    return value


def build_recording(folder: Path) -> Path:
    """Return a recording with escapes in every field."""
    body = {
        "messages": [{"destinations": [{"to": ESCAPES, ESCAPES: 1}], "text": 5, ESCAPES: ESCAPES}]
    }
    headers = [
        {"name": name + end, "value": ESCAPES}
        for name in ("Authorization", "Content-Type", "Accept")
        for end in ("", ESCAPES)
    ]
    response = {"status": 200, "headers": headers, "content": {"text": json.dumps(body)}}
    entries = []
    for method, where in [
        ("POST", ""),
        ("POST" + ESCAPES, ""),
        ("POST", "?" + ESCAPES + "=" + ESCAPES),
    ]:
        for host in ("127.0.0.1", "h" + ESCAPES.replace("[", "") + ".example.com"):
            request: dict[str, Any] = {
                "method": method,
                "url": f"https://{host}/x{ESCAPES}/sms/2/text/advanced{where}",
            }
            request |= {
                "headers": headers,
                "postData": {"text": json.dumps(body, ensure_ascii=False)},
            }
            entries.append({"request": request, "response": response})
    path = folder / "any.har"
    path.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    return path


def test_no_report_has_what_a_terminal_obeys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recording with escapes in every field: the console and all five reports show them as escapes."""
    names = {name: tmp_path / f"report.{name}" for name in files.NAMES}
    words = [word for name, path in names.items() for word in (f"--{name}", str(path))]

    assert main(["har", str(build_recording(tmp_path)), *words, "--verbose"]) == 1
    outputs = {name: path.read_text("utf-8") for name, path in names.items()}
    outputs["console"] = "".join(capsys.readouterr())
    assert {name for name, text in outputs.items() if FORBIDDEN.search(text)} == set()
    assert json.loads(outputs["json"])
    assert json.loads(outputs["har"])


def test_no_field_of_a_result_is_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a check puts into any text of a result, no report has what a terminal obeys."""
    collector = TrafficCollector(check_responses=True)
    for captured in read_har(build_recording(tmp_path)):
        collector.add(captured)
    result = collector.build_result("x", "har", stopped="x")
    assert isinstance(result, RunResult)
    poisoned = poison(replace(result, sections=(Section("coverage", "x", ("x",), {"x": "x"}),)))
    assert all(isinstance(finding, SanitizedFinding) for finding in poisoned.findings)

    paths = {name: tmp_path / name for name in files.NAMES}
    files.write_files(paths, poisoned, None, HarWriter().dump)
    console.ConsoleReporter(verbose=True).print_result(poisoned)
    outputs = {name: path.read_text("utf-8") for name, path in paths.items()}
    outputs["console"] = capsys.readouterr().out
    assert {name for name, text in outputs.items() if FORBIDDEN.search(text)} == set()


def test_errors_are_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path in an error of the command line is shown without escapes."""
    assert main(["har", str(tmp_path / f"{ESCAPES}.har")]) == 3
    assert not FORBIDDEN.search("".join(capsys.readouterr()))


def test_cleaned_json_holds_the_same_text() -> None:
    """What is cleaned in a JSON file is an escape of JSON, also outside of the first plane."""
    assert json.loads(clean(json.dumps(ESCAPES, ensure_ascii=False))) == ESCAPES


def test_recording_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """A recording has mode 600, also where another file was there before."""
    path = tmp_path / "run.har"
    path.write_text("x", "utf-8")
    path.chmod(0o644)
    files.write_file(path, "text", private=True)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8") == "text"


def test_the_plan_of_a_receiver_has_nothing_that_a_terminal_obeys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The URL is the user's own, but it may have been pasted."""
    main(["receiver", f"http://127.0.0.1:1/{ESCAPES.replace(chr(13), '')}"])
    shown = "".join(capsys.readouterr())

    assert "Checking http://127.0.0.1:1/a\\u001b" in shown
    assert not FORBIDDEN.search(shown)
