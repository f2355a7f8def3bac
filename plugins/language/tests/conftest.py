"""Servers for the tests: real HTTP on 127.0.0.1.

``server`` answers what each test writes; ``shapes`` is a model behind vLLM's wire shapes.
"""

import asyncio
import importlib.util
import json
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from plugins.language.tests.served_checkpoint import make_checkpoint
from plugins.language.tests.vllm_shapes import VllmShapes

from treewright_language.checkpoints import resolve
from treewright_registry import ConfigurationError

KEY = "sk-secret-of-the-tests"
EMBEDDED = "treewright_math:data/target"
LONGEST_HANG = 5.0  # seconds, in case a test forgets to end it


class ServerDouble:
    """Answers each request with what ``answer(body)`` returns: (status, text) or ``None`` to hang.

    ``bodies`` and ``headers`` hold what was asked, in order of arrival; ``most`` is the highest number
    of requests that were under way at once.
    """

    def __init__(self):
        self.answer = lambda body: self.says("fine")
        self.bodies, self.headers = [], []
        self.active = self.most = 0
        self.lock = threading.Lock()
        self.end = threading.Event()
        self.http = Listener(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"

    @staticmethod
    def says(text, finish_reason="stop", *, prompt_tokens=11, completion_tokens=3, **choice):
        """One choice, as the chat API words it."""
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
        choices = [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}]
        answer = {"id": "c", "object": "chat.completion", "created": 0, "model": "m"}
        return 200, json.dumps({**answer, "choices": choices, "usage": usage})

    def respond(self, body, headers):
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self.active += 1
            self.most = max(self.most, self.active)
        try:
            answer = self.answer(body)
            if answer is None:
                self.end.wait(LONGEST_HANG)
            return answer
        finally:
            with self.lock:
                self.active -= 1


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # many connections at once; with the default of 5 some wait a second

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):  # clients that left at a deadline
            super().handle_error(request, client_address)


def _handler(double):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = double.respond({"path": self.path, **body}, self.headers)
            if answer is None:
                self.close_connection = True
                return
            status, text, *more = answer
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in more[0].items() if more else ():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    return Handler


@pytest.fixture
def server(monkeypatch):
    if importlib.util.find_spec("openai") is None:
        pytest.skip("the client library openai is not installed (extra 'language')")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    double = ServerDouble()
    thread = threading.Thread(target=double.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield double
    double.end.set()
    double.http.shutdown()
    double.http.server_close()
    thread.join(5)


@pytest.fixture
def ask(server):
    """Builds a policy on the server and returns what it proposes to the requests."""

    def ask(*requests, blobs=None, **options):
        from treewright_language.openai_policy import OpenAIPolicy

        policy = OpenAIPolicy(**{"model": "tiny", "base_url": server.url, **options})
        policy.blobs = blobs
        return asyncio.run(policy.propose(list(requests)))

    return ask


@pytest.fixture(scope="session")
def ascii_checkpoint(tmp_path_factory):
    """A tiny random model whose every text is printable ASCII."""
    for name in ("torch", "transformers", "openai"):
        pytest.importorskip(name, reason="needs the extra 'language'")
    return make_checkpoint(tmp_path_factory.mktemp("models") / "ascii", ends=1.0)


@pytest.fixture(scope="session")
def embedded_checkpoint():
    """The folder of the plugin math's embedded model, which knows word problems and ends steps with a line."""
    for name in ("torch", "transformers", "openai"):
        pytest.importorskip(name, reason="needs the extra 'language'")
    try:
        folder = resolve(EMBEDDED)
    except ConfigurationError:
        pytest.skip("the plugin math, or its embedded model, is not installed")
    if not (folder / "model.safetensors").is_file():
        pytest.skip("the embedded model has no weights here")
    return folder


@pytest.fixture
def shapes(ascii_checkpoint, monkeypatch):
    """Starts servers with vLLM's wire shapes, as ``VllmShapes`` is made."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with ExitStack() as running:

        def shapes(folder=ascii_checkpoint, **options):
            return running.enter_context(VllmShapes(folder, key=KEY, **options))

        yield shapes
