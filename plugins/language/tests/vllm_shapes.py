"""A small server around a causal language model that speaks vLLM's wire shapes.

Shapes as in vLLM's OpenAI server (``entrypoints/openai/{chat_completion,completion}``): ``n``,
``logprobs``, ``echo``, ``prompt_logprobs``, ``stop_reason``, ``return_token_ids``,
``continue_final_message``. Like vLLM it reports the model's own law unless told otherwise, counts the
prompt once for all samples, counts the end-of-answer token, and leaves stop strings out of the text.
What it ``offers`` can be cut down; like many servers it then ignores the fields.
"""

import json
import threading
from collections import Counter
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

ABILITIES = frozenset(
    {"chat", "completions", "n", "logprobs", "stop_reason", "echo", "prompt_logprobs", "token_ids", "continue", "seed"}
)


class Refused(Exception):
    """An answer with status 400."""


class Drawn(NamedTuple):
    """One sample: its tokens with the log-probabilities reported, and how it ended."""

    ids: list
    values: list
    text: str
    finish: str
    stop_reason: str | None


class VllmShapes:
    """Answers on ``url``; ``spent`` counts what its answers say that they cost.

    Args:
        folder: of the model.
        key: what the header ``Authorization`` must hold; ``None`` for no matter what.
        offers: what it can do.
        law: of reported log-probabilities, ``model`` (vLLM's ``raw_logprobs``) or ``sampled`` (``processed_logprobs``).
    """

    def __init__(self, folder, *, key=None, offers=ABILITIES, law="model", name="tiny"):
        import torch

        self.torch = torch
        self.tokenizer, self.model = _loaded(str(folder))
        self.key, self.offers, self.law, self.name = key, set(offers), law, name
        self.spent, self.bodies = Counter(), []
        self.lock = threading.Lock()
        self.http = Listener(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)

    # -- requests --------------------------------------------------------------------------------

    def answer(self, path, body):
        """Status and JSON value."""
        api = {"/v1/chat/completions": "chat", "/v1/completions": "completions"}.get(path)
        if api is None or api not in self.offers:
            return 404, {"error": {"message": "Not Found"}}
        if body["model"] != self.name:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        with self.lock, self.torch.inference_mode():
            self.bodies.append(body)
            self.torch.set_num_threads(1)  # of this thread: the model is too small for more
            try:
                made = self._completed(api, body)
            except Refused as error:
                return 400, {"error": {"message": str(error), "type": "BadRequestError"}}
            usage = {name: made["usage"][name] for name in ("prompt_tokens", "completion_tokens")}
            self.spent.update(requests=1, **usage)
        return 200, made

    def _completed(self, api, body):
        prompt = self._chat_ids(body) if api == "chat" else self._text_ids(body["prompt"])
        samples = body.get("n", 1) if "n" in self.offers else 1
        drawn = [self._draw(prompt, body, index) for index in range(samples)]
        choices = [self._choice(api, body, prompt, each, index) for index, each in enumerate(drawn)]
        written = sum(len(each.ids) for each in drawn)
        usage = {"prompt_tokens": len(prompt), "completion_tokens": written, "total_tokens": len(prompt) + written}
        made = {"id": "cmpl-1", "created": 0, "model": self.name, "choices": choices, "usage": usage}
        if api == "chat" and self._wants(body, "prompt_logprobs"):
            made["prompt_logprobs"] = self._prompt_logprobs(prompt, body["prompt_logprobs"])
        return {**made, "object": "chat.completion" if api == "chat" else "text_completion"}

    def _chat_ids(self, body):
        opened = bool(body.get("continue_final_message")) and "continue" in self.offers
        if opened and body.get("add_generation_prompt", True):
            raise Refused("Cannot set both `continue_final_message` and `add_generation_prompt` to True.")
        options = {"continue_final_message": True} if opened else {"add_generation_prompt": True}
        text = self.tokenizer.apply_chat_template(body["messages"], tokenize=False, **options)
        return self._text_ids(text)

    def _text_ids(self, prompt):
        if isinstance(prompt, list):
            if "token_ids" not in self.offers:
                raise Refused("prompt must be a string.")
            return list(prompt)
        return self.tokenizer.encode(prompt, add_special_tokens=False)

    def _wants(self, body, name):
        return name in self.offers and body.get(name) is not None and body[name] is not False

    # -- the model -------------------------------------------------------------------------------

    def _draw(self, prompt, body, index):
        from transformers import DynamicCache

        torch, seed = self.torch, body.get("seed") if "seed" in self.offers else None
        generator = torch.Generator()
        generator.manual_seed(seed * 1000 + index) if seed is not None else generator.seed()
        stops = [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or []
        cache, feed, ids, values = DynamicCache(), torch.tensor([prompt]), [], []
        while True:
            logits = self.model(feed, past_key_values=cache, use_cache=True).logits[0, -1].double()
            law = sampled_law(logits, body.get("temperature", 1.0), body.get("top_p", 1.0))
            token = int(torch.multinomial(law, 1, generator=generator))
            reported = logits.log_softmax(-1) if self.law == "model" else law.log()
            ids.append(token)
            values.append(float(reported[token]))
            if token == self.tokenizer.eos_token_id:
                return Drawn(ids, values, self._decode(ids[:-1]), "stop", None)
            text = self._decode(ids)
            met = next((stop for stop in stops if stop in text), None)
            if met is not None:
                return Drawn(ids, values, text[: text.index(met)], "stop", met)
            if len(ids) == body.get("max_completion_tokens", body.get("max_tokens", 16)):
                return Drawn(ids, values, text, "length", None)
            feed = torch.tensor([[token]])

    def _decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def _prompt_values(self, prompt):
        laws = self.model(self.torch.tensor([prompt])).logits[0].double().log_softmax(-1)
        return laws, [None, *(float(laws[at, token]) for at, token in enumerate(prompt[1:]))]

    # -- answers ---------------------------------------------------------------------------------

    def _choice(self, api, body, prompt, drawn, index):
        choice = {"index": index, "finish_reason": drawn.finish, "logprobs": None}
        if "stop_reason" in self.offers:
            choice["stop_reason"] = drawn.stop_reason
        if body.get("return_token_ids") and "token_ids" in self.offers:
            choice.update(token_ids=drawn.ids, prompt_token_ids=prompt)
        if api == "chat":
            choice["message"] = {"role": "assistant", "content": drawn.text}
            if self._wants(body, "logprobs"):
                pairs = zip(drawn.ids, drawn.values, strict=True)
                choice["logprobs"] = {"content": [self._chat_token(*pair) for pair in pairs]}
            return choice
        echoed = bool(self._wants(body, "echo"))
        choice["text"] = (self._decode(prompt) if echoed else "") + drawn.text
        if self._wants(body, "logprobs"):
            before = self._prompt_values(prompt)[1] if echoed else []
            ids = [*(prompt if echoed else []), *drawn.ids]
            choice["logprobs"] = self._listed(ids, [*before, *drawn.values])
        if self._wants(body, "prompt_logprobs"):
            choice["prompt_logprobs"] = self._prompt_logprobs(prompt, body["prompt_logprobs"])
        return choice

    def _chat_token(self, token, value):
        text = self.tokenizer.decode([token])
        return {"token": text, "logprob": value, "bytes": list(text.encode()), "top_logprobs": []}

    def _listed(self, ids, values):
        tokens = [self.tokenizer.decode([token]) for token in ids]
        offsets = [sum(map(len, tokens[:at])) for at in range(len(tokens))]
        return {"tokens": tokens, "token_logprobs": values, "text_offset": offsets, "top_logprobs": []}

    def _prompt_logprobs(self, prompt, further):
        laws, values = self._prompt_values(prompt)
        listed = [None]
        for at, (token, value) in enumerate(zip(prompt[1:], values[1:], strict=True)):
            best = laws[at].topk(further).indices.tolist() if further else []
            entry = {str(token): (token, value)}
            entry.update({str(other): (other, float(laws[at, other])) for other in best if other != token})
            rank = {other: int((laws[at] > laws[at, other]).sum()) + 1 for other, _ in entry.values()}
            listed.append(
                {
                    name: {"logprob": value, "rank": rank[other], "decoded_token": self.tokenizer.decode([other])}
                    for name, (other, value) in entry.items()
                }
            )
        return listed


@cache
def _loaded(folder):
    import torch
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return PreTrainedTokenizerFast.from_pretrained(folder), model


def sampled_law(logits, temperature, top_p):
    """Probabilities that tokens are drawn with: softmax of logits / temperature, then the nucleus."""
    if temperature == 0:
        law = logits.new_zeros(logits.shape)
        law[logits.argmax()] = 1.0
        return law
    law = (logits / temperature).softmax(-1)
    if top_p < 1:
        ordered = law.sort(descending=True)
        outside = ordered.values.cumsum(0) - ordered.values >= top_p
        law[ordered.indices[outside]] = 0.0
        law /= law.sum()
    return law


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients may leave whenever they like."""


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._respond(*(server.answer(self.path, body) if self._known() else _unauthorised(self.headers)))

        def do_GET(self):
            listed = {"object": "list", "data": [{"id": server.name, "object": "model"}]}
            self._respond(*((200, listed) if self._known() else _unauthorised(self.headers)))

        def _known(self):
            return server.key is None or self.headers["Authorization"] == f"Bearer {server.key}"

        def _respond(self, status, value):
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    return Handler


def _unauthorised(headers):
    return 401, {"error": {"message": f"Unauthorized: {headers['Authorization']}"}}
