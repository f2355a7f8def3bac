"""``treewright train math/embedded`` as a trainer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

_TOLD = ("model", "steps", "tokens", "rate", "seed", "half", "curriculum", "crossed", "count")
"""Options that a card tells where they are not the usual ones."""


class EmbeddedTrainer:
    """Trains the embedded language models from scratch, or the embedded process reward model from the target.

    Args:
        model: ``target``, ``draft``, ``prm``, or ``tiny`` to try the recipe.
        steps: batches; 0 takes the model's own number.
        tokens: of a batch, padding included; 0 takes the model's own number.
        rate: highest learning rate; 0 takes the model's own.
        seed: of weights and examples.
        half: multiply matrices in bfloat16; weights stay float32.
        count: test problems of each greedy figure; for ``prm`` of each figure.
        sampled: of language models: test problems of each figure with 16 samples; 0 for none.
        evaluate_every: of language models: steps between two figures on validation problems.
        threads: of the processor; 0 leaves it to torch.
        start: folder of an exported model to begin with; ``""`` draws the weights, or, for ``prm``, takes the shipped
            target.
        curriculum: of language models: ``whole`` raises the depth step by step, ``shallow`` stays with short problems,
            ``full`` begins with the full mixture.
        crossed: of language models: probability that a comparison's words suggest the opposite of what its step does.
        further: for ``prm``: batches by which its network is first trained further as a language model.
        solver: for ``prm``: the folders whose sampled solutions it learns from, separated by commas.
    """

    free_on_resume: ClassVar[frozenset[str]] = frozenset({"count", "evaluate_every", "sampled", "threads"})

    def __init__(
        self,
        *,
        model: Literal["target", "draft", "prm", "tiny"] = "target",
        steps: int = 0,
        tokens: int = 0,
        rate: float = 0.0,
        seed: int = 0,
        half: bool = True,
        count: int = 300,
        sampled: int = 100,
        evaluate_every: int = 500,
        threads: int = 0,
        start: str = "",
        curriculum: Literal["whole", "shallow", "full"] = "whole",
        crossed: float = 0.15,
        further: int = 5000,
        solver: str = "treewright_math:data/target,treewright_math:data/draft",
    ) -> None:
        if min(steps, tokens, count - 1, evaluate_every - 1, threads, sampled, further) < 0 or rate < 0:
            raise ValueError(
                "steps, tokens, rate, sampled, further and threads must not be negative,"
                " count and evaluate_every be 1 or more"
            )
        if not 0 <= crossed <= 1:
            raise ValueError(f"crossed must be a probability, not {crossed}")
        if model == "prm" and (curriculum != "whole" or crossed != 0.15):
            raise ValueError("curriculum and crossed are of language models, not of model: prm")
        self._model, self._steps, self._tokens, self._rate, self._seed = model, steps, tokens, rate, seed
        self._half, self._count, self._sampled, self._every = half, count, sampled, evaluate_every
        self._threads, self._start, self._solver = threads, start, solver
        self._curriculum, self._crossed, self._further = curriculum, crossed, further

    def train(self, out: Path, resume: bool) -> Mapping[str, Any]:
        """Write the model folder with card and figures; returns held-out accuracies."""
        import torch

        if self._threads:
            torch.set_num_threads(self._threads)
        out.mkdir(parents=True, exist_ok=True)
        return self._prm(out, resume) if self._model == "prm" else self._language_model(out, resume)

    def _language_model(self, out: Path, resume: bool) -> Mapping[str, Any]:
        from transformers import AutoConfig

        from treewright_language.checkpoints import resolve
        from treewright_math.embedded_world.model_sizes import check_size
        from treewright_math.embedded_world.recipe_run import run
        from treewright_math.embedded_world.training import PLANS

        plan = PLANS[self._model]
        plan = plan._replace(
            steps=self._steps or plan.steps,
            rate=self._rate or plan.rate,
            tokens=self._tokens or plan.tokens,
            seed=self._seed,
            half=self._half,
            curriculum=self._curriculum,
            crossed=self._crossed,
        )
        begin = Path(resolve(self._start)) if self._start else None
        if begin:
            check_size(self._model, AutoConfig.from_pretrained(begin, local_files_only=True))
        evaluation = {"count": self._count, "sampled": self._sampled, "evaluate_every": self._every}
        return run(plan, out, resume, begin, command=self._command("start"), **evaluation)

    def _prm(self, out: Path, resume: bool) -> Mapping[str, Any]:
        from treewright_math.embedded_world.prm_run import run
        from treewright_math.embedded_world.prm_training import PrmPlan

        plan = PrmPlan(seed=self._seed, half=self._half, further=self._further)
        plan = plan._replace(steps=self._steps or plan.steps, rate=self._rate or plan.rate)
        plan = plan._replace(tokens=self._tokens or plan.tokens)
        start = self._start or "treewright_math:data/target"
        solvers = self._solver.split(",")
        return run(
            plan, out, resume, start, solvers, command=self._command("start", "solver", "further"), count=self._count
        )

    def _command(self, *further: str) -> str:
        """The command of this training, for its card."""
        given: dict[str, Any] = {name: getattr(self, f"_{name}") for name in (*_TOLD, *further)}
        usual: dict[str, Any] = EmbeddedTrainer.__init__.__kwdefaults__ or {}
        changed = {name: value for name, value in given.items() if value != usual[name] or name == "model"}
        settings = " ".join(f"--set {name}={value}" for name, value in changed.items())
        return f"treewright train math/embedded {settings}"
