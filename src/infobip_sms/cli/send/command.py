"""``send``: one message, a whole document, or one message for each row of a CSV file.

Lives here: its options, and which of the three ways they mean.
Never here: how a message is made (message.py, spreadsheet.py), how many are sent (bulk.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import click

from infobip_sms import InvalidRequestError
from infobip_sms.cli.base.error_messages import list_violations
from infobip_sms.cli.base.framework import DONE, REFUSED, Command, WrongInput
from infobip_sms.cli.base.input import decode, find_format, parse_document, read_bytes, read_text
from infobip_sms.cli.base.message_options import MESSAGE, takes_draft
from infobip_sms.cli.base.output import write_model, write_note, write_table
from infobip_sms.cli.base.param_types import Seconds
from infobip_sms.cli.base.server_options import option, takes_server

from .confirm import confirm, count_cost
from .csv_rows import Mailing, parse_sheet, parse_template
from .mailing import Pace, send_mailing

if TYPE_CHECKING:
    from infobip_sms import SmsRequest, SmsResponse, SmsResponseDetails
    from infobip_sms.cli.base.message_options import Draft
    from infobip_sms.cli.base.server_options import Settings
    from infobip_sms.codecs import Wire

MANY, WHOLE = "Many messages", "Whole requests"
EXAMPLES = """\
Examples:
  infobip-sms send --from InfoSMS --to 41793026727 "Your table is ready."
  date | infobip-sms send --from InfoSMS --to 41793026727 -
  infobip-sms send --from InfoSMS --csv guests.csv --template "Dear {name}, ..."
"""


@attrs.frozen(kw_only=True)
class Wishes:
    """What the options of ``send`` alone say."""

    text: str | None
    text_option: str | None
    to: tuple[str, ...]
    message_id: tuple[str, ...]
    csv: str | None
    template: str | None
    resume: str | None
    document: str | None
    chunk: int
    concurrency: int
    patience: float
    on_unknown: str
    yes: bool


@click.command("send", cls=Command, no_args_is_help=True, epilog=EXAMPLES)
@click.argument("text", required=False)
@option(
    "--to",
    multiple=True,
    section=MESSAGE,
    metavar="NUMBER",
    help="Destination in international format; may be repeated.",
)
@option(
    "--text",
    "text_option",
    section=MESSAGE,
    metavar="TEXT",
    help="The text, by name instead of place.",
)
@option(
    "--message-id",
    multiple=True,
    section=MESSAGE,
    metavar="ID",
    help="Your name for the message; one for each --to.",
)
@takes_draft
@option("--csv", section=MANY, metavar="FILE", help="One message for each row; - for stdin.")
@option(
    "--template", section=MANY, metavar="TEXT", help="The text, with columns: 'Dear {name}, ...'."
)
@option(
    "--resume",
    section=MANY,
    metavar="FILE",
    help="Journal, made if it is missing. Run the same command again after any interruption:"
    " nobody is sent to twice, nobody is forgotten.",
)
@option(
    "--chunk",
    section=MANY,
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Destinations in one request.",
)
@option(
    "--concurrency",
    section=MANY,
    type=click.IntRange(1),
    default=4,
    show_default=True,
    metavar="N",
    help="Requests at the same time.",
)
@option(
    "--patience",
    section=MANY,
    type=Seconds(),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on trying while the server is away or busy.",
)
@option(
    "--on-unknown",
    section=MANY,
    type=click.Choice(["reconcile", "report", "resend", "stop"]),
    default="reconcile",
    show_default=True,
    metavar="WHAT",
    help="When nobody can tell whether a request arrived: reconcile (look its messages up in the"
    " server's logs), resend (and send again what the logs do not have), report (leave it), stop"
    " (leave it, and send no more).",
)
@option(
    "--request",
    "document",
    section=WHOLE,
    metavar="FILE",
    help="Send this JSON or XML request; - for stdin.",
)
@click.option("--yes", is_flag=True, help="Send to many destinations without asking.")
@takes_server
def send(settings: Settings, *, draft: Draft, **given: object) -> int:
    """Send SMS.

    One TEXT, a whole request, or a message for each row of a CSV file.

    TEXT is the text itself, or - for standard input. The first row of a CSV file names its columns:
    to; from, text and message_id if you like; any others for the template. All rows are checked
    before the first is sent.

    Before more than one message leaves this machine you are asked; where nobody can be asked, --yes
    is needed.
    """
    wishes = Wishes(**given)  # type: ignore[arg-type]  # the options above
    if wishes.csv is not None:
        return _send_rows(settings, draft, wishes)
    _forbid("only --csv has", template=wishes.template, resume=wishes.resume)
    if wishes.document is not None:
        return _send_document(settings, draft, wishes)
    return _send_message(settings, draft, wishes)


def _send_message(settings: Settings, draft: Draft, wishes: Wishes) -> int:
    if wishes.text is not None and wishes.text_option is not None:
        raise click.UsageError("There are two texts: TEXT and --text.")
    if not wishes.to:
        raise click.UsageError("There is no destination: give --to NUMBER.")
    if wishes.message_id and len(wishes.message_id) != len(wishes.to):
        raise click.UsageError("Give --message-id once for each --to, or not at all.")
    text = read_text(wishes.text if wishes.text_option is None else wishes.text_option)
    names = wishes.message_id or (None,) * len(wishes.to)
    request = draft.build_request(list(zip(wishes.to, names, strict=True)), text)
    held = request.messages[0].effective_validity_period
    if held != draft.validity:
        write_note(f"The platform shortens --validity to {held} minutes.")
    return _send(settings, request, wishes)


def _send_document(settings: Settings, draft: Draft, wishes: Wishes) -> int:
    given = {"text": wishes.text or wishes.text_option, "to": wishes.to}
    _forbid("--request has its own", **given, message_id=wishes.message_id)
    if not draft.is_empty:
        raise click.UsageError("--request has all that is sent; leave the message's options out.")
    name = wishes.document or ""
    body = read_bytes(name)
    wire = find_format(body)
    try:
        request = parse_document(body, wire)
    except InvalidRequestError as problem:
        lines = "".join(f"\n  {line}" for line in list_violations(problem, by_flag=False))
        raise WrongInput(f"{name} is no request that may be sent:{lines}") from None
    return _send(settings, request, wishes, wire)


def _send_rows(settings: Settings, draft: Draft, wishes: Wishes) -> int:
    _forbid("the rows of --csv have", to=wishes.to, message_id=wishes.message_id)
    _forbid("a mailing is many requests, so it has no", bulk_id=draft.bulk_id)
    _forbid("--csv excludes", request=wishes.document)
    _forbid("write --template with --csv, not", text=wishes.text or wishes.text_option)
    draft.build_request([("0", None)], "")  # what is wrong with the options is no row's fault
    name = wishes.csv or ""
    sheet = parse_sheet(decode(read_bytes(name), name))
    if wishes.template is None and "text" not in {column.lower() for column in sheet.columns}:
        raise click.UsageError("There is no text: give --template, or a column named text.")
    template = parse_template(wishes.template, sheet.columns) if wishes.template else None
    mailing = Mailing(sheet, template, draft)
    pace = Pace(
        chunk=wishes.chunk,
        concurrency=wishes.concurrency,
        patience=wishes.patience,
        on_unknown=wishes.on_unknown,
        journal=wishes.resume,
    )
    return send_mailing(settings, mailing, pace, yes=wishes.yes)


def _send(settings: Settings, request: SmsRequest, wishes: Wishes, wire: Wire = "json") -> int:
    if not settings.dry_run:
        confirm(settings.base_url, count_cost(request.messages), yes=wishes.yes)
    with settings.open_client(wire) as client:
        response = client.send(request)
    if settings.as_json:
        write_model(response)
    else:
        _show(response)
    return REFUSED if any(map(_is_refused, response.messages)) else DONE


def _show(response: SmsResponse) -> None:
    rows = [
        (entry.to, entry.status.name, entry.status.action, entry.message_id)
        for entry in response.messages
    ]
    write_table(("To", "Status", "What to do", "Message"), rows)
    if response.bulk_id:
        write_note(f"Bulk: {response.bulk_id}")
    if response.tracking_process_key:
        write_note(f"Tracking process: {response.tracking_process_key}")


def _is_refused(entry: SmsResponseDetails) -> bool:
    return entry.status.group_name == "REJECTED"


def _forbid(reason: str, **options: object) -> None:
    for name, value in options.items():
        if value:
            flag = "TEXT or --text" if name == "text" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{reason} {flag}.".capitalize())
