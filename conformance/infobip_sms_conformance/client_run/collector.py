"""Every request that arrived, judged as it comes; nothing is kept of it but what may be shown.

Lives here: the sum of all requests, and the record that is made of it.
Never here: how one request is read (papers.py), what is written about a run (report/).
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from infobip_sms_conformance.client_checks.excerpt import ClientMask, build_mask, show
from infobip_sms_conformance.client_checks.request import Paper, find_entries, read_paper
from infobip_sms_conformance.client_checks.resends import Memory
from infobip_sms_conformance.client_checks.responses import Remark, judge_reply
from infobip_sms_conformance.client_checks.schema_check import Problem, strip
from infobip_sms_conformance.client_run.coverage import Coverage
from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import Record, Section, Told
from infobip_sms_conformance.session.plan import Cost
from infobip_sms_conformance.transport.http1 import Heard

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
MOST_ALIKE = 3
"""Findings of one kind that are kept with what was received; of others there is the number alone."""
Keep = Callable[[Paper, ClientMask], None]
Look = Callable[[Paper], Sequence[Problem]]


@dataclass
class Hearing:
    """What was heard so far."""

    both: bool = False
    """Whether replies are judged as well."""
    keeps: tuple[Keep, ...] = ()
    """Get every exchange with its mask, before it is forgotten."""
    looks: tuple[Look, ...] = ()
    """What else a request is held to."""
    coverage: Coverage = field(default_factory=Coverage)
    memory: Memory = field(default_factory=Memory)
    findings: list[Told] = field(default_factory=list)
    passed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Requirement, format and side, with how often each was looked at."""
    alike: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    requests: int = 0
    messages: int = 0
    began: float = field(default_factory=time.monotonic)

    def hear(self, heard: Heard) -> None:
        """Judge an exchange."""
        paper = read_paper(heard)
        self.requests += 1
        if paper.is_send and heard.status in OK_STATUSES:
            self.messages += count_destinations(paper)
        self.coverage.add(paper)
        problems = [*paper.sheet.problems, *self.memory.look(paper)]
        problems += [problem for look in self.looks for problem in look(paper)]
        mask = build_mask(paper)
        for problem in problems:
            self._blame(paper, mask, problem)
        broken = {problem.requirement for problem in problems}
        for number in paper.sheet.looked - broken - {""}:
            self.passed[number, paper.wire, "request"] += 1
        if self.both:
            self._judge_reply(paper, mask)
        for keep in self.keeps:
            keep(paper, mask)

    def blame(self, heard: Heard, problem: Problem) -> None:
        """Take down what showed after an exchange."""
        paper = read_paper(heard)
        self._blame(paper, build_mask(paper), problem)

    def praise(self, heard: Heard, number: str) -> None:
        """Take down what an exchange kept, as showed after it."""
        self.passed[number, read_paper(heard).wire, "reply"] += 1

    def _blame(self, paper: Paper, mask: ClientMask, problem: Problem) -> None:
        number = problem.requirement
        if not self._is_new((number, paper.wire, strip(problem.path), problem.wants)):
            return
        mild = problem.mild or read_requirements()[number].level != "MUST"
        place = paper.operation.path if paper.operation else "elsewhere"
        count, method = paper.heard.number, paper.heard.method
        self.findings.append(
            Told(
                number,
                paper.wire,
                f"request {count}",
                Verdict.WARN if mild else Verdict.FAIL,
                f"request {count}, {method if method in METHODS else 'another method'} {place}",
                mask.hide_words(problem.wants),
                mask.hide_words(f"{problem.path}: {problem.got}" if problem.path else problem.got),
                evidence=show(paper, mask, problem),
            )
        )

    def _judge_reply(self, paper: Paper, mask: ClientMask) -> None:
        body = paper.heard.reply.body if paper.heard.reply else b""
        wire = find_wire(body) or paper.wire
        for remark in judge_reply(paper):
            if not remark.got:
                self.passed[remark.requirement, wire, "reply"] += 1
            elif self._is_new((remark.requirement, wire, remark.got, remark.expected)):
                self.findings.append(build_remark(paper, mask, remark, wire))

    def _is_new(self, kind: tuple[str, str, str, str]) -> bool:
        """Count a finding of a kind; tell whether there are few of it as yet."""
        self.alike[kind] += 1
        return self.alike[kind] <= MOST_ALIKE

    def build_record(
        self, url: str, profile: str, *, sections: Sequence[Section] = (), stopped: str = ""
    ) -> Record:
        """Return the record of what was heard."""
        findings = [*self.findings, *self._find_passes()]
        return Record(
            url=url,
            profile=profile,
            seed=0,
            wires=tuple(wire for wire in WIRES if any(told.wire == wire for told in findings)),
            plan=Cost(),
            requests=self.requests,
            messages=self.messages,
            seconds=time.monotonic() - self.began,
            findings=tuple(findings),
            stopped=stopped or ("" if self.requests else "no request arrived"),
            side="both" if self.both else "client",
            sections=(*sections, *([self.coverage.build_section()] if self.requests else [])),
        )

    def _find_passes(self) -> list[Told]:
        """Return a finding for all that was looked at, and kept."""
        failed = {(f.requirement, f.wire) for f in self.findings}
        kept = [(number, wire, side) for number, wire, side in self.passed]
        kept += [(*occasion, "request") for occasion in self.memory.occasions]
        order = list(read_requirements())
        found = [
            Told(number, wire, f"every {side}", Verdict.PASS)
            for number, wire, side in dict.fromkeys(kept)
            if (number, wire) not in failed
        ]
        return sorted(found, key=lambda told: order.index(told.requirement))


def build_remark(paper: Paper, mask: ClientMask, remark: Remark, wire: str) -> Told:
    """Return what is said of a reply as it may be printed."""
    level = read_requirements()[remark.requirement].level
    return Told(
        remark.requirement,
        wire,
        f"reply {paper.heard.number}",
        Verdict.FAIL if level == "MUST" else Verdict.WARN,
        f"the reply to request {paper.heard.number}",
        remark.expected,
        mask.hide_words(remark.got),
        evidence=show(paper, mask),
    )


def count_destinations(paper: Paper) -> int:
    """Return how many messages a request brings."""
    messages = find_entries(paper.node, "messages")
    return sum(len(list(find_entries(message, "destinations"))) for _, message in messages)
