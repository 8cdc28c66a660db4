"""The addresses of the server and of a proxy."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

import attrs
from infobip_sms_schema.constraints import describe_value
from infobip_sms_schema.operations import OPERATIONS

from infobip_sms.errors import InvalidRequestError, Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from urllib3.util import Url

DEFAULT_URL = "https://api.infobip.com"
_HAS_SYSTEM_PROXY = sys.platform in {"darwin", "win32"}  # besides that of the environment
PORTS = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")  # as DNS is asked for it


_VERSION = re.compile(r"/sms/[0-9]+(/.*)?$")  # of operations of other versions, or of their folder
_HOST_AND_PORT = re.compile(r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)(:[0-9]{1,5})?/?")


@attrs.frozen
class Address:
    """The address of a server or a proxy."""

    scheme: str
    host: str
    """Without the brackets of an IPv6 address."""
    port: int
    path: str = ""
    """Without a trailing slash."""
    headers: dict[str, str] = attrs.field(factory=dict, repr=False)
    """Headers for a proxy, such as Proxy-Authorization; secret."""

    @property
    def netloc(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def has_default_port(self) -> bool:
        """Tell whether the port is that of the scheme."""
        return self.port == PORTS[self.scheme]

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc}"


def parse_base_url(base_url: str, trust_http: Collection[str] = ()) -> Address:
    """Return the server's address; raise InvalidRequestError for an invalid base URL.

    trust_http: hosts besides loopback to which credentials may go over plain http.
    """
    parts = _parse(base_url)
    if parts is None or parts.auth or parts.query or parts.fragment:
        expected = "http:// or https:// and a host, without user, query or fragment"
        raise _build_error("base_url", _describe_url(base_url), expected, _hint_scheme(base_url))
    address = _build_address(parts)
    trusted = is_loopback(address.host) or address.host.lower() in map(str.lower, trust_http)
    if address.scheme == "http" and not trusted:
        expected = "https for every host but loopback and those in trust_http"
        hint = f'Write "https://{address.netloc.removesuffix(":80")}".'
        raise _build_error("base_url", "plain http", expected, hint)
    path = (parts.path or "").rstrip("/")
    operation = next((o.path for o in OPERATIONS if path.endswith(o.path)), None)
    if operation is None and (version := _VERSION.search(path)):
        operation = version[0]
    if operation is not None:
        expected = "the part before the operation's path"
        host = address.netloc.removesuffix(f":{PORTS[address.scheme]}")
        right = f'Write "{address.scheme}://{host}".' if path == operation else ""
        raise _build_error("base_url", "the URL of an operation", expected, right)
    return attrs.evolve(address, path=path)


def find_proxy(proxy: str | Literal[False] | None, server: Address) -> Address | None:
    """Return the proxy to use; raise InvalidRequestError for an invalid URL.

    proxy: its URL; ``""`` or False for none; None reads the environment (HTTPS_PROXY, HTTP_PROXY,
        ALL_PROXY, NO_PROXY; on macOS and Windows also the system's settings), which is ignored for
        loopback hosts.
    """
    if proxy is None:
        name, proxy = "proxy of the environment", _get_environment_proxy(server)
    else:
        name = "proxy"
    if not proxy:
        return None
    parts = _parse(proxy)
    if parts is None or (parts.path or "/") != "/" or parts.query or parts.fragment:
        raise _build_error(
            name, "another URL", "http:// or https:// and a host, optionally with user:password@"
        )
    address = _build_address(parts)
    if server.scheme == "http" and not is_loopback(address.host):
        raise _build_error(name, "a remote proxy for plain http", "https, or a proxy on loopback")
    return attrs.evolve(address, headers=_build_proxy_headers(name, parts.auth))


@lru_cache(256)
def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare.lower() == "localhost"


def _parse(url: object) -> Url | None:
    """Return the parts of a URL; None unless it has a known scheme and a valid host."""
    if not isinstance(url, str):
        return None
    from urllib3.exceptions import LocationParseError  # noqa: PLC0415 - loopback needs none of it
    from urllib3.util import parse_url  # noqa: PLC0415 - as above

    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    host = (parts.host or "").strip("[]")
    if parts.port == 0:
        return None
    if ":" not in host and not _HOST_NAME.fullmatch(host):
        return None
    return parts if parts.scheme in PORTS and parts.host else None


def _build_address(parts: Url) -> Address:
    assert parts.scheme and parts.host  # noqa: PT018 - as _parse checked
    return Address(parts.scheme, parts.host.strip("[]"), parts.port or PORTS[parts.scheme])


def _get_environment_proxy(server: Address) -> str:
    if is_loopback(server.host) or not (_HAS_SYSTEM_PROXY or _names_proxy(os.environ)):
        return ""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - few systems need it

    if proxy_bypass(server.url.partition("://")[2]):
        return ""
    known = getproxies()
    found = known.get(server.scheme) or known.get("all") or ""
    return found if not found or "://" in found else f"http://{found}"


def _names_proxy(environment: Mapping[str, str]) -> bool:
    return any(name.lower().endswith("_proxy") for name in environment)


def _build_proxy_headers(name: str, auth: str | None) -> dict[str, str]:
    if not auth:
        return {}
    try:
        pair = unquote(auth, errors="strict").encode()
    except UnicodeError:
        raise _build_error(name, "a user that is not UTF-8", "UTF-8") from None
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}


def _describe_url(url: object) -> str:
    if url is None:
        return "nothing"
    if not isinstance(url, str) or not url:
        return describe_value(url)
    return "another URL" if url == url.strip() else "a blank at its start or end"


def _hint_scheme(base_url: object) -> str:
    """Return the URL with its scheme if only this is missing; it has nothing that may be secret."""
    if not isinstance(base_url, str) or not _HOST_AND_PORT.fullmatch(base_url):
        return ""
    scheme = "http" if is_loopback(base_url.partition(":")[0]) else "https"
    return f'Write "{scheme}://{base_url}".'


def _build_error(path: str, actual: str, expected: str, hint: str = "") -> InvalidRequestError:
    return InvalidRequestError([Violation(path, actual, expected, "AUTH-005", hint=hint)])
