"""A target that gives back whatever it was sent, in every place of an answer and in every usual spelling."""

from __future__ import annotations

import base64
import gzip
import html
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

from tests.loopback import Received, Server

CREDENTIALS = ("authorization", "x-api-key", "client-id", "api-key", "x-client", "x-key", "proxy-authorization")
JSON = "application/json"


class Echo(Server):
    """Answers each request in the next one of many ways, all of which repeat its credentials.

    `modes` counts the ways that were used, `seen` the credentials as they came, without the word before them.
    """

    def __init__(self) -> None:
        self.modes: Counter[str] = Counter()
        self.seen: set[bytes] = set()
        self._lock = threading.Lock()
        self._turn = itertools.cycle(WAYS)
        super().__init__(self._say)

    def _say(self, received: Received) -> bytes | Iterable[bytes]:
        values = [received.headers[name] for name in CREDENTIALS if name in received.headers]
        secrets = [value.removeprefix("Bearer ").removeprefix("Basic ").encode("latin-1") for value in values]
        with self._lock:
            self.seen.update(secrets)
            way = next(self._turn)
            self.modes[way.__name__] += 1
        if received.path.split("?")[0].startswith("/items"):
            return carry(received, secrets)
        return way(Said(received, secrets))


class Said:
    """What a request gave away.

    Args:
        received: the request.
        secrets: values of its credentials.
    """

    def __init__(self, received: Received, secrets: list[bytes]) -> None:
        self.received = received
        self.secrets = secrets or [b"nothing"]
        self.first = self.secrets[0]
        self.text = self.first.decode("utf-8", "replace")

    @property
    def everything(self) -> bytes:
        """Headers and body as they came, and each credential in many spellings."""
        headers = "".join(f"{name}: {value}\n" for name, value in self.received.headers.items()).encode("latin-1")
        spelt = b"\n".join(itertools.chain.from_iterable(map(spellings, self.secrets)))
        return b"\n".join((headers, self.received.path.encode("latin-1"), self.received.body, spelt))


def spellings(secret: bytes) -> Iterator[bytes]:
    """A value as programs usually write it."""
    text = secret.decode("utf-8", "replace")
    yield secret
    yield from (each.encode() for each in (quote(text), quote(text, safe=""), quote(text, safe="").lower()))
    yield quote_plus(text).encode()
    yield from (json.dumps(text, ensure_ascii=ascii_only).encode() for ascii_only in (True, False))
    yield json.dumps(text).replace("/", "\\/").replace("<", "\\u003c").replace("&", "\\u0026").encode()
    yield json.dumps(json.dumps({"nested": text})).encode()
    yield from (each.encode() for each in (html.escape(text), html.escape(html.escape(text)), quote(quote(text))))
    yield text.replace("~", "~0").replace("/", "~1").encode()
    yield from ("".join(f"&#{form % ord(char)};" for char in text).encode() for form in ("%d", "x%x", "x%X"))
    yield from (base64.b64encode(before + secret) for before in (b"", b"Bearer ", b"Basic ", b"\0"))
    yield base64.urlsafe_b64encode(secret)
    yield secret.hex().encode()


def whole(status: int, body: bytes, *headers: tuple[str, bytes], reason: bytes = b"Said", kind: str = JSON) -> bytes:
    """An answer in one piece."""
    fields = [("Content-Type", kind.encode()), ("Content-Length", str(len(body)).encode()), *headers]
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, reason, head, body)


def as_json(said: Said) -> bytes:
    """A body in which credentials are values, keys, ids and codes."""
    text = said.text
    everything = said.everything.decode("utf-8", "replace")
    body = {
        text: [text, {text: text}],
        "id": text,
        "bulkId": text,
        "status": text,
        "name": text,
        "created_at": text,
        "error": {"code": text, "message": f"no {text} here"},
        "trace_id": text,
        "message": everything,
        "items": [{"id": text, "request": {text: text}}],
    }
    return json.dumps(body, ensure_ascii=False).encode()


def in_body(said: Said) -> bytes:
    """A success whose body repeats everything."""
    return whole(200, as_json(said))


def in_error(said: Said) -> bytes:
    """A refusal whose code is the credential."""
    return whole(400, as_json(said))


def in_server_error(said: Said) -> bytes:
    """A page of HTML."""
    return whole(500, b"<pre>" + said.everything + b"</pre>", kind="text/html")


def in_text(said: Said) -> bytes:
    """No JSON at all."""
    return whole(200, said.everything)


def in_id(said: Said) -> bytes:
    """A bare JSON text, as the id of a batch is."""
    return whole(200, json.dumps(said.text).encode())


def in_headers(said: Said) -> bytes:
    """Header values, names, media type and reason phrase."""
    name = quote(said.text, safe="")  # all of which may stand in a name (RFC 9110, section 5.6.2)
    more = (
        (f"X-{name}", said.first),
        ("X-Echo", b"it was " + said.first),
        ("Set-Cookie", b"a=" + quote(said.text).encode()),
    )
    return whole(200, b"{}", *more, reason=b"because " + said.first)


def in_media_type(said: Said) -> bytes:
    """The charset."""
    return whole(200, b"{}", ("Content-Type", b"application/json; charset=" + said.first))


def in_status_phrase(said: Said) -> bytes:
    """An undocumented status whose phrase is the credential."""
    return whole(299, b"{}", reason=said.first)


def in_redirect(said: Said) -> bytes:
    """To another origin."""
    return whole(302, b"", ("Location", b"http://elsewhere.invalid/" + quote(said.text, safe="").encode()))


def in_own_redirect(said: Said) -> bytes:
    """To the same origin."""
    return whole(307, b"", ("Location", b"/" + quote(said.text, safe="").encode()))


def in_gzip(said: Said) -> bytes:
    """Compressed."""
    return whole(200, gzip.compress(as_json(said)), ("Content-Encoding", b"gzip"))


def in_chunks(said: Said) -> list[bytes]:
    """Piece by piece, cut in the middle of each credential."""
    body = as_json(said)
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return [
        head,
        chunks[: len(chunks) // 2],
        chunks[len(chunks) // 2 :],
        b"0\r\nX-Trailer: " + said.first + b"\r\n\r\n",
    ]


def in_first_line(said: Said) -> bytes:
    """No HTTP at all."""
    return said.first + b"\r\n\r\n"


def in_version(said: Said) -> bytes:
    """A protocol that nobody speaks."""
    return b"HTTP/" + said.first + b" 200 OK\r\n\r\n"


def in_status(said: Said) -> bytes:
    """A status that is no number."""
    return b"HTTP/1.1 " + said.first + b"\r\n\r\n"


def in_bad_header(said: Said) -> bytes:
    """A header without a colon."""
    return b"HTTP/1.1 200 OK\r\n" + said.first + b"\r\n\r\n"


def in_length(said: Said) -> bytes:
    """A length that is no number."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: " + said.first + b"\r\n\r\n"


def in_transfer_encoding(said: Said) -> bytes:
    """A transfer encoding that nobody knows."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + said.first + b"\r\n\r\n"


def in_content_encoding(said: Said) -> bytes:
    """A content encoding that nobody knows."""
    return whole(200, b"{}", ("Content-Encoding", said.first))


def in_chunk_size(said: Said) -> bytes:
    """A chunk whose length is no number."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + said.first + b"\r\n"


def in_truncated(said: Said) -> Iterator[bytes]:
    """Less than was announced."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + said.everything
    raise ConnectionAbortedError  # hangs up


def in_bad_gzip(said: Said) -> bytes:
    """What is said to be compressed and is not."""
    return whole(200, said.everything, ("Content-Encoding", b"gzip"))


def in_many_headers(said: Said) -> bytes:
    """More headers than anybody takes."""
    return whole(200, b"{}", *((f"X-{number}", said.first) for number in range(2_000)))


def in_upgrade(said: Said) -> bytes:
    """An unasked change of protocols."""
    return b"HTTP/1.1 101 Now\r\nUpgrade: " + said.first + b"\r\nConnection: upgrade\r\n\r\n"


def in_duplicate_keys(said: Said) -> bytes:
    """JSON that is not strict: twice the same key."""
    key = json.dumps(said.text).encode()
    return whole(200, b"{%s: %s, %s: NaN}" % (key, key, key))


def in_strange_bytes(said: Said) -> bytes:
    """JSON that is no UTF-8."""
    return whole(200, b'{"id": "' + said.first + b'\xff"}')


def carry(received: Received, secrets: list[bytes]) -> bytes:
    """What a workflow needs to go on, with the credential as id, so that it carries it into its next requests."""
    text = (secrets or [b"nothing"])[0].decode("utf-8", "replace")
    status = 201 if received.method == "POST" and received.path.split("?")[0] == "/items" else 200
    body = {"id": text, "name": "ready", text: text, "error": {"code": text}}
    return whole(status, json.dumps(body).encode(), ("X-Echo", quote(text).encode()))


Way = Callable[[Said], bytes | Iterable[bytes]]
WAYS: tuple[Way, ...] = tuple(each for name, each in list(globals().items()) if name.startswith("in_"))
