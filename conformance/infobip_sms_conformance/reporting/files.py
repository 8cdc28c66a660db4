"""Writes and reads report files."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.errors import UsageError
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting import html, json_report, junit, markdown
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult
from infobip_sms_conformance.sanitization.redaction import clean
from infobip_sms_conformance.session.recorded import RecordedRequest, parse_recorded

WRITERS: Mapping[str, Callable[[RunResult, BaselineComparison | None], str]] = {
    "json": json_report.dump_json,
    "junit": junit.dump_junit,
    "html": html.dump_html,
    "markdown": markdown.dump_markdown,
}
NAMES = (*WRITERS, "har")
FAILING = {Verdict.FAIL, Verdict.ERROR, Verdict.WARN}


def require_writable_files(paths: Mapping[str, Path]) -> None:
    """Raise UsageError for a file that cannot be written, before anything is sent."""
    if len({path.absolute() for path in paths.values()}) < len(paths):
        raise UsageError("two reports cannot be written to the same file")
    for path in paths.values():
        there = path.exists()
        try:
            path.open("a").close()
            if not there:
                path.unlink()
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def write_files(
    paths: Mapping[str, Path],
    result: RunResult,
    compared: BaselineComparison | None,
    dump_har: Callable[[], str],
) -> None:
    """Write the reports, by the names of their formats."""
    for name, path in paths.items():
        write_file(path, dump_har() if name == "har" else WRITERS[name](result, compared))


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file, a private one for its owner only (mode 600); raise UsageError where that fails."""
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666
        )
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            if private:
                path.chmod(0o600)  # of a file that was there before
            file.write(clean(text))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def read_result(path: Path) -> dict[str, Any]:
    """Return what --json wrote; UsageError when the file holds something else."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        found = None
    if not is_result(found):
        raise UsageError(f"{path}: expected a JSON report written by --json")
    record: dict[str, Any] = found
    return record


def is_result(found: Any) -> bool:
    """Tell whether plain data is a JSON report."""
    rows = found.get("verdicts") if isinstance(found, dict) else None
    return isinstance(rows, list) and all(
        isinstance(row, dict) and isinstance(row.get("requirement"), str) for row in rows
    )


def read_recorded(path: Path) -> tuple[dict[str, RecordedRequest | None], dict[str, Any]]:
    """Return the failing checks of a file of --json, by their tokens, each with the request that showed it.

    The second is the whole report. UsageError when nothing failed.
    """
    report = read_result(path)
    found = {}
    for row in report["verdicts"]:
        for reason in row.get("reasons", ()):
            if reason.get("verdict") in FAILING and (token := reason.get("token")):
                evidence = reason.get("evidence") or {}
                found[token.partition("@")[0]] = parse_recorded(evidence.get("recorded"))
    if not found:
        raise UsageError(f"nothing failed in {path}")
    return found, report


def read_failed(path: Path) -> tuple[list[str], int | None]:
    """Return the requirements that failed in a file of --json, and its seed; UsageError when none did."""
    record, known = read_result(path), read_requirements()
    rows = [row for row in record["verdicts"] if row["requirement"] in known]
    failed = [row["requirement"] for row in rows if row.get("verdict") in FAILING]
    if not failed:
        raise UsageError(f"nothing failed in {path}")
    seed = record.get("seed")
    return failed, seed if isinstance(seed, int) else None
