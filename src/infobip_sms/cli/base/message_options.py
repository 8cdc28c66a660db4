"""The options that describe a message, and the message that they make."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
import click

from infobip_sms import (
    Destination,
    Language,
    LanguageCode,
    Message,
    NotifyContentType,
    SmsRequest,
    Track,
    Tracking,
    Transliteration,
)
from infobip_sms.codecs.plain_data import build_model

from .param_types import (
    InstantParam,
    JsonFileParam,
    WindowParam,
    build_choice,
    describe_constraint,
    to_enum,
)
from .server_options import option

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from infobip_sms import DeliveryTimeWindow

MESSAGE, REPORTS, REQUEST = "Message", "Delivery reports", "Request"
_REPORT_TYPES = {
    "json": NotifyContentType.APPLICATION_JSON,
    "xml": NotifyContentType.APPLICATION_XML,
}


@attrs.frozen(kw_only=True)
class MessageOptions:
    """What the options say about every message and about the request; None where they say nothing."""

    sender: str | None
    flash: bool | None
    language: str | None
    transliteration: str | None
    send_at: dt.datetime | None
    validity: int | None
    window: DeliveryTimeWindow | None
    notify_url: str | None
    notify_content_type: str | None
    callback_data: str | None
    intermediate_report: bool | None
    bulk_id: str | None
    track: str | None
    process_key: str | None
    tracking_type: str | None
    tracking_base_url: str | None
    extra: dict[str, Any] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no option was given."""
        return all(value is None for value in attrs.astuple(self, recurse=False))

    def build_request(
        self,
        destinations: Sequence[tuple[str, str | None]],
        text: str,
        sender: str | None = None,
    ) -> SmsRequest:
        """Return a request of one message; raise InvalidRequestError with all that breaks a rule.

        destinations: numbers, each with its messageId or None.
        sender: who it is from, if not the sender of all messages.
        """
        message = _to_wire_names(
            Message,
            from_=sender or self.sender,
            destinations=[
                _to_wire_names(Destination, to=to, message_id=name) for to, name in destinations
            ],
            text=text,
            flash=self.flash,
            language=_to_wire_names(Language, language_code=self.language)
            if self.language
            else None,
            transliteration=self.transliteration,
            intermediate_report=self.intermediate_report,
            notify_url=self.notify_url,
            notify_content_type=_REPORT_TYPES.get(self.notify_content_type or ""),
            callback_data=self.callback_data,
            validity_period=self.validity,
            send_at=self.send_at,
            delivery_time_window=self.window,
        )
        request = _to_wire_names(
            SmsRequest, bulk_id=self.bulk_id, messages=[message], tracking=self.build_tracking()
        )
        built = build_model(request, SmsRequest, strict=True)
        if self.extra is None:
            return built
        return attrs.evolve(
            built, messages=[attrs.evolve(m, extra=self.extra) for m in built.messages]
        )

    def build_tracking(self) -> Tracking | None:
        """Return what is tracked, if anything."""
        tracking = Tracking(
            track=to_enum(Track, self.track),
            process_key=self.process_key,
            type=self.tracking_type,
            base_url=self.tracking_base_url,
        )
        return None if tracking == Tracking() else tracking


def with_message_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of messages; it gets a Draft under that name."""

    @functools.wraps(function)
    def command(**given: Any) -> Any:
        draft = MessageOptions(**{f.name: given.pop(f.name) for f in attrs.fields(MessageOptions)})
        return function(draft=draft, **given)

    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def _to_wire_names(cls: type[attrs.AttrsInstance], **values: object) -> dict[str, object]:
    """Return values under their wire names, those that are not there left out."""
    fields = attrs.fields_dict(cls)
    return {fields[n].metadata["wire"]: v for n, v in values.items() if v is not None}


LANGUAGE = option(
    "--language",
    section=MESSAGE,
    type=build_choice(LanguageCode),
    metavar="CODE",
    help=f"Use a national character set, so that the text needs fewer segments: {', '.join(LanguageCode)}.",
)
TRANSLITERATION = option(
    "--transliteration",
    section=MESSAGE,
    type=build_choice(Transliteration),
    metavar="SCRIPT",
    help=f"Replace letters of a script, so that the text needs fewer segments: {', '.join(Transliteration)}.",
)
_OPTIONS = (
    option(
        "--from",
        "sender",
        section=MESSAGE,
        metavar="SENDER",
        help=f"Sender that the recipient sees: {describe_constraint(Message, 'from_')}.",
    ),
    option(
        "--flash",
        section=MESSAGE,
        is_flag=True,
        default=None,
        help="Show on screen immediately, without storing.",
    ),
    LANGUAGE,
    TRANSLITERATION,
    option(
        "--send-at",
        section=MESSAGE,
        type=InstantParam(),
        metavar="TIME",
        help="Send later: ISO time with its zone, 2026-07-07T17:00:00+02:00.",
    ),
    option(
        "--validity",
        section=MESSAGE,
        type=int,
        metavar="MINUTES",
        help="Stop trying to deliver after this many minutes (max. 2880).",
    ),
    option(
        "--window",
        section=MESSAGE,
        type=WindowParam(),
        metavar="DAYS [HOURS]",
        help="Send only at these times, in UTC: 'MON,TUE 06:00-15:30'.",
    ),
    option(
        "--notify-url",
        section=REPORTS,
        metavar="URL",
        help="URL that delivery reports are posted to.",
    ),
    option(
        "--notify-content-type",
        section=REPORTS,
        type=click.Choice(list(_REPORT_TYPES)),
        help="Format of the reports.",
    ),
    option(
        "--callback-data",
        section=REPORTS,
        metavar="TEXT",
        help="Your own data, returned with every report.",
    ),
    option(
        "--intermediate-report",
        section=REPORTS,
        is_flag=True,
        default=None,
        help="Also send reports of intermediate states.",
    ),
    option(
        "--extra",
        section=REQUEST,
        type=JsonFileParam(),
        metavar="FILE",
        help="JSON object of message fields that the documentation does not list, such as regional.",
    ),
    option("--bulk-id", section=REQUEST, metavar="ID", help="Your own bulk ID for the request."),
    option(
        "--track",
        section=REQUEST,
        type=build_choice(Track),
        metavar="WHAT",
        help=f"Track conversions: {', '.join(Track)}.",
    ),
    option("--process-key", section=REQUEST, metavar="KEY", help="Key of the tracking process."),
    option(
        "--tracking-type", section=REQUEST, metavar="WORD", help="Your own type for the conversion."
    ),
    option(
        "--tracking-base-url",
        section=REQUEST,
        metavar="URL",
        help="Base URL of shortened links.",
    ),
)
