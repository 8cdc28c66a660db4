"""The report for programs.

    {"url", "profile", "seed", "formats", "without", "at", "plan": {"requests", "messages"},
     "most": {"requests", "messages"}, "requests", "messages", "seconds", "exit", "stopped",
     "side", "coverage", "scenarios",   of clients alone
     "readings": [{"id", "taken": {outcome: count}, "consistent"}],
     "verdicts": [{"requirement", "level", "text", "source", "verdict", "json", "xml",
                   "reasons": [{"check", "wire", "verdict", "sent", "expected", "got", "because", "token",
                                "evidence": {"method", "path", "content_type", "body", "size", "curl", "twin",
                                             "status", "reply_type", "reply", "callback"}}]}]}

Lives here: the names above. A member without a value is left out of reasons and evidence.
Never here: anything that is not masked.
"""

import json
from dataclasses import asdict
from typing import Any

from infobip_sms_conformance.contract.files import WIRES, Requirement
from infobip_sms_conformance.run.baseline import Comparison
from infobip_sms_conformance.run.result import Record, Told

REASON = ("check", "wire", "verdict", "sent", "expected", "got", "because", "token")


def dump_json(record: Record, compared: Comparison | None = None) -> str:
    """Return the report."""
    document: dict[str, Any] = {
        "url": record.url,
        "profile": record.profile,
        "seed": record.seed,
        "formats": list(record.wires),
        "without": list(record.without),
        "at": record.at.isoformat(timespec="seconds"),
        "plan": asdict(record.plan),
        "most": asdict(record.most),
        "requests": record.requests,
        "messages": record.messages,
        "seconds": round(record.seconds, 2),
        "exit": compared.exit_code if compared else record.exit_code,
        "stopped": record.stopped,
        "readings": [
            {"id": r.id, "taken": dict(r.taken), "consistent": r.is_consistent}
            for r in record.readings
        ],
        "verdicts": [build_row(record, row) for row in record.rows],
    }
    if record.side != "server":
        document["side"] = record.side
        document |= {section.name: section.data for section in record.sections}
    if compared:
        document["baseline"] = {
            "excused": compared.excused,
            "new": compared.new,
            "gone": compared.gone,
            "expired": compared.expired,
        }
    return json.dumps(document, indent=1, ensure_ascii=False)


def build_row(record: Record, row: Requirement) -> dict[str, Any]:
    """Return all about one requirement."""
    return {
        "requirement": row.id,
        "level": row.level,
        "text": row.text,
        "source": row.source,
        "verdict": record.find_verdict(row.id),
        **{wire: record.find_verdict(row.id, wire) for wire in WIRES},
        "reasons": [build_reason(f) for f in record.findings if f.requirement == row.id],
    }


def build_reason(finding: Told) -> dict[str, Any]:
    """Return a finding as plain data, without what is empty."""
    reason: dict[str, Any] = {n: str(v) for n in REASON if (v := getattr(finding, n))}
    if finding.evidence:
        reason["evidence"] = {
            n: v for n, v in asdict(finding.evidence).items() if v not in {None, ""}
        }
    return reason
