"""The report for programs.

{"url", "profile", "seed", "formats", "without", "versions", "at", "plan": {"requests", "messages"},
 "most": {"requests", "messages"}, "requests", "messages", "seconds", "exit", "stopped",
 "badge": an endpoint object of shields.io,
 "operations": {operation: {"credentials", "content_types", "accepts", "statuses"}}, counts by value,   of servers
 "side", "coverage", "scenarios",   of clients; "side" also of callback receivers
 "readings": [{"id", "taken": {outcome: count}, "consistent"}],
 "verdicts": [{"requirement", "level", "text", "source", "verdict", "json", "xml",
               "reasons": [{"check", "wire", "verdict", "sent", "expected", "got", "caused_by", "token",
                            "evidence": {"method", "path", "content_type", "accept", "body", "size", "curl", "other_format",
                                         "status", "response_type", "response", "callback",
                                         "recorded": {"label", "wire", "method", "path", "headers", "body", "document"}}}]}]}
"""

import json
from dataclasses import asdict
from typing import Any

from infobip_sms_conformance.contract.files import WIRES, Requirement
from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding

COLOURS = {NOTHING_FAILED: "#2da44e", SOMETHING_FAILED: "#cf222e", COULD_NOT_TEST: "#6e7781"}
REASON = ("check", "wire", "verdict", "sent", "expected", "got", "caused_by", "token")


def dump_json(result: RunResult, compared: BaselineComparison | None = None) -> str:
    """Return the report."""
    document: dict[str, Any] = {
        "url": result.url,
        "profile": result.profile,
        "seed": result.seed,
        "formats": list(result.wires),
        "without": list(result.without),
        "versions": dict(result.versions),
        "at": result.at.isoformat(timespec="seconds"),
        "plan": asdict(result.planned_cost),
        "most": asdict(result.max_cost),
        "requests": result.requests,
        "messages": result.messages,
        "seconds": round(result.seconds, 2),
        "exit": compared.exit_code if compared else result.exit_code,
        "stopped": result.stopped,
        "badge": build_badge(result, compared),
        "readings": [
            {"id": r.id, "taken": dict(r.outcomes), "consistent": r.is_consistent}
            for r in result.readings
        ],
        "verdicts": [build_row(result, row) for row in result.rows],
    }
    if result.side != "server":
        document["side"] = result.side
    document |= {section.name: section.data for section in result.sections}
    if compared:
        document["baseline"] = {
            "excused": compared.excused,
            "new": compared.new,
            "gone": compared.gone,
            "expired": compared.expired,
        }
    return json.dumps(document, indent=1, ensure_ascii=False)


def build_badge(result: RunResult, compared: BaselineComparison | None) -> dict[str, Any]:
    """Return the endpoint object from which shields.io draws a badge."""
    code = compared.exit_code if compared else result.exit_code
    counts = result.count_verdicts()
    message = {
        NOTHING_FAILED: f"{counts[Verdict.PASS]} of {len(result.rows)} pass",
        SOMETHING_FAILED: f"{counts[Verdict.FAIL]} of {len(result.rows)} fail",
        COULD_NOT_TEST: "not checked",
    }[code]
    return {"schemaVersion": 1, "label": "infobip sms", "message": message, "color": COLOURS[code]}


def build_row(result: RunResult, row: Requirement) -> dict[str, Any]:
    """Return all about one requirement."""
    return {
        "requirement": row.id,
        "level": row.level,
        "text": row.text,
        "source": row.source,
        "verdict": result.find_verdict(row.id),
        **{wire: result.find_verdict(row.id, wire) for wire in WIRES},
        "reasons": [build_reason(f) for f in result.findings if f.requirement_id == row.id],
    }


def build_reason(finding: SanitizedFinding) -> dict[str, Any]:
    """Return a finding as plain data, without what is empty."""
    reason: dict[str, Any] = {n: str(v) for n in REASON if (v := getattr(finding, n))}
    if finding.evidence:
        reason["evidence"] = {n: v for n, v in asdict(finding.evidence).items() if v or v == 0}
    return reason
