"""Questions to the server that change nothing but what it has told already: reports, logs, preview.

Lives here: ``reports``, ``logs``, ``preview``, ``conversion``.
Never here: how tables and JSON look (output.py).
"""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

import click
from infobip_sms_schema import GetLogsParameters

from infobip_sms import (
    GeneralStatus,
    InvalidResponseError,
    LanguageCode,
    NoAnswer,
    Preview,
    PreviewConfiguration,
    PreviewLanguage,
    PreviewResponse,
    Transliteration,
    count_segments,
    transliterate,
)
from infobip_sms.cli.base.framework import Command, CouldNot
from infobip_sms.cli.base.input import read_text
from infobip_sms.cli.base.message_options import LANGUAGE, MESSAGE, TRANSLITERATION
from infobip_sms.cli.base.output import (
    LOG_COLUMNS,
    REPORT_COLUMNS,
    clean,
    show_log,
    show_report,
    write_model,
    write_note,
    write_report,
    write_table,
)
from infobip_sms.cli.base.param_types import Instant, Seconds, choose, find_limit, find_member
from infobip_sms.cli.base.server_options import option, takes_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms import Client, DeliveryReport
    from infobip_sms.cli.base.server_options import Settings

WHICH = "Which"
MANY = f"At most so many: {find_limit(GetLogsParameters, 'limit')}."
_FEW = 20  # letters in a note


@click.command("reports", cls=Command)
@option("--bulk-id", section=WHICH, metavar="ID", help="Only reports of this request.")
@option("--message-id", section=WHICH, metavar="ID", help="Only reports of this message.")
@option(
    "--limit",
    section=WHICH,
    type=int,
    metavar="N",
    help=MANY,
)
@option("--follow", section=WHICH, is_flag=True, help="Ask again and again, until interrupted.")
@option(
    "--interval",
    section=WHICH,
    type=Seconds(),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="Time between two questions.",
)
@takes_server
def reports(settings: Settings, *, follow: bool, interval: float, **filters: Any) -> int | None:
    """Fetch delivery reports.

    The server gives each report once and never again: keep what is printed. With --follow --json,
    each report is a line of its own.
    """
    with settings.open_client() as client:
        if follow:
            for report in _follow(client, interval, filters):
                write_report(report, as_json=settings.as_json)
            return None
        found = client.fetch_delivery_reports(**filters)
    if settings.as_json:
        write_model(found)
        return None
    write_table(REPORT_COLUMNS, [show_report(report) for report in found.results])
    if not found.results:
        write_note("No new reports.")
    return None


def _follow(client: Client, interval: float, filters: dict[str, Any]) -> Iterator[DeliveryReport]:
    """Give reports as they come; once it has worked, a question that fails is asked again."""
    for number in count():
        try:
            yield from client.fetch_delivery_reports(**filters).results
        except (NoAnswer, InvalidResponseError) as problem:
            if number == 0:
                raise
            write_note(f"{type(problem).__name__}; asking again")
        time.sleep(interval)


@click.command("logs", cls=Command)
@option("--from", "from_", section=WHICH, metavar="SENDER", help="Only from this sender.")
@option("--to", section=WHICH, metavar="NUMBER", help="Only to this destination.")
@option(
    "--bulk-id",
    section=WHICH,
    multiple=True,
    metavar="ID",
    help="Of this request; may be repeated.",
)
@option(
    "--message-id",
    section=WHICH,
    multiple=True,
    metavar="ID",
    help="This message; may be repeated.",
)
@option(
    "--status",
    "general_status",
    section=WHICH,
    type=choose(GeneralStatus),
    metavar="GROUP",
    help=f"In this state: {', '.join(GeneralStatus)}.",
)
@option(
    "--since",
    "sent_since",
    section=WHICH,
    type=Instant(),
    metavar="TIME",
    help="Sent then or later.",
)
@option(
    "--until", "sent_until", section=WHICH, type=Instant(), metavar="TIME", help="Sent before then."
)
@option(
    "--limit",
    section=WHICH,
    type=int,
    metavar="N",
    help=MANY,
)
@option("--mcc", section=WHICH, metavar="DIGITS", help="Mobile country code.")
@option("--mnc", section=WHICH, metavar="DIGITS", help="Mobile network code; with --mcc.")
@takes_server
def logs(settings: Settings, *, general_status: str | None, **filters: Any) -> None:
    """Look up messages of the last 48 hours."""
    with settings.open_client() as client:
        status = find_member(GeneralStatus, general_status)
        found = client.get_logs(general_status=status, **filters)
    if settings.as_json:
        write_model(found)
        return
    write_table(LOG_COLUMNS, [show_log(log) for log in found.results])
    if not found.results:
        write_note("No messages.")


@click.command("preview", cls=Command)
@click.argument("text", required=False)
@LANGUAGE
@TRANSLITERATION
@option("--offline", section=MESSAGE, is_flag=True, help="Count here, without asking the server.")
@takes_server
def preview(
    settings: Settings,
    *,
    text: str | None,
    language: str | None,
    transliteration: str | None,
    offline: bool,
) -> None:
    """See how many segments a text takes. Sends nothing.

    TEXT is the text itself, or - for standard input. The first row is the text as it is; what
    becomes of it with --language and --transliteration follows.
    """
    text = read_text(text)
    code = find_member(LanguageCode, language)
    script = find_member(Transliteration, transliteration)
    if offline:
        found = _preview_here(text, code, script)
    else:
        with settings.open_client() as client:
            found = client.preview(text, language_code=code, transliteration=script)
    if settings.as_json:
        write_model(found)
        return
    write_table(
        ("Parts", "Left", "Language", "Transliteration", "Text"),
        [_show_preview(entry) for entry in found.previews],
    )


@click.command("conversion", cls=Command)
@click.argument("message_id")
@takes_server
def conversion(settings: Settings, *, message_id: str) -> None:
    """Count a conversion of a tracked message.

    Its recipient did what it asked for, such as typing in a PIN.
    """
    with settings.open_client() as client:
        found = client.record_conversion(message_id)
    if settings.as_json:
        write_model(found)
    else:
        write_table(("Process",), [(found.process_key or "counted",)])


def _preview_here(
    text: str, code: LanguageCode | None, script: Transliteration | None
) -> PreviewResponse:
    """Return what the server is expected to say: the text as it is, then as configured."""
    previews = [_count(text, None, None)]
    shown = text
    if code:
        previews.append(_count(text, code, None))
    if script:
        try:
            rewritten = transliterate(text, script)
        except ModuleNotFoundError as missing:
            raise CouldNot(str(missing)) from None
        if rewritten.estimate:
            write_note("The rewritten text is an estimate: the vendor shows no table of letters.")
        shown = rewritten.text
        previews.append(_count(shown, code, script))
    if letters := count_segments(shown, code).unicode_characters:
        write_note(f"Sent as Unicode because of: {clean(' '.join(letters[:_FEW]))}")
    return PreviewResponse(original_text=text, previews=previews)


def _count(text: str, code: LanguageCode | None, script: Transliteration | None) -> Preview:
    counted = count_segments(text, code)
    return Preview(
        text_preview=text,
        message_count=counted.segments,
        characters_remaining=counted.remaining,
        configuration=PreviewConfiguration(
            language=PreviewLanguage(language_code=code) if code else None, transliteration=script
        ),
    )


def _show_preview(entry: Preview) -> tuple[object, ...]:
    configuration = entry.configuration
    language = configuration.language if configuration else None
    return (
        entry.message_count,
        entry.characters_remaining,
        language.language_code if language else None,
        configuration.transliteration if configuration else None,
        entry.text_preview,
    )
