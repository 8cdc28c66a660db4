"""HTTP/1.1 as it is on the wire, read from bytes while they pass."""

import re
from collections import deque
from dataclasses import dataclass, field

MAX_HEAD_SIZE, MAX_BODY_SIZE = 65_536, 20_000_000
SWITCHING_PROTOCOLS, NO_CONTENT, NOT_MODIFIED = 101, 204, 304
FIRST_FINAL_STATUS = 200
START_LINE = re.compile(r"[!-~]+ .+ HTTP/1\.\d|HTTP/1\.\d \d{3}( .*)?")
STATUS, LENGTH = re.compile("[0-9]{3}"), re.compile("[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"(0*[0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r\n")
UNCLEAR = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")
"""What some readers take for the end of a line, and others do not."""
FRAMING = {"content-length", "transfer-encoding"}
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HttpMessage:
    """A request or a response; ``whole`` is false where the connection ended within it."""

    start_line: str
    headers: Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    raw: bytes = field(default=b"", repr=False)
    is_complete: bool = True

    def get_header(self, name: str) -> str:
        """Return the first value of a header field, an empty string when there is none."""
        return get_header(self.headers, name)

    @property
    def status(self) -> int:
        """The status of a response; 0 when it cannot be read."""
        word = self.start_line.split(" ")[1:2]
        return int(word[0]) if word and STATUS.fullmatch(word[0]) else 0


@dataclass(frozen=True)
class CapturedExchange:
    """An exchange that was listened to."""

    serial: int
    """Its place in the order of arrival, from 1."""
    received_at: float
    """When the request arrived, by the clock that ``time.time`` reads."""
    base_url: str
    """The URL that the request was sent to, without its path."""
    method: str
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    response: HttpMessage | None = field(default=None, repr=False)
    error: str = ""
    """Why there is no response, or none that is whole."""
    seconds: float = 0.0
    has_all_headers: bool = True
    """Whether the header fields are all there; archives may have lost some."""
    run: int = 0
    """Which run of the program sent it, where it is run again and again."""

    def get_header(self, name: str) -> str:
        """Return the first value of a header field, an empty string when there is none."""
        return get_header(self.headers, name)

    @property
    def status(self) -> int | None:
        """The HTTP status; none when there was no answer."""
        return self.response.status if self.response else None


class HttpSyntaxError(ValueError):
    """The bytes are no HTTP/1.1."""


def get_header(headers: Headers, name: str) -> str:
    """Return the first value of a header field, an empty string when there is none."""
    return next((value for key, value in headers if key.lower() == name), "")


class HttpMessageReader:
    """Takes bytes as they come, gives whole messages; responses need to know what they answer."""

    def __init__(self, methods: deque[str] | None = None) -> None:
        self._methods = methods
        self._buffer = bytearray()
        self._body = bytearray()
        self._head: bytes | None = None
        self._message = HttpMessage("", ())
        self._remaining: int | None = 0
        self._raw = bytearray()
        self.is_broken = False
        """Whether the rest of the stream cannot be read."""

    @property
    def unread(self) -> bytes:
        """What has come since the last complete message."""
        return bytes(self._raw + self._buffer)

    @property
    def is_mid_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._head is not None or bool(self._buffer.strip())

    @property
    def is_waiting_for_100_continue(self) -> bool:
        """Whether the other side waits for a word before it sends a body."""
        waits = self._message.get_header("expect").lower() == "100-continue"
        return self._head is not None and waits and not self._body and not self._buffer

    def feed(self, data: bytes) -> list[HttpMessage]:
        """Return the messages that are complete now; HttpSyntaxError when there can be none."""
        self._buffer += data
        found: list[HttpMessage] = []
        try:
            while (message := self._step()) is not None:
                found.append(message)
            self._require_bounded()
        except HttpSyntaxError:
            self.is_broken = True
            if not found:
                raise
        return found

    def _require_bounded(self) -> None:
        if len(self._body) > MAX_BODY_SIZE or len(self._buffer) > 2 * MAX_BODY_SIZE:
            raise HttpSyntaxError("too large")

    def feed_eof(self) -> HttpMessage | None:
        """Return what the end of the connection completes, or cuts off."""
        if self._head is None:
            return None
        open_ended = self._remaining is None
        self._body += b"" if self._remaining == -1 else self._consume(len(self._buffer))
        return self._finish(is_complete=open_ended)

    def _step(self) -> HttpMessage | None:
        if self._head is None and not self._begin():
            return None
        if self._remaining == -1:
            return self._finish() if self._read_chunks() else None
        if self._remaining is None:
            self._body += self._consume(len(self._buffer))
            return None
        taken = self._consume(min(self._remaining, len(self._buffer)))
        self._body += taken
        self._remaining -= len(taken)
        return self._finish() if self._remaining == 0 else None

    def _begin(self) -> bool:
        while self._buffer[:2] == b"\r\n":  # some clients put one behind a body
            self._consume(2)
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_SIZE:
                raise HttpSyntaxError("no end of the header")
            return False
        self._head = self._consume(end + 4)
        start, headers = parse_head(self._head[:-4])
        self._message = HttpMessage(start, headers)
        self._remaining = self._find_length()
        return True

    def _find_length(self) -> int | None:
        """Return the length of the body; -1 for chunks, none for all until the end."""
        message, status = self._message, self._message.status
        if self._methods is not None:
            if status < FIRST_FINAL_STATUS and status != SWITCHING_PROTOCOLS:
                return 0
            method = self._methods[0] if self._methods else ""
            if method == "HEAD" or status in {NO_CONTENT, NOT_MODIFIED}:
                return 0
        coding = ",".join(find_values(message.headers, "transfer-encoding")).lower()
        if coding.rpartition(",")[2].strip(" \t") == "chunked":
            return -1
        if coding and self._methods is not None:
            return None
        if coding:
            raise HttpSyntaxError("no chunks at the end of a request")
        length = find_length(message.headers)
        if not length and self._methods is not None:
            return None
        return int(length or 0)

    def _read_chunks(self) -> bool:
        """Take whole chunks; tell whether the last one was among them."""
        while (line := self._buffer.find(b"\r\n")) >= 0:
            match = CHUNK_SIZE.match(self._buffer)
            if match is None:
                raise HttpSyntaxError("no chunk")
            size = int(match[1], 16)
            if size == 0:
                return self._read_trailer(line)
            if len(self._buffer) < line + 2 + size + 2:
                return False
            self._consume(line + 2)
            self._body += self._consume(size)
            if self._consume(2) != b"\r\n":
                raise HttpSyntaxError("no end of a chunk")
        return False

    def _read_trailer(self, line: int) -> bool:
        """Take the last chunk with what stands behind it."""
        end = self._buffer.find(b"\r\n\r\n", line)
        if end < 0:
            return False
        self._consume(end + 4)
        return True

    def _consume(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._raw += taken
        return taken

    def _finish(self, *, is_complete: bool = True) -> HttpMessage:
        found = HttpMessage(
            self._message.start_line,
            self._message.headers,
            bytes(self._body),
            bytes(self._raw),
            is_complete,
        )
        self._head, self._remaining = None, 0
        self._body.clear()
        self._raw.clear()
        return found


def parse_head(head: bytes) -> tuple[str, Headers]:
    """Return the first line and the header fields."""
    start, *lines = head.decode("latin-1").split("\r\n")
    if not START_LINE.fullmatch(start):
        raise HttpSyntaxError("no first line")
    if UNCLEAR.search(head):
        raise HttpSyntaxError("no clear end of a line")
    pairs = (line.partition(":") for line in unfold(lines))
    found = tuple((name, value.strip(" \t")) for name, _, value in pairs)
    if any(name.strip().lower() in FRAMING and name.strip() != name for name, _ in found):
        raise HttpSyntaxError("no clear name of a field")
    return start, tuple((name.strip(), value) for name, value in found)


def unfold(lines: list[str]) -> list[str]:
    """Return the lines of fields, each with the folded lines that continue it."""
    found: list[str] = []
    for line in lines:
        if found and line[:1] in {" ", "\t"}:
            found[-1] += line
        else:
            found.append(line)
    return found


def find_values(headers: Headers, name: str) -> list[str]:
    """Return all values of a header field."""
    return [value for key, value in headers if key.lower() == name]


def find_length(headers: Headers) -> str:
    """Return the length of a body, an empty string when there is none; two different ones are an error."""
    values = ",".join(filter(None, find_values(headers, "content-length")))
    lengths = {value.strip(" \t") for value in values.split(",")}
    length = lengths.pop()
    if lengths or (length and not LENGTH.fullmatch(length)):
        raise HttpSyntaxError("no length")
    return length
