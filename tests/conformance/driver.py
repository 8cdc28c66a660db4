"""The suite as a program that checks one server after the other: a line of JSON in, a line of JSON out.

Starting Python and its libraries takes longer than a run; so the tests start them once.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from infobip_sms_conformance.run.runner import build_plan, run_suite
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target

ACCOUNT = Credentials("Aladdin", "open sesame", "key")


def run(url: str, only: list[str], **options: Any) -> dict[str, Any]:
    """Check a server; return what was found and what it cost."""
    target = parse_target(url)
    plan = build_plan(target, only=only, **options)
    record, session = run_suite(target, ACCOUNT, plan, only=only)
    found = [
        [f.requirement_id, f.wire, str(f.verdict), f.check, f.got, f.caused_by]
        for f in record.findings
    ]
    sent = [
        f"{e.wire} {e.request.method if e.request else ''} {e.label}" for e in session.exchanges
    ]
    return {
        "findings": found,
        "sent": sent,
        "bill": asdict(plan.budget),
        "messages": session.messages,
        "stopped": record.stopped,
    }


def main() -> None:
    """Check until there is no more to read."""
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
