"""What every model has: a short repr, and conversion to and from JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


class ApiModel:
    """Base class of the models."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Name the class and the fields that have a value."""
        cls: Any = type(self)
        values = ((f.name, getattr(self, f.name)) for f in attrs.fields(cls) if f.repr)
        shown = ", ".join(f"{name}={value!r}" for name, value in values if value is not None)
        return f"{cls.__name__}({shown})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with the names of the API, as in a JSON document."""
        from infobip_sms.codecs.plain_data import build_plain  # noqa: PLC0415 - models need no codec

        return build_plain(self)  # type: ignore[arg-type]  # every model is an attrs class

    def to_json(self) -> str:
        """Return a JSON document; raise InvalidRequestError if a rule is violated."""
        from infobip_sms.codecs.wire_json import dump_model  # noqa: PLC0415 - models need no codec

        return dump_model(self).decode()  # type: ignore[arg-type]  # every model is an attrs class

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Return the model of plain data with the names of the API.

        Raises InvalidRequestError for what is part of a request, InvalidResponseError for a response.
        """
        from infobip_sms.codecs.plain_data import build_document  # noqa: PLC0415 - models need no codec

        model: Self = build_document(plain, cls)
        return model

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the model of a JSON document; raises what from_dict raises."""
        from infobip_sms.codecs.wire_json import parse_document  # noqa: PLC0415 - models need no codec

        model: Self = parse_document(text.encode() if isinstance(text, str) else text, cls)
        return model
