"""The same models in the words of JSON peers, with the same limits, by what each peer has for them."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - the peers look types up when they run
import re
from functools import partial
from typing import Annotated, Any

import attrs
import cattrs.gen
import msgspec
import orjson
from attrs import validators
from cattrs.preconf.orjson import make_converter
from msgspec import Meta, Struct
from pydantic import BaseModel, ConfigDict, Field

from infobip_sms import Destination, Message

TO = r"^\+?[0-9]+$"
OURS = "infobip-sms"
SENDER = r"^([0-9]{3,14}|[\s\S]{3,11})$"

# ---------------------------------------------------------------- msgspec


class MDestination(Struct, omit_defaults=True):
    """A destination."""

    to: Annotated[str, Meta(pattern=TO)]
    messageId: str | None = None  # noqa: N815 - the wire's word, here and below


class MTime(Struct, omit_defaults=True):
    """A time of day."""

    hour: Annotated[int, Meta(ge=0, le=23)]
    minute: Annotated[int, Meta(ge=0, le=59)]


class MWindow(Struct, omit_defaults=True):
    """A window."""

    days: Annotated[list[str], Meta(min_length=1)]
    from_: MTime | None = msgspec.field(name="from", default=None)
    to: MTime | None = None


class MMessage(Struct, omit_defaults=True):
    """A message."""

    destinations: Annotated[list[MDestination], Meta(min_length=1)]
    from_: Annotated[str, Meta(pattern=SENDER)] | None = msgspec.field(name="from", default=None)
    text: str | None = None
    flash: bool | None = None
    language: dict[str, str] | None = None
    transliteration: str | None = None
    intermediateReport: bool | None = None  # noqa: N815
    notifyUrl: str | None = None  # noqa: N815
    notifyContentType: str | None = None  # noqa: N815
    callbackData: Annotated[str, Meta(max_length=200)] | None = None  # noqa: N815
    validityPeriod: int | None = None  # noqa: N815
    sendAt: Annotated[dt.datetime, Meta(tz=True)] | None = None  # noqa: N815
    deliveryTimeWindow: MWindow | None = None  # noqa: N815


class MRequest(Struct, omit_defaults=True):
    """A request."""

    messages: Annotated[list[MMessage], Meta(min_length=1)]
    bulkId: str | None = None  # noqa: N815
    tracking: dict[str, str] | None = None


class MStatus(Struct):
    """A status."""

    groupId: int  # noqa: N815
    groupName: str  # noqa: N815
    id: int
    name: str
    description: str | None = None
    action: str | None = None


class MDetails(Struct):
    """An entry of a response."""

    to: str
    status: MStatus
    smsCount: int | None = None  # noqa: N815
    messageId: str | None = None  # noqa: N815


class MReply(Struct):
    """A response."""

    messages: list[MDetails]
    bulkId: str | None = None  # noqa: N815
    trackingProcessKey: str | None = None  # noqa: N815


# ---------------------------------------------------------------- pydantic


class _P(BaseModel):
    model_config = ConfigDict(strict=True, populate_by_name=True, extra="ignore")


class PDestination(_P):
    """A destination."""

    to: str = Field(pattern=TO)
    messageId: str | None = None  # noqa: N815


class PTime(_P):
    """A time of day."""

    hour: int = Field(ge=0, le=23)
    minute: int = Field(ge=0, le=59)


class PWindow(_P):
    """A window."""

    days: list[str] = Field(min_length=1)
    from_: PTime | None = Field(default=None, alias="from")
    to: PTime | None = None


class PMessage(_P):
    """A message."""

    destinations: list[PDestination] = Field(min_length=1)
    from_: str | None = Field(default=None, alias="from", pattern=r"^([0-9]{3,14}|[\s\S]{3,11})$")
    text: str | None = None
    flash: bool | None = None
    language: dict[str, str] | None = None
    transliteration: str | None = None
    intermediateReport: bool | None = None  # noqa: N815
    notifyUrl: str | None = None  # noqa: N815
    notifyContentType: str | None = None  # noqa: N815
    callbackData: str | None = Field(default=None, max_length=200)  # noqa: N815
    validityPeriod: int | None = None  # noqa: N815
    sendAt: dt.datetime | None = None  # noqa: N815
    deliveryTimeWindow: PWindow | None = None  # noqa: N815


class PRequest(_P):
    """A request."""

    messages: list[PMessage] = Field(min_length=1)
    bulkId: str | None = None  # noqa: N815
    tracking: dict[str, str] | None = None


class PStatus(_P):
    """A status."""

    groupId: int  # noqa: N815
    groupName: str  # noqa: N815
    id: int
    name: str
    description: str | None = None
    action: str | None = None


class PDetails(_P):
    """An entry of a response."""

    to: str
    status: PStatus
    smsCount: int | None = None  # noqa: N815
    messageId: str | None = None  # noqa: N815


class PReply(_P):
    """A response."""

    messages: list[PDetails]
    bulkId: str | None = None  # noqa: N815
    trackingProcessKey: str | None = None  # noqa: N815


# ---------------------------------------------------------------- attrs and stock cattrs

_maybe = validators.optional


@attrs.frozen
class ADestination:
    """A destination."""

    to: str = attrs.field(validator=validators.matches_re(TO, func=re.fullmatch))
    message_id: str | None = None


@attrs.frozen
class ATime:
    """A time of day."""

    hour: int = attrs.field(validator=[validators.ge(0), validators.le(23)])
    minute: int = attrs.field(validator=[validators.ge(0), validators.le(59)])


@attrs.frozen
class AWindow:
    """A window."""

    days: list[str] = attrs.field(validator=validators.min_len(1))
    from_: ATime | None = None
    to: ATime | None = None


@attrs.frozen
class AMessage:
    """A message."""

    destinations: list[ADestination] = attrs.field(validator=validators.min_len(1))
    from_: str | None = attrs.field(
        default=None, validator=_maybe(validators.matches_re(SENDER, func=re.fullmatch))
    )
    text: str | None = None
    flash: bool | None = None
    language: dict[str, str] | None = None
    transliteration: str | None = None
    intermediate_report: bool | None = None
    notify_url: str | None = None
    notify_content_type: str | None = None
    callback_data: str | None = attrs.field(default=None, validator=_maybe(validators.max_len(200)))
    validity_period: int | None = None
    send_at: dt.datetime | None = None
    delivery_time_window: AWindow | None = None


@attrs.frozen
class ARequest:
    """A request."""

    messages: list[AMessage] = attrs.field(validator=validators.min_len(1))
    bulk_id: str | None = None
    tracking: dict[str, str] | None = None


@attrs.frozen
class AStatus:
    """A status."""

    group_id: int
    group_name: str
    id: int
    name: str
    description: str | None = None
    action: str | None = None


@attrs.frozen
class ADetails:
    """An entry of a response."""

    to: str
    status: AStatus
    sms_count: int | None = None
    message_id: str | None = None


@attrs.frozen
class AReply:
    """A response."""

    messages: list[ADetails]
    bulk_id: str | None = None
    tracking_process_key: str | None = None


def make_stock() -> Any:
    """Return cattrs' converter for orjson, told the names on the wire."""
    converter = make_converter(omit_if_default=True)
    for cls in (ADestination, ATime, AWindow, AMessage, ARequest, AStatus, ADetails, AReply):
        names: Any = {f.name: cattrs.gen.override(rename=_camel(f.name)) for f in attrs.fields(cls)}
        read = cattrs.gen.make_dict_structure_fn(cls, converter, **names)
        write = cattrs.gen.make_dict_unstructure_fn(
            cls, converter, _cattrs_omit_if_default=True, **names
        )
        converter.register_structure_hook(cls, read)
        converter.register_unstructure_hook(cls, write)
    return converter


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(map(str.capitalize, rest))


# ---------------------------------------------------------------- all of them


def find_decoders(body: bytes, *, reply: bool) -> dict[str, Any]:
    """Return what reads a document, by peer."""
    stock, kind = make_stock(), AReply if reply else ARequest
    decoder = msgspec.json.Decoder(MReply if reply else MRequest)
    pydantic = PReply if reply else PRequest
    return {
        "orjson to dict": lambda: orjson.loads(body),
        "msgspec": lambda: decoder.decode(body),
        "pydantic 2": lambda: pydantic.model_validate_json(body),
        "stock cattrs + orjson": lambda: stock.loads(body, kind),
    }


def find_encoders(body: bytes) -> dict[str, Any]:
    """Return what writes a request again, by peer."""
    stock = make_stock()
    plain, struct = orjson.loads(body), msgspec.json.decode(body, type=MRequest)
    model, ours = PRequest.model_validate_json(body), stock.loads(body, ARequest)
    encoder = msgspec.json.Encoder()
    return {
        "orjson from dict": lambda: orjson.dumps(plain),
        "msgspec": lambda: encoder.encode(struct),
        "pydantic 2": lambda: model.model_dump_json(by_alias=True, exclude_none=True),
        "stock cattrs + orjson": lambda: stock.dumps(ours),
    }


def find_builders(count: int) -> dict[str, Any]:
    """Return what makes the models of so many messages, by peer; msgspec checks nothing here."""
    ways: dict[str, tuple[Any, Any, str]] = {
        "attrs with its validators": (AMessage, ADestination, "message_id"),
        "msgspec, without checks": (MMessage, MDestination, "messageId"),
        "pydantic 2": (PMessage, PDestination, "messageId"),
    }

    def build(message: Any, destination: Any, named: str) -> list[Any]:
        return [
            message(
                from_="InfoSMS",
                destinations=[destination(to=f"999{n:09}", **{named: f"order-{n}"})],
                text=f"Your order {n} is ready; please come to the counter before six o'clock.",
            )
            for n in range(count)
        ]

    return {name: partial(build, *way) for name, way in ways.items()} | {
        OURS: partial(build, Message, Destination, "message_id")
    }
