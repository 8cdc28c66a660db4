"""Questions to the server that change nothing but what it has returned already: reports, logs, preview."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
import click
from infobip_sms_schema import GetLogsParameters

from infobip_sms import (
    GeneralStatus,
    InvalidResponseError,
    LanguageCode,
    Preview,
    PreviewConfiguration,
    PreviewLanguage,
    PreviewResponse,
    Transliteration,
    TransportError,
    count_segments,
    transliterate,
)
from infobip_sms.cli.base.framework import Command, UnavailableError
from infobip_sms.cli.base.input import read_text
from infobip_sms.cli.base.message_options import LANGUAGE, MESSAGE, TRANSLITERATION
from infobip_sms.cli.base.output import (
    LOG_COLUMNS,
    REPORT_COLUMNS,
    clean,
    format_log_row,
    format_report_row,
    print_model,
    print_note,
    print_report,
    print_table,
)
from infobip_sms.cli.base.param_types import (
    InstantParam,
    SecondsParam,
    build_choice,
    describe_constraint,
    to_enum,
)
from infobip_sms.cli.base.server_options import option, with_client_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms import Client, DeliveryReport, DeliveryReports, SmsLogs
    from infobip_sms.cli.base.server_options import ClientOptions

FILTERS = "Filters"
LIMIT_HELP = f"Maximum number: {describe_constraint(GetLogsParameters, 'limit')}."
_LIMIT: Any = attrs.fields(GetLogsParameters).limit
_MAX_LIMIT: int = _LIMIT.validator.maximum
_DEFAULT_LIMIT = 50  # DLR-008, LOG-003: in words only, so the schema's data has no field for it
_MAX_LETTERS = 20  # letters in a note


@click.command("reports", cls=Command)
@option("--bulk-id", section=FILTERS, metavar="ID", help="Only reports of this request.")
@option("--message-id", section=FILTERS, metavar="ID", help="Only reports of this message.")
@option(
    "--limit",
    section=FILTERS,
    type=int,
    metavar="N",
    help=LIMIT_HELP,
)
@option("--follow", section=FILTERS, is_flag=True, help="Keep fetching until interrupted.")
@option(
    "--interval",
    section=FILTERS,
    type=SecondsParam(),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="Seconds between two requests.",
)
@with_client_options
def reports(
    settings: ClientOptions, *, follow: bool, interval: float, **filters: Any
) -> int | None:
    """Fetch delivery reports.

    The server returns each report only once: keep the output. With --follow --json,
    each report is a line of its own.
    """
    with settings.open_client() as client:
        if follow:
            for report in _follow(client, interval, filters):
                print_report(report, as_json=settings.as_json)
            return None
        found = client.fetch_delivery_reports(**filters)
    _note_unreadable(found)
    if settings.as_json:
        print_model(found)
        return None
    print_table(REPORT_COLUMNS, [format_report_row(report) for report in found.results])
    _note_limit(len(found.results), filters["limit"], "Run the command again for the next ones.")
    if not found.results:
        print_note("No new reports.")
    return None


def _note_unreadable(found: DeliveryReports | SmsLogs) -> None:
    for problem in found.unreadable:
        print_note(f"Skipped, because it cannot be read: {clean(problem)}")


def _follow(client: Client, interval: float, filters: dict[str, Any]) -> Iterator[DeliveryReport]:
    """Give reports as they come; once it has worked, a question that fails is asked again."""
    for number in count():
        try:
            found = client.fetch_delivery_reports(**filters)
            _note_unreadable(found)
            yield from found.results
        except (TransportError, InvalidResponseError) as problem:
            if number == 0:
                raise
            print_note(f"{type(problem).__name__}; asking again")
        time.sleep(interval)


@click.command("logs", cls=Command)
@option(
    "--from", "from_", section=FILTERS, metavar="SENDER", help="Only messages from this sender."
)
@option("--to", section=FILTERS, metavar="NUMBER", help="Only messages to this destination.")
@option(
    "--bulk-id",
    section=FILTERS,
    multiple=True,
    metavar="ID",
    help="Only messages of this request; may be repeated.",
)
@option(
    "--message-id",
    section=FILTERS,
    multiple=True,
    metavar="ID",
    help="Only this message; may be repeated.",
)
@option(
    "--status",
    "general_status",
    section=FILTERS,
    type=build_choice(GeneralStatus),
    metavar="GROUP",
    help=f"Only messages in this state: {', '.join(GeneralStatus)}.",
)
@option(
    "--since",
    "sent_since",
    section=FILTERS,
    type=InstantParam(),
    metavar="TIME",
    help="Sent at this time or later.",
)
@option(
    "--until",
    "sent_until",
    section=FILTERS,
    type=InstantParam(),
    metavar="TIME",
    help="Sent before this time.",
)
@option(
    "--limit",
    section=FILTERS,
    type=int,
    metavar="N",
    help=LIMIT_HELP,
)
@option("--mcc", section=FILTERS, metavar="DIGITS", help="Mobile country code.")
@option("--mnc", section=FILTERS, metavar="DIGITS", help="Mobile network code; with --mcc.")
@with_client_options
def logs(settings: ClientOptions, *, general_status: str | None, **filters: Any) -> None:
    """Look up messages of the last 48 hours."""
    with settings.open_client() as client:
        status = to_enum(GeneralStatus, general_status)
        found = client.get_logs(general_status=status, **filters)
    if settings.as_json:
        print_model(found)
        return
    _note_unreadable(found)
    print_table(LOG_COLUMNS, [format_log_row(log) for log in found.results])
    _note_limit(len(found.results), filters["limit"], "Narrow it down with --since and --until.")
    if not found.results:
        print_note("No messages.")


@click.command("preview", cls=Command)
@click.argument("text", required=False)
@LANGUAGE
@TRANSLITERATION
@option("--offline", section=MESSAGE, is_flag=True, help="Count locally, without a request.")
@with_client_options
def preview(
    settings: ClientOptions,
    *,
    text: str | None,
    language: str | None,
    transliteration: str | None,
    offline: bool,
) -> None:
    """Count the segments of a text. Sends nothing.

    TEXT is the text itself, or - for standard input. The first row is the text as it is;
    the next ones show it with --language and --transliteration.
    """
    text = read_text(text)
    code = to_enum(LanguageCode, language)
    script = to_enum(Transliteration, transliteration)
    if offline:
        found = _preview_offline(text, code, script)
    else:
        with settings.open_client() as client:
            found = client.preview(text, language_code=code, transliteration=script)
    if settings.as_json:
        print_model(found)
        return
    print_table(
        ("Segments", "Left", "Language", "Transliteration", "Text"),
        [_format_preview_row(entry) for entry in found.previews],
    )


@click.command("conversion", cls=Command)
@click.argument("message_id")
@with_client_options
def conversion(settings: ClientOptions, *, message_id: str) -> None:
    """Record a conversion of a tracked message.

    The recipient did what the message asked for, such as entering a PIN.
    """
    with settings.open_client() as client:
        found = client.record_conversion(message_id)
    if settings.as_json:
        print_model(found)
    else:
        print_table(("Process",), [(found.process_key or "counted",)])


def _note_limit(count: int, limit: int | None, remedy: str) -> None:
    """Say that there may be more, if as many came as were asked for, or as come by default."""
    if count == (limit or _DEFAULT_LIMIT):
        given = f"--limit {count}" if limit else f"{count}, the default limit"
        print_note(f"Showing {given}: there may be more. {remedy} --limit goes up to {_MAX_LIMIT}.")


def _preview_offline(
    text: str, code: LanguageCode | None, script: Transliteration | None
) -> PreviewResponse:
    """Return what the server is expected to say: the text as it is, then as configured."""
    previews = [_preview_text(text, None, None)]
    shown = text
    if code:
        previews.append(_preview_text(text, code, None))
    if script:
        try:
            rewritten = transliterate(text, script)
        except ModuleNotFoundError as missing:
            raise UnavailableError(str(missing)) from None
        if rewritten.estimate:
            print_note("The rewritten text is an estimate: the vendor shows no table of letters.")
        shown = rewritten.text
        previews.append(_preview_text(shown, code, script))
    if letters := count_segments(shown, code).unicode_characters:
        print_note(f"Sent as Unicode because of: {clean(' '.join(letters[:_MAX_LETTERS]))}")
    return PreviewResponse(original_text=text, previews=previews)


def _preview_text(text: str, code: LanguageCode | None, script: Transliteration | None) -> Preview:
    counted = count_segments(text, code)
    return Preview(
        text_preview=text,
        message_count=counted.segments,
        characters_remaining=counted.remaining,
        configuration=PreviewConfiguration(
            language=PreviewLanguage(language_code=code) if code else None, transliteration=script
        ),
    )


def _format_preview_row(entry: Preview) -> tuple[object, ...]:
    configuration = entry.configuration
    language = configuration.language if configuration else None
    return (
        entry.message_count,
        entry.characters_remaining,
        language.language_code if language else None,
        configuration.transliteration if configuration else None,
        entry.text_preview,
    )
