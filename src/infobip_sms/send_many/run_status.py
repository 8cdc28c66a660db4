"""What happened to each message of a run: its journal joined with the delivery reports, by messageId."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs
from infobip_sms_schema import GeneralStatus

from infobip_sms import sqlite_file

from .journal import Journal, JournalError
from .report_store import ReportStore, ReportStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms_schema import DeliveryReport

    from infobip_sms.errors import Error

    from .journal_file import JournalRecord

DeliveryState = Literal[
    "delivered",
    "undeliverable",
    "expired",
    "rejected",
    "pending",
    "unreported",
    "unknown",
    "unsent",
    "suppressed",
]
_STATES: dict[str, DeliveryState] = {
    GeneralStatus.DELIVERED: "delivered",
    GeneralStatus.UNDELIVERABLE: "undeliverable",
    GeneralStatus.EXPIRED: "expired",
    GeneralStatus.REJECTED: "rejected",
}
_FAILED = ("undeliverable", "expired", "rejected")


@attrs.frozen(kw_only=True)
class RunRow:
    """What is known of one destination of a run.

    index: Its place in the input, from 0, counting destinations.
    message_id: Its messageId; None if the input gave it and no report has it: a journal has
        only a digest of it.
    state: ``delivered``, ``undeliverable``, ``expired`` or ``rejected`` by its report;
        ``pending`` if only an intermediate report came, ``unreported`` if it was accepted and
        no report came; or ``rejected``, ``unknown``, ``unsent`` or ``suppressed`` by the
        journal.
    reason: Why: the name of the error or of the status in its report, or the journal's words.
    report: Its final report, or the latest one; None if there is none.
    accepted: Whether the server accepted it.
    """

    index: int
    message_id: str | None
    state: DeliveryState
    reason: str
    report: DeliveryReport | None
    accepted: bool

    @property
    def may_be_repeated(self) -> bool:
        """Whether a second run may help: it was not delivered, and its error is not permanent."""
        error = self.report.error if self.report else None
        return self.state in {"undeliverable", "expired"} and not (error and error.permanent)


@attrs.frozen
class RunStatus:
    """Counts of a run; iterating it reads the files again, and yields a RunRow for each destination.

    journal: What ``send_many`` wrote.
    reports: What ``listen --store`` or a ReportStore wrote.
    accepted: Destinations that the server accepted.
    counts: Destinations in each state; together all that the journal has.
    reasons: How many are undeliverable, expired or rejected, for each reason.
    """

    journal: Path
    reports: Path
    accepted: int
    counts: dict[DeliveryState, int]
    reasons: dict[tuple[DeliveryState, str], int]

    def __iter__(self) -> Iterator[RunRow]:
        return _read_rows(self.journal, self.reports)


def read_run_status(journal: str | Path, reports: str | Path) -> RunStatus:
    """Join the journal of a run with the file of its delivery reports, by messageId.

    journal: the file that ``send_many`` wrote; no run may be using it.
    reports: the file of a ReportStore, which may be in use.

    Files that cannot be written are read from a copy in a temporary folder of the system.

    Raises JournalError or ReportStoreError. A journal has no phone number and no text: ``row.index``
    leads to the input, and ``row.report.to`` is the number in the report. A messageId of the input is
    found by its digest; journals of older versions have none, and such rows are ``unreported``.
    """
    states: Counter[DeliveryState] = Counter()
    reasons: Counter[tuple[DeliveryState, str]] = Counter()
    accepted = 0
    for row in _read_rows(Path(journal), Path(reports)):
        states[row.state] += 1
        accepted += row.accepted
        if row.state in _FAILED:
            reasons[row.state, row.reason] += 1
    counts = {state: states[state] for state in DeliveryState.__args__}  # type: ignore[attr-defined]  # a Literal
    return RunStatus(Path(journal), Path(reports), accepted, counts, dict(reasons.most_common()))


def _read_rows(journal: Path, reports: Path) -> Iterator[RunRow]:
    with (
        _open_to_read(reports, "report file", ReportStoreError) as name,
        ReportStore(name, create=False) as store,
    ):
        if not journal.exists():
            raise JournalError(f"journal {journal.name}: the file does not exist")
        with _open_to_read(journal, "journal", JournalError) as own:
            yield from _join(Journal(own), store)


@contextmanager
def _open_to_read(path: Path, kind: str, error: type[Error]) -> Iterator[Path]:
    """Yield the name under which a file can be read that perhaps cannot be written."""
    try:
        with sqlite_file.open_to_read(path) as name:
            yield name
    except OSError as problem:
        raise error(f"{kind} {path.name}: it cannot be read: {problem.strerror}") from None


def _join(run: Journal, store: ReportStore) -> Iterator[RunRow]:
    try:
        named: dict[bytes, str] | None = None
        for index, digest, record in run.read_rows():
            if digest and named is None:
                ids = run.message_ids
                named = {ids.build_id_digest(name): name for name in store.read_message_ids()}
            name = (named or {}).get(digest) if digest else run.message_ids.build_id(index)
            yield _build_row(index, name, record, store.find_report(name) if name else None)
    finally:
        run.close()


def _build_row(
    index: int, name: str | None, record: JournalRecord, report: DeliveryReport | None
) -> RunRow:
    known = record.resolution
    state: DeliveryState
    if report is not None:
        status = report.status
        group = status.group_name if status and status.group_name else ""
        state, accepted = _STATES.get(group, "pending"), True
        error = report.error.name if report.error and report.error.id else None
        reason = error or (status.name if status else None) or ""
    elif known is None:
        state, accepted = ("unsent" if record.started_at is None else "unknown"), False
        reason = "no request with it left" if state == "unsent" else "the run ended first"
    else:
        accepted = known.state == "accepted"
        state = "unreported" if known.state == "accepted" else known.state
        reason = known.reason
    return RunRow(
        index=index, message_id=name, state=state, reason=reason, report=report, accepted=accepted
    )
