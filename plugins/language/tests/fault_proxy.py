"""A proxy that breaks a share of the requests that pass through it, as networks and servers do.

| fault        | what the client sees                                             | did the server answer? |
|--------------|------------------------------------------------------------------|------------------------|
| ``429``      | status 429 with ``Retry-After``                                  | no                     |
| ``500``      | status 500                                                       | no                     |
| ``reset``    | the connection is reset before a byte of the answer              | no                     |
| ``hang``     | nothing, until the client gives up                               | no                     |
| ``truncated``| half of the announced bytes, then the end                        | yes                    |
| ``malformed``| a complete answer that is cut-off JSON                           | yes                    |
"""

import http.client
import json
import random
import select
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("429", "500", "reset", "hang", "truncated", "malformed")
LONGEST_HANG = 60.0  # seconds
LONGEST_ANSWER = 60.0


class FaultProxy:
    """Stands before the server at ``url`` and breaks requests with probability ``share``, each fault alike.

    ``faults`` counts what was done by name; ``lost`` sums the tokens of answers that the server gave and the client
    never got. ``delivered`` has those of the answers that were written to the client whole, by the seed of the request:
    whether the client was still there to read them, only it knows. At the end the proxy waits for answers under way.
    """

    def __init__(self, url, *, share, seed=0, retry_after="1", kinds=FAULTS):
        self.upstream = urlsplit(url)
        self.share, self.retry_after, self.kinds = share, retry_after, kinds
        self.random = random.Random(seed)
        self.requests, self.faults = 0, Counter()
        self.delivered, self.lost = defaultdict(list), Counter()
        self.under_way = 0
        self.lock, self.end = threading.Lock(), threading.Event()
        self.http = Listener(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.http.server_port}{self.upstream.path}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.end.set()
        last = time.monotonic() + LONGEST_ANSWER
        while self.under_way and time.monotonic() < last:  # the server counts what nobody waits for any more, too
            time.sleep(0.02)
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)

    def fault(self):
        """What becomes of the next request, None if it passes."""
        with self.lock:
            self.requests += 1
            kind = self.random.choice(self.kinds) if self.random.random() < self.share else None
            if kind is not None:
                self.faults[kind] += 1
            return kind

    def passed_on(self, method, path, headers, body):
        """The server's status and answer."""
        connection = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def count(self, data, seed, delivered):
        """Add the tokens that an answer says it cost."""
        usage = json.loads(data).get("usage") or {}
        tokens = {name: usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens")}
        with self.lock:
            self.delivered[seed].append(tokens) if delivered else self.lost.update(tokens)

    @contextmanager
    def answering(self):
        with self.lock:
            self.under_way += 1
        try:
            yield
        finally:
            with self.lock:
                self.under_way -= 1


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients leave at their deadlines, and some connections are reset here."""


def _handler(proxy):  # noqa: C901  # a class with short methods
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120
        disable_nagle_algorithm = True

        def do_GET(self):
            self._whole(*proxy.passed_on("GET", self.path, self._sent(), None))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = proxy.fault()
            if kind == "429":
                self._whole(429, b'{"error": {"message": "too many requests"}}', {"Retry-After": proxy.retry_after})
            elif kind == "500":
                self._whole(500, b'{"error": {"message": "out of order"}}')
            elif kind == "reset":
                self._reset()
            elif kind == "hang":
                proxy.end.wait(LONGEST_HANG)
                self.close_connection = True
            else:
                with proxy.answering():
                    answer = proxy.passed_on("POST", self.path, self._sent(), body)
                    self._answered(kind, json.loads(body).get("seed"), *answer)

        def _answered(self, kind, seed, status, data):
            gone = self._gone()
            if status == 200:
                proxy.count(data, seed, delivered=kind is None and not gone)
            if gone:
                self.close_connection = True
                return
            if kind is None:
                self._whole(status, data)
                return
            if kind == "malformed":
                self._whole(status, data[: len(data) // 2])
            else:
                self._begun(status, len(data))
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True

        def _gone(self):
            """Whether the client has given up waiting."""
            readable, _, _ = select.select([self.connection], [], [], 0)
            try:
                return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
            except OSError:
                return True

        def _sent(self):
            return {"Content-Type": "application/json", "Authorization": self.headers["Authorization"] or ""}

        def _begun(self, status, length, headers=None):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(length))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def _whole(self, status, data, headers=None):
            self._begun(status, len(data), headers)
            self.wfile.write(data)

        def _reset(self):
            # to linger for no time at all makes closing a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def log_message(self, *arguments):
            pass

    return Handler
