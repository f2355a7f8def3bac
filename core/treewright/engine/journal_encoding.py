"""What the journal keeps of a call: its results as bytes, and a digest of what was asked.

Results are compact JSON (floats by ``repr``, so exact; NaN and infinities as Python writes them;
blobs by hash), never pickle.

| method          | its result as JSON                                              |
|-----------------|-----------------------------------------------------------------|
| propose         | ``[[[content, log-probability, tokens, finish, encoding], …], usage, failed]`` |
| score           | ``[value, steps, reason, usage]``                               |
| log_likelihood  | ``[value, tokens, reason, usage]``                              |
| retrieve        | ``[[id, content, similarity, provenance], …]``                  |
| any, failed     | ``"reason"``                                                    |

A step's encoding is ``[vocabulary, [id, …]]``.

What is empty at the end of a list is left out.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from treewright.engine.calls import Failure
from treewright_registry import (
    NO_CONTEXT,
    NO_USAGE,
    Context,
    Encoding,
    Hit,
    Likelihood,
    LikelihoodRequest,
    Payload,
    Problem,
    Proposals,
    ProposeRequest,
    RetrieveRequest,
    Score,
    ScoreRequest,
    Step,
    Trajectory,
    Usage,
    from_json,
    to_json,
)

_DIGEST_SIZE = 8  # bytes; it guards against changed code and data, not against an adversary
_NO_DIGEST = bytes(_DIGEST_SIZE)
_PLAIN_NUMBERS = (float, int, type(None))


def _plain(value: Any) -> Any:
    """Scalars of array libraries as Python's own."""
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"{type(value).__name__} is no JSON value")
    return item()


_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
_load = json.JSONDecoder().decode


def encode(method: str, outcome: Any) -> bytes:
    """The outcome of a request of ``method`` as bytes.

    Raises:
        TypeError, ValueError: it holds something that JSON cannot.
    """
    value = outcome.reason if isinstance(outcome, Failure) else _WRITERS[method](outcome)
    return _dump(value).encode("utf-8", "surrogatepass")  # a tokenizer may cut a character in two


def decode(method: str, data: bytes) -> Any:
    """The outcome that ``encode`` wrote."""
    value = _load(data.decode("utf-8", "surrogatepass"))
    return Failure(value) if isinstance(value, str) else _READERS[method](value)


def is_plain(outcome: Any) -> bool:
    """Whether ``decode`` would give back the very same: text and plain numbers only, the usual case."""
    if type(outcome) is Proposals:
        for content, likely, tokens, _, encoding in outcome.steps:
            if type(content) is not str or type(tokens) is not int or type(likely) not in _PLAIN_NUMBERS:
                return False
            if encoding is not None and not _is_plain_encoding(encoding):
                return False
    elif type(outcome) is not Score or type(outcome.value) is not float or outcome.steps:
        return False
    return all(type(amount) is int for amount in outcome.usage)


def _is_plain_encoding(encoding: Encoding) -> bool:
    if type(encoding) is not Encoding or type(encoding.vocabulary) is not str or type(encoding.ids) is not tuple:
        return False
    return set(map(type, encoding.ids)) <= {int}


def has_failed(outcome: Any) -> bool:
    """Whether the request has no usable result: its call failed, or its score says why there is none."""
    return isinstance(outcome, Failure) or getattr(outcome, "reason", None) is not None


def _write_proposals(result: Proposals) -> list[Any]:
    steps = [_write_step(step) for step in result.steps]
    if result.failed:
        return [steps, result.usage, result.failed]
    return [steps] if result.usage == NO_USAGE else [steps, result.usage]


def _read_proposals(value: list[Any]) -> Proposals:
    return Proposals(
        [_read_step(*step) for step in value[0]], _usage(value[1:2]), tuple(value[2]) if len(value) > 2 else ()
    )


def _write_step(step: Step) -> list[Any]:
    content, likely, tokens, finish, encoding = step
    kept = [to_json(content), likely, tokens, finish]
    return kept if encoding is None else [*kept, encoding]


def _read_step(content: Any, likely: Any, tokens: Any, finish: Any, encoding: Any = None) -> Step:
    drawn = None if encoding is None else Encoding(encoding[0], tuple(encoding[1]))
    return Step(from_json(content), likely, tokens, finish, drawn)


def _write_score(result: Score) -> list[Any]:
    kept = [result.value, result.steps, result.reason]
    return kept if result.usage == NO_USAGE else [*kept, result.usage]


def _read_score(value: list[Any]) -> Score:
    return Score(value[0], tuple(value[1]), value[2], _usage(value[3:]))


def _write_likelihood(result: Likelihood) -> list[Any]:
    kept = [result.log_probability, result.tokens, result.reason]
    return kept if result.usage == NO_USAGE else [*kept, result.usage]


def _read_likelihood(value: list[Any]) -> Likelihood:
    return Likelihood(value[0], value[1], value[2], _usage(value[3:]))


def _write_hits(result: Any) -> list[Any]:
    return [[hit.id, to_json(hit.content), hit.similarity, hit.provenance] for hit in result]


def _read_hits(value: list[Any]) -> list[Hit]:
    return [Hit(id_, from_json(content), similarity, source) for id_, content, similarity, source in value]


def _usage(rest: list[Any]) -> Usage:
    return Usage(*rest[0]) if rest else NO_USAGE


_WRITERS: dict[str, Callable[[Any], list[Any]]] = {
    "propose": _write_proposals,
    "score": _write_score,
    "log_likelihood": _write_likelihood,
    "retrieve": _write_hits,
}
_READERS: dict[str, Callable[[list[Any]], Any]] = {
    "propose": _read_proposals,
    "score": _read_score,
    "log_likelihood": _read_likelihood,
    "retrieve": _read_hits,
}


class Digests:
    """Digests of the requests of one problem: equal requests, equal digests.

    Content never names a draw; it is compared when a call is replayed, to notice that the
    configuration, the data or a component has changed since.
    """

    __slots__ = ("_problem", "_prompt")

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._prompt = _prompt_digest(problem)

    def of(self, request: Any) -> bytes:
        """Eight bytes for everything that a component gets to see."""
        try:
            content = _PARTS[type(request)](self, request)
        except (TypeError, ValueError):  # steps that are no JSON; the problem ends with that error anyway
            return _NO_DIGEST
        return hashlib.blake2b(content, digest_size=_DIGEST_SIZE).digest()

    def _propose(self, request: ProposeRequest) -> bytes:
        trajectory, n, seed, sampling, context, _ = request  # the allowance follows from the calls before
        return self._path(trajectory) + f"{n} {seed} {tuple(sampling)}".encode() + _context(context)

    def _score(self, request: ScoreRequest) -> bytes:
        return self._path(request.trajectory) + b"%d" % request.seed + _context(request.context)

    def _likelihood(self, request: LikelihoodRequest) -> bytes:
        return self._path(request.trajectory) + f"{tuple(request.sampling)}".encode() + _context(request.context)

    def _retrieve(self, request: RetrieveRequest) -> bytes:
        path = b"" if request.trajectory is None else self._path(request.trajectory)
        return path + b"%d" % request.k + _payload(request.query)

    def _path(self, trajectory: Trajectory) -> bytes:
        problem = trajectory.problem
        prompt = self._prompt if problem is self._problem else _prompt_digest(problem)
        return prompt + trajectory.key


_PARTS: dict[type, Callable[[Digests, Any], bytes]] = {
    ProposeRequest: Digests._propose,
    ScoreRequest: Digests._score,
    LikelihoodRequest: Digests._likelihood,
    RetrieveRequest: Digests._retrieve,
}


def _prompt_digest(problem: Problem) -> bytes:
    try:
        facts = json.dumps([to_json(problem.prompt), dict(problem.metadata)], sort_keys=True, default=_type_name)
    except (TypeError, ValueError):  # keys that cannot be sorted: the id has to do
        facts = problem.id
    return hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_SIZE).digest()


def _type_name(value: object) -> str:
    return type(value).__name__  # facts that are no JSON have no form that is the same in every process


def _context(context: Context) -> bytes:
    if context is NO_CONTEXT:
        return b""
    hits = [[hit.id, to_json(hit.content)] for hit in context.hits]
    peers = [peer.key.hex() for peer in context.peers]
    return _payload([hits, to_json(context.instruction), peers])


def _payload(payload: Payload) -> bytes:
    return json.dumps(to_json(payload), sort_keys=True).encode()
