"""A server that quotes: whatever it is sent comes back, in every spelling, among signs that reports take for theirs.

python quoting.py MANNER
"""

import base64
import html
import json
import re
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

# An escape that names the window, one that clears it, one of a single byte, writing turned around,
# and the ends of whatever a quotation may are in.
SIGNS = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e</pre></details><script>alert(1)</script>]]>``````|@all $x$ &amp; \u2028\x00"


def quote_all(text: str) -> str:
    """Return a text in every spelling that a server may think of."""
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in text if ord(sign) < 0x10000)
    spaced = re.sub(r"(\d)(?=\d)", r"\1 ", text)
    spellings = (text, quote(text), html.escape(text), escaped, spaced)
    return " ".join((*spellings, base64.b64encode(text.encode()).decode()))


def build_json(said: str) -> bytes:
    """Return what was sent in a JSON document that is almost a response."""
    entry = {"to": said, "text": said, "callbackData": f"of somebody else {said}", said: said}
    status = {"groupId": 1, "groupName": SIGNS, "id": SIGNS, "name": said}
    return json.dumps({"messages": [{**entry, "status": status}]}).encode()


def build_xml(said: str) -> bytes:
    """Return what was sent in an XML document that is almost a response."""
    plain = html.escape(said)
    cdata = said.replace("]]>", "")
    numeric = "".join(f"&#{ord(sign)};" for sign in said)
    return (
        f'<r a="{plain}"><!-- {cdata} --><messages><message to="{plain}"><to>{plain}</to>'
        f"<text><![CDATA[{cdata}]]></text><b>{numeric}</b><![CDATA[{cdata}]]>"
        f"<text>{plain}<i>{plain}</i>{plain}</text><status/></message></messages></r>"
    ).encode("utf-8", "replace")


MANNERS: dict[str, Callable[[str], bytes]] = {
    "json": build_json,
    "xml": build_xml,
    "utf-16": lambda said: build_xml(said).decode().encode("utf-16"),
    "half": lambda said: build_json(said)[: len(said)],
    "plain": lambda said: f"You said {said}".encode("utf-8", "replace"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers every request with what it was."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Quote the request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(
            "utf-8", "replace"
        )
        authorization = self.headers.get("Authorization", "")
        said = SIGNS + quote_all(body) + quote_all(authorization) + quote_all(reveal(authorization))
        found = MANNERS[sys.argv[1]](said + unquote(self.path))
        self.send_response(200)
        self.send_header("Content-Type", f"application/json; x=\x1b[31m{authorization}")
        self.send_header("X-Quoted", re.sub(r"\s", " ", body).encode().decode("latin-1"))
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


def reveal(authorization: str) -> str:
    """Return the user and the password of a header, or the key."""
    scheme, _, value = authorization.partition(" ")
    return base64.b64decode(value).decode() if scheme == "Basic" else value


def main() -> None:
    """Serve until ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
