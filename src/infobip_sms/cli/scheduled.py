"""Bulks that are to be sent later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infobip_sms import BulkStatus
from infobip_sms.cli.base.framework import Group
from infobip_sms.cli.base.output import format_instant, print_model, print_table
from infobip_sms.cli.base.param_types import InstantParam
from infobip_sms.cli.base.server_options import with_client_options

if TYPE_CHECKING:
    import datetime as dt

    from infobip_sms import BulkResponse, BulkStatusResponse
    from infobip_sms.cli.base.server_options import ClientOptions


@click.group("scheduled", cls=Group)
def scheduled() -> None:
    """Manage scheduled messages.

    BULK_ID is the bulk ID of the request.
    """


@scheduled.command()
@click.argument("bulk_id")
@with_client_options
def show(settings: ClientOptions, *, bulk_id: str) -> None:
    """Show when a bulk will be sent."""
    with settings.open_client() as client:
        _print_bulk(settings, client.get_scheduled(bulk_id))


@scheduled.command()
@click.argument("bulk_id")
@click.argument("send_at", type=InstantParam(), metavar="TIME")
@with_client_options
def move(settings: ClientOptions, *, bulk_id: str, send_at: dt.datetime) -> None:
    """Reschedule a bulk to TIME, such as 2026-07-07T17:00:00+02:00."""
    with settings.open_client() as client:
        _print_bulk(settings, client.reschedule(bulk_id, send_at))


@scheduled.command()
@click.argument("bulk_id")
@with_client_options
def status(settings: ClientOptions, *, bulk_id: str) -> None:
    """Show the status of a bulk."""
    with settings.open_client() as client:
        _print_bulk(settings, client.get_scheduled_status(bulk_id))


@scheduled.command()
@click.argument("bulk_id")
@with_client_options
def pause(settings: ClientOptions, *, bulk_id: str) -> None:
    """Pause a bulk until it is resumed."""
    _set_status(settings, bulk_id, BulkStatus.PAUSED)


@scheduled.command()
@click.argument("bulk_id")
@with_client_options
def resume(settings: ClientOptions, *, bulk_id: str) -> None:
    """Resume a paused bulk."""
    _set_status(settings, bulk_id, BulkStatus.PENDING)


@scheduled.command()
@click.argument("bulk_id")
@with_client_options
def cancel(settings: ClientOptions, *, bulk_id: str) -> None:
    """Cancel a bulk permanently."""
    _set_status(settings, bulk_id, BulkStatus.CANCELED)


def _set_status(settings: ClientOptions, bulk_id: str, status: BulkStatus) -> None:
    with settings.open_client() as client:
        _print_bulk(settings, client.set_scheduled_status(bulk_id, status))


def _print_bulk(settings: ClientOptions, response: BulkResponse | BulkStatusResponse) -> None:
    if settings.as_json:
        print_model(response)
        return
    instant = getattr(response, "send_at", None)
    row = (response.bulk_id, format_instant(instant), getattr(response, "status", None))
    print_table(("Bulk", "To be sent", "Status"), [row])
