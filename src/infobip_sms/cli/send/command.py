"""``send``: one message, a whole document, or one message for each row of a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from infobip_sms import InvalidRequestError
from infobip_sms.cli.base.error_messages import format_violations
from infobip_sms.cli.base.framework import EXIT_OK, EXIT_REJECTED, Command, InvalidInputError
from infobip_sms.cli.base.input import detect_wire, parse_document, read_bytes, read_text
from infobip_sms.cli.base.message_options import MESSAGE, with_message_options
from infobip_sms.cli.base.output import clean, print_model, print_note, print_table
from infobip_sms.cli.base.param_types import DecimalParam, DelimiterParam, SecondsParam
from infobip_sms.cli.base.server_options import option, with_client_options

from .check import CheckOptions, build_international
from .confirm import confirm, estimate_send
from .csv_rows import Mailing, parse_template
from .csv_table import decode_csv, parse_csv
from .mailing import MailingOptions, send_mailing
from .phone_cells import mend_number
from .stop_list import read_stop_list

if TYPE_CHECKING:
    from decimal import Decimal

    from infobip_sms import SmsRequest, SmsResponse, SmsResponseDetails
    from infobip_sms.cli.base.message_options import MessageOptions
    from infobip_sms.cli.base.server_options import ClientOptions
    from infobip_sms.codecs import Wire

MANY, CHECKS, WHOLE = "Many messages", "Checks before sending", "Whole requests"
EXAMPLES = """\
Examples:
  infobip-sms send --from InfoSMS --to 41793026727 "Your table is ready."
  date | infobip-sms send --from InfoSMS --to 41793026727 -
  infobip-sms send --from InfoSMS --csv guests.csv --template "Dear {name}, ..."
"""


@attrs.frozen(kw_only=True)
class SendOptions:
    """What the options of ``send`` alone say."""

    text: str | None
    text_option: str | None
    to: tuple[str, ...]
    message_id: tuple[str, ...]
    csv: str | None
    template: str | None
    delimiter: str | None
    encoding: str | None
    resume: str | None
    document: str | None
    chunk: int
    concurrency: int
    per_second: float | None
    skip: Path | None
    check: bool
    details: Path | None
    region: str | None
    prices: Path | None
    max_messages: int | None
    max_segments: int | None
    max_cost: Decimal | None
    dedupe: bool
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
    help="Destination in international format, with or without blanks; may be repeated.",
)
@option(
    "--text",
    "text_option",
    section=MESSAGE,
    metavar="TEXT",
    help="The text, as an option.",
)
@option(
    "--message-id",
    multiple=True,
    section=MESSAGE,
    metavar="ID",
    help="Your own message ID; one for each --to.",
)
@with_message_options
@option("--csv", section=MANY, metavar="FILE", help="One message for each row; - for stdin.")
@option(
    "--template", section=MANY, metavar="TEXT", help="The text, with columns: 'Dear {name}, ...'."
)
@option(
    "--delimiter",
    section=MANY,
    type=DelimiterParam(),
    metavar="CHAR",
    help="What separates the cells of --csv; tab for a tab (default: found in the first row).",
)
@option(
    "--encoding",
    section=MANY,
    metavar="NAME",
    help="Encoding of --csv, such as cp1252 (default: UTF-8, or UTF-16 with a byte order mark).",
)
@option(
    "--resume",
    section=MANY,
    metavar="FILE",
    help="Record progress in FILE. Rerun the same command to continue; no message is sent twice.",
)
@option(
    "--chunk",
    section=MANY,
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Destinations per request.",
)
@option(
    "--concurrency",
    section=MANY,
    type=click.IntRange(1),
    default=4,
    show_default=True,
    metavar="N",
    help="Concurrent requests.",
)
@option(
    "--per-second",
    section=MANY,
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Destinations per second, evenly spaced, over all --concurrency; slower after a 429 (default: as"
    " many as the server accepts).",
)
@option(
    "--skip",
    section=MANY,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Never send to the numbers in FILE: the column to, or the first cell of each row; in any spelling"
    " that --csv takes.",
)
@option("--dedupe", section=MANY, is_flag=True, help="Send once to each number: to its first row.")
@option(
    "--patience",
    section=MANY,
    type=SecondsParam(),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Seconds to keep trying while the server is unreachable or busy.",
)
@option(
    "--on-unknown",
    section=MANY,
    type=click.Choice(["reconcile", "report", "resend", "stop"]),
    default="reconcile",
    show_default=True,
    metavar="WHAT",
    help="What to do when it is unknown whether a request arrived: reconcile (look its messages up in the"
    " server's logs), resend (and send again what the logs do not have), report (leave it), stop"
    " (leave it, and send no more).",
)
@option(
    "--check",
    section=CHECKS,
    is_flag=True,
    help="Send nothing: check the numbers, and count segments and cost by country. Exit code 1 for warnings"
    " (duplicates, landlines, suppressed), 3 for rows that cannot be sent and numbers that reach nobody.",
)
@option(
    "--details",
    section=CHECKS,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --check: write a row for each destination to FILE, as CSV.",
)
@option(
    "--region",
    section=CHECKS,
    metavar="CODE",
    help="Country of the numbers that begin with 0, such as CH.",
)
@option(
    "--prices",
    section=CHECKS,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="CSV with the columns country and price: price of a segment; * for all other countries.",
)
@option(
    "--max-messages",
    section=CHECKS,
    type=click.IntRange(0),
    metavar="N",
    help="Send nothing if there are more messages.",
)
@option(
    "--max-segments",
    section=CHECKS,
    type=click.IntRange(0),
    metavar="N",
    help="Send nothing if there are more segments.",
)
@option(
    "--max-cost",
    section=CHECKS,
    type=DecimalParam(),
    metavar="AMOUNT",
    help="Send nothing if it costs more; needs --prices.",
)
@option(
    "--request",
    "document",
    section=WHOLE,
    metavar="FILE",
    help="Send this JSON or XML request; - for stdin.",
)
@click.option(
    "--yes", is_flag=True, help="Send without asking for confirmation. Use it in scripts."
)
@with_client_options
def send(settings: ClientOptions, *, draft: MessageOptions, **given: object) -> int:
    """Send SMS.

    One TEXT, a whole request, or a message for each row of a CSV file.

    TEXT is the text itself, or - for standard input. The first row of a CSV file names its columns:
    to; optionally from, text and message_id; any others for the template. All rows are checked
    before the first is sent.

    Asks for confirmation before sending more than one message, unless the server is on this machine.
    Use --yes in scripts.
    """
    wishes = SendOptions(**given)  # type: ignore[arg-type]  # the options above
    if wishes.csv is not None:
        return _send_rows(settings, draft, wishes)
    _require_unset(
        "only --csv has",
        template=wishes.template,
        resume=wishes.resume,
        delimiter=wishes.delimiter,
        encoding=wishes.encoding,
        per_second=wishes.per_second,
        skip=wishes.skip,
        dedupe=wishes.dedupe,
        check=wishes.check,
        details=wishes.details,
        region=wishes.region,
        prices=wishes.prices,
        max_messages=wishes.max_messages,
        max_segments=wishes.max_segments,
        max_cost=wishes.max_cost,
    )
    if wishes.document is not None:
        return _send_document(settings, draft, wishes)
    return _send_message(settings, draft, wishes)


def _send_message(
    settings: ClientOptions, message_options: MessageOptions, options: SendOptions
) -> int:
    if options.text is not None and options.text_option is not None:
        raise click.UsageError("There are two texts: TEXT and --text.")
    if not options.to:
        raise click.UsageError("There is no destination: give --to NUMBER.")
    if options.message_id and len(options.message_id) != len(options.to):
        raise click.UsageError("Give --message-id once for each --to, or not at all.")
    text = read_text(options.text if options.text_option is None else options.text_option)
    names = options.message_id or (None,) * len(options.to)
    request = message_options.build_request(
        list(zip(map(mend_number, options.to), names, strict=True)), text
    )
    held = request.messages[0].effective_validity_period
    if held != message_options.validity:
        print_note(f"The platform shortens --validity to {held} minutes.")
    return _send(settings, request, options)


def _send_document(
    settings: ClientOptions, message_options: MessageOptions, options: SendOptions
) -> int:
    given = {"text": options.text or options.text_option, "to": options.to}
    _require_unset("--request has its own", **given, message_id=options.message_id)
    if not message_options.is_empty:
        raise click.UsageError("--request has all that is sent; leave the message's options out.")
    name = options.document or ""
    body = read_bytes(name)
    wire = detect_wire(body)
    try:
        request = parse_document(body, wire)
    except InvalidRequestError as problem:
        lines = "".join(f"\n  {line}" for line in format_violations(problem, by_flag=False))
        raise InvalidInputError(f"invalid request in {name}:{lines}") from None
    return _send(settings, request, options, wire)


def _send_rows(
    settings: ClientOptions, message_options: MessageOptions, options: SendOptions
) -> int:
    _require_unset("the rows of --csv have", to=options.to, message_id=options.message_id)
    _require_unset("a mailing is many requests, so it has no", bulk_id=message_options.bulk_id)
    _require_unset("--csv excludes", request=options.document)
    if options.details and not options.check:
        raise click.UsageError("--details is for --check.")
    _require_unset("write --template with --csv, not", text=options.text or options.text_option)
    message_options.build_request(
        [("0", None)], ""
    )  # what is wrong with the options is no row's fault
    name = options.csv or ""
    sheet = parse_csv(
        decode_csv(read_bytes(name), "The CSV" if name == "-" else name, options.encoding),
        options.delimiter,
    )
    if options.template is None and "text" not in {column.lower() for column in sheet.columns}:
        raise click.UsageError("There is no text: give --template, or a column named text.")
    template = parse_template(options.template, sheet) if options.template else None
    to_international = build_international(options.region) if options.region else mend_number
    mailing = Mailing(sheet, template, message_options, to_international)
    skip = read_stop_list(options.skip, to_international) if options.skip else None
    pace = MailingOptions(
        chunk=options.chunk,
        concurrency=options.concurrency,
        patience=options.patience,
        per_second=options.per_second,
        skip=skip,
        dedupe="number" if options.dedupe else None,
        on_unknown=options.on_unknown,
        journal=options.resume,
    )
    names = [field.name for field in attrs.fields(CheckOptions)]
    checks = CheckOptions(**{name: getattr(options, name) for name in names} | {"skip": skip})
    return send_mailing(settings, mailing, pace, checks, yes=options.yes)


def _send(
    settings: ClientOptions, request: SmsRequest, options: SendOptions, wire: Wire = "json"
) -> int:
    if not settings.dry_run:
        confirm(settings.base_url, estimate_send(request.messages), yes=options.yes)
    with settings.open_client(wire) as client:
        response = client.send(request)
    if settings.as_json:
        print_model(response)
    else:
        _print_response(response)
    return EXIT_REJECTED if any(map(_is_rejected, response.messages)) else EXIT_OK


def _print_response(response: SmsResponse) -> None:
    rows = [
        (entry.to, entry.status.name, entry.status.action, entry.message_id)
        for entry in response.messages
    ]
    print_table(("To", "Status", "What to do", "Message"), rows)
    if response.bulk_id:
        print_note(f"Bulk: {clean(response.bulk_id)}")
    if response.tracking_process_key:
        print_note(f"Tracking process: {clean(response.tracking_process_key)}")


def _is_rejected(entry: SmsResponseDetails) -> bool:
    return entry.status.group_name == "REJECTED"


def _require_unset(reason: str, **options: object) -> None:
    for name, value in options.items():
        if value:
            flag = "TEXT or --text" if name == "text" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{reason} {flag}.".capitalize())
