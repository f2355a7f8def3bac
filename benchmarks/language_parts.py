"""What the language benchmarks share: a checkpoint, questions, a reward that costs nothing, one run of the engine."""

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID251 - it measures a plugin

from treewright.aggregators.best import Best
from treewright.engine.local import ListFeed, run_local
from treewright.engine.solving import Solution
from treewright.pipeline import CallSettings, ComponentSpec, PipelineSpec
from treewright_language.transformers_policy import TransformersPolicy
from treewright_registry import (
    JSON,
    Descriptor,
    Key,
    Problem,
    Proposals,
    ProposeRequest,
    Score,
    ScoreRequest,
    Trajectory,
    Verdict,
)

STEPS = 6
EMBEDDED = "treewright_math:data/target"
_WORDS = ["apples", "books", "coins", "pears", "stamps", "tickets"]


def checkpoint(name: str | None, folder: Path) -> str:
    """The model that was asked for; else the embedded target if it is there, else a random one of its size."""
    if name is not None:
        return name
    from treewright_language.checkpoints import resolve
    from treewright_registry import ConfigurationError

    try:
        resolve(EMBEDDED)
    except ConfigurationError:
        return str(random_checkpoint(folder))
    return EMBEDDED


def random_checkpoint(folder: Path) -> Path:
    """Qwen2 of hidden size 160 with 5 layers and random weights; bytes as tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {
        token: number for number, token in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])
    }
    plain = Tokenizer(models.BPE(vocabulary, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=special[0]).save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=512,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=5,
        num_attention_heads=5,
        num_key_value_heads=5,
        max_position_embeddings=2048,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


def question(number: int, worked: int = 0) -> Problem:
    """A word problem of about a hundred characters, after so many worked ones."""
    key = Key.root(0, number)
    a, b, c = (2 + key.child(i).seed % 90 for i in range(3))
    thing = _WORDS[number % len(_WORDS)]
    text = f"Ann has {a} {thing}. Ben has {b} more {thing} than Ann. They buy {c} more. How many {thing} are there?"
    others = [question(1000 * (number + 1) + place) for place in range(worked)]
    examples = [f"{other.prompt}\nThe answer is {other.metadata['answer']}.\n" for other in others]
    return Problem(f"q{number}", "".join(examples) + text, {"answer": 2 * a + b + c})


class Questions:
    """Word problems; any text is an answer."""

    has_references = False

    def __init__(self, *, count: int = 64, worked: int = 0) -> None:
        self.count = count
        self.worked = worked

    def problems(self) -> Iterator[Problem]:
        return (question(number, self.worked) for number in range(self.count))

    def extract(self, trajectory: Trajectory) -> JSON:
        return trajectory.text

    def canonical(self, answer: JSON) -> Hashable:
        return str(answer)

    def grade(self, problem_id: str, answer: JSON) -> Verdict:
        return Verdict(None)


class Chance:
    """A reward that says nothing: a number drawn by the trajectory's content."""

    level = "step"
    range = (0.0, 1.0)
    link = "probability"

    def score(self, requests: list[ScoreRequest]) -> list[Score]:
        return [Score(int.from_bytes(request.trajectory.key[:6], "little") / 2**48) for request in requests]


class Watched(TransformersPolicy):
    """The policy, within reach of the benchmark; an answer is complete with its sixth step."""

    built: "Watched"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        type(self).built = self

    def propose(self, requests: Sequence[ProposeRequest]) -> list[Proposals]:
        answers = super().propose(requests)
        return [
            answer._replace(steps=[step._replace(finish="stop") for step in answer.steps])
            if request.trajectory.depth + 1 >= STEPS
            else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    def ids_of(self, request: ProposeRequest) -> tuple[int, ...]:
        """What stands before the steps that are asked for, as tokens."""
        ready = self._tokens.to_draw(request, None)
        assert not isinstance(ready, str), ready
        return ready.ids

    @property
    def network(self) -> Any:
        """The model of transformers."""
        return self._writer._reader._network._model


class Run:
    """One run of the engine, timed from the moment when all is built.

    Attributes:
        wall, cpu: seconds.
        tokens: that the policy generated.
        solutions: by problem.
        policy: the one that was used.
    """

    def __init__(
        self,
        search: type[Any],
        search_options: Mapping[str, Any],
        policy_options: Mapping[str, Any],
        *,
        problems: int,
        live: int,
        batch: int,
        policy: type[Watched] = Watched,
        worked: int = 0,
    ) -> None:
        self.solutions: dict[str, Solution] = {}
        start: list[float] = []

        def ready() -> None:
            start[:] = [time.perf_counter(), time.process_time()]

        spec = PipelineSpec(
            task=_part("task", Questions, {"count": problems, "worked": worked}),
            search=_part("search", search, search_options),
            aggregator=_part("aggregator", Best),
            roles={
                "policy": _part("policy", policy, policy_options, CallSettings(batch=batch)),
                "scorer": _part("scorer", Chance),
            },
            live=live,
        )
        feed = ListFeed(Questions(count=problems, worked=worked).problems())
        run_local(spec, feed, lambda made: self.solutions.__setitem__(made.problem_id, made), ready=ready)
        self.wall, self.cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        errors = [solution.error for solution in self.solutions.values() if solution.error]
        assert not errors, errors[0]
        self.tokens = int(sum(made.cost["policy"]["generated_tokens"] for made in self.solutions.values()))
        self.policy = policy.built

    def seconds(self, clock: str) -> float:
        """By the wall clock, or of the processor."""
        return self.wall if clock == "wall" else self.cpu


def _part(
    kind: str,
    cls: type[Any],
    options: Mapping[str, Any] | None = None,
    call: CallSettings = CallSettings(),  # noqa: B008
) -> ComponentSpec:
    return ComponentSpec(Descriptor(kind, f"bench/{cls.__name__.lower()}", cls), options or {}, call)
