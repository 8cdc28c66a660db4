"""Broken clients: each is caught by exactly its requirement."""

from __future__ import annotations

from typing import Any

from infobip_sms.sandbox import running
from tests.conformance.mutation import clients


def choose_callers() -> list[clients.ClientUnderTest]:
    """Return one caller for each requirement and way of checking, and the allowed ones."""
    chosen: dict[Any, clients.ClientUnderTest] = {}
    for caller in clients.get_clients():
        key = (
            (caller.broken_requirement, caller.uses_scenarios, caller.has_expected_request)
            if caller.broken_requirement
            else caller.name
        )
        chosen.setdefault(key, caller)
    return list(chosen.values())


def test_every_broken_caller_fails_by_its_requirement_alone() -> None:
    """Each caller with a fault is caught by exactly its requirement, and allowed ones fail nothing."""
    with running(api_key=clients.KEY) as sandbox:
        proofs = list(clients.run_clients(choose_callers(), sandbox.url, jobs=6))
    wrong = [
        (p.client.name, p.outcome, p.failed, p.stopped) for p in proofs if not p.is_as_expected
    ]

    assert wrong == []
    assert sum(proof.outcome == "caught" for proof in proofs) >= 25
