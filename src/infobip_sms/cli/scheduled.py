"""Bulks that are to be sent later.

Lives here: ``scheduled`` and its commands.
Never here: which change of state a server allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infobip_sms import BulkStatus
from infobip_sms.cli.base.framework import Group
from infobip_sms.cli.base.output import show_instant, write_model, write_table
from infobip_sms.cli.base.param_types import Instant
from infobip_sms.cli.base.server_options import takes_server

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms import BulkResponse, BulkStatusResponse
    from infobip_sms.cli.base.server_options import Settings


@click.group("scheduled", cls=Group)
def scheduled() -> None:
    """See or change a bulk that is sent later.

    BULK_ID is the name that the request was sent with.
    """


@scheduled.command()
@click.argument("bulk_id")
@takes_server
def show(settings: Settings, *, bulk_id: str) -> None:
    """See when it is to be sent."""
    with settings.open_client() as client:
        _write(settings, client.get_scheduled(bulk_id))


@scheduled.command()
@click.argument("bulk_id")
@click.argument("send_at", type=Instant(), metavar="TIME")
@takes_server
def move(settings: Settings, *, bulk_id: str, send_at: dt.datetime) -> None:
    """Send it at another TIME, such as 2026-07-07T17:00:00+02:00."""
    with settings.open_client() as client:
        _write(settings, client.reschedule(bulk_id, send_at))


@scheduled.command()
@click.argument("bulk_id")
@takes_server
def status(settings: Settings, *, bulk_id: str) -> None:
    """See what state it is in."""
    with settings.open_client() as client:
        _write(settings, client.get_scheduled_status(bulk_id))


@scheduled.command()
@click.argument("bulk_id")
@takes_server
def pause(settings: Settings, *, bulk_id: str) -> None:
    """Do not send it until it is resumed."""
    _set_status(settings, bulk_id, BulkStatus.PAUSED)


@scheduled.command()
@click.argument("bulk_id")
@takes_server
def resume(settings: Settings, *, bulk_id: str) -> None:
    """Send it after all."""
    _set_status(settings, bulk_id, BulkStatus.PENDING)


@scheduled.command()
@click.argument("bulk_id")
@takes_server
def cancel(settings: Settings, *, bulk_id: str) -> None:
    """Never send it."""
    _set_status(settings, bulk_id, BulkStatus.CANCELED)


def _set_status(settings: Settings, bulk_id: str, wanted: BulkStatus) -> None:
    with settings.open_client() as client:
        _write(settings, client.set_scheduled_status(bulk_id, wanted))


def _write(settings: Settings, answer: BulkResponse | BulkStatusResponse) -> None:
    if settings.as_json:
        write_model(answer)
        return
    instant = getattr(answer, "send_at", None)
    row = (answer.bulk_id, show_instant(instant), getattr(answer, "status", None))
    write_table(("Bulk", "To be sent", "Status"), [row])
