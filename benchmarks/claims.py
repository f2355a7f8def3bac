"""The claims that the replication table must hold, system by system.

A row whose ``ours`` is empty has not been measured yet; it stays in the table so that nobody has to
look for what is missing. Paper values are those of the references; ``None`` where none is known.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One claim.

    Attributes:
        system: key of the system, as in ``make replicate ONLY=…``.
        claim: what the paper says, as a statement that a figure can contradict.
        paper_value: the paper's figure.
        ours: our figure, as a difference where the claim compares.
        low, high: its 95 % interval.
        n: problems.
        unit: of ``ours``.
        holds: whether the interval supports the claim.
        command: what reproduces the figure.
    """

    system: str
    claim: str
    paper_value: str | None = None
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""
    holds: bool | None = None
    command: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row as written to JSON."""
        return asdict(self)


CLAIMS = (
    Row("r2", "retrieval beats no retrieval"),
    Row("r2", "coarse retrieval alone helps"),
    Row("r2", "fine retrieval alone helps"),
    Row("metastone", "effort medium beats low"),
    Row("metastone", "effort high beats medium"),
    Row("metastone", "geometric mean at least equals product"),
    Row("metastone", "process score beats last step"),
    Row("k-mse", "top-1 on MolPuzzle exceeds K-MSE with GPT-4o", "57.8 %"),
    Row("k-mse", "tree search beats best-of-n at equal budget"),
    Row("k-mse", "the knowledge base helps"),
    Row("k-mse", "the scorer helps"),
    Row("reasonflux-prm", "selection of training data by the reward helps"),
    Row("reasonflux-prm", "the dense reward helps GRPO"),
    Row("reasonflux-prm", "best-of-n with the reward beats majority"),
    Row("gan-rm", "best-of-n with the reward improves images"),
    Row("gan-rm", "a few hundred preference-free examples suffice"),
    Row("gan-rm", "SFT on selected images improves the generator"),
    Row("gan-rm", "DPO with the reward improves the generator"),
    Row("specs", "accuracy at least equals beam search at less latency", "up to 19.1 % less latency"),
    Row("specs", "the exact law of the block"),
    Row("eqa-rm", "accuracy rises with the number of critiques"),
    Row("eqa-rm", "contrastive training beats plain fine-tuning"),
    Row("eqa-rm", "the reward looks at the video"),
    Row("athena-prm", "agreement of two completers raises label precision"),
    Row("athena-prm", "few agreed labels at least equal many noisy ones"),
    Row("athena-prm", "starting from an outcome reward model helps"),
    Row("athena-prm", "up-sampling negatives helps"),
    Row("ssa", "beats majority vote"),
    Row("ssa", "beats re-ranking by a process reward model"),
    Row("gsi", "accuracy at least equals soft best-of-n of the draft"),
    Row("gsi", "latency falls", "up to 28 %"),
    Row("gsi", "the exact law with threshold"),
)
SYSTEMS = tuple(dict.fromkeys(row.system for row in CLAIMS))
