"""A server that quotes every request in its response, in many encodings, among characters that reports must escape.

python quoting_server.py MANNER
"""

import base64
import html
import json
import re
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

# Escape sequences that set the window title, clear the screen or change the color, reversed writing,
# and the ends of whatever a quotation may be in.
SIGNS = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e</pre></details><script>alert(1)</script>]]>``````|@all $x$ &amp; \u2028\x00"


def quote_all(text: str) -> str:
    """Return a text in every encoding that a server may use."""
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in text if ord(sign) < 0x10000)
    spaced = re.sub(r"(\d)(?=\d)", r"\1 ", text)
    spellings = (text, quote(text), html.escape(text), escaped, spaced)
    return " ".join((*spellings, base64.b64encode(text.encode()).decode()))


def build_json(quoted: str) -> bytes:
    """Quote what was sent in a JSON document that is almost a response."""
    entry = {
        "to": quoted,
        "text": quoted,
        "callbackData": f"of somebody else {quoted}",
        quoted: quoted,
    }
    status = {"groupId": 1, "groupName": SIGNS, "id": SIGNS, "name": quoted}
    return json.dumps({"messages": [{**entry, "status": status}]}).encode()


def build_xml(quoted: str) -> bytes:
    """Quote what was sent in an XML document that is almost a response."""
    plain = html.escape(quoted)
    cdata = quoted.replace("]]>", "")
    numeric = "".join(f"&#{ord(sign)};" for sign in quoted)
    return (
        f'<r a="{plain}"><!-- {cdata} --><messages><message to="{plain}"><to>{plain}</to>'
        f"<text><![CDATA[{cdata}]]></text><b>{numeric}</b><![CDATA[{cdata}]]>"
        f"<text>{plain}<i>{plain}</i>{plain}</text><status/></message></messages></r>"
    ).encode("utf-8", "replace")


MANNERS: dict[str, Callable[[str], bytes]] = {
    "json": build_json,
    "xml": build_xml,
    "utf-16": lambda quoted: build_xml(quoted).decode().encode("utf-16"),
    "half": lambda quoted: build_json(quoted)[: len(quoted)],
    "plain": lambda quoted: f"You said {quoted}".encode("utf-8", "replace"),
}


class Handler(BaseHTTPRequestHandler):
    """Responds to every request with its content."""

    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        """Quote the request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(
            "utf-8", "replace"
        )
        authorization = self.headers.get("Authorization", "")
        quoted = (
            SIGNS + quote_all(body) + quote_all(authorization) + quote_all(reveal(authorization))
        )
        body_bytes = MANNERS[sys.argv[1]](quoted + unquote(self.path))
        self.send_response(200)
        self.send_header("Content-Type", f"application/json; x=\x1b[31m{authorization}")
        self.send_header("X-Quoted", re.sub(r"\s", " ", body).encode().decode("latin-1"))
        self.send_header("Content-Length", str(len(body_bytes)))
        self.end_headers()
        self.wfile.write(body_bytes)

    do_GET = do_POST = do_PUT = respond  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Log nothing."""


def reveal(authorization: str) -> str:
    """Return the user name and password of a header, or the key."""
    scheme, _, value = authorization.partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else value


def main() -> None:
    """Serve until ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
