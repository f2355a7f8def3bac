"""K-MSE's own reward, with nothing of ours in it.

    R(a) = 100 · cos(molecule, spectrum);   R(a) - 5 where R(a) > 95

Source: K-MSE (arXiv 2506.23056; ``reward_limit`` 95 and ``excess_reward_penalty`` 5 second-hand, as
``amazon-science/ExTS`` describes it). As there, a wrong formula is not capped: the encoder sees the formula
of the spectrum, and that is all. The encoder is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from treewright_registry import Score, ScoreRequest


def k_mse_reward(cosine: float, *, limit: float = 95.0, penalty: float = 5.0) -> float:
    """Return the reward of a cosine, -100 to 100."""
    reward = 100.0 * min(max(cosine, -1.0), 1.0)
    return reward - penalty if reward > limit else reward


class KMseScorer:
    """Scores whole structures by the cosine alone.

    That is the scorer; ``chemistry/assembly`` chooses what it proposes by a score of its own. The pipeline
    ``chemistry/k-mse-cosine`` guides it by the cosine too (``policy.cosine: true``, all other parts ``without``).

    ``core/self-refine-mcts`` has a limit of its own, on the scale of the declared range. Switch one of both
    off: the pipeline ``chemistry/k-mse-cosine`` sets ``search.reward_limit: 1.0``, which is to be given along
    with ``--set scorer.use=chemistry/k-mse-scorer`` too.

    Args:
        limit, penalty: rewards above the limit lose the penalty (K-MSE's values); ``limit: 100`` switches it off.
        encoder: folder of the encoder; empty for the shipped one.

    Raises:
        TableError: the encoder is missing, damaged or does not fit; names the file.
    """

    level: ClassVar[Literal["step", "outcome"]] = "outcome"
    range: ClassVar[tuple[float, float]] = (-100.0, 100.0)
    link: ClassVar[Literal["probability", "logit", "real"]] = "real"

    def __init__(self, *, limit: float = 95.0, penalty: float = 5.0, encoder: str = "") -> None:
        if not 0.0 <= penalty <= 100.0 or not 0.0 <= limit <= 100.0:
            raise ValueError(f"limit and penalty must lie between 0 and 100, not {limit} and {penalty}")
        from treewright_chemistry.encoded_spectra import EncodedSpectra

        self._limit, self._penalty = limit, penalty
        self._spectra = EncodedSpectra(encoder)

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """The reward of each trajectory's last structure; NaN with a reason if it is no structure."""
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> Score:
        from treewright_chemistry.proposed_structure import proposed_structure

        molecule = proposed_structure(request.trajectory)
        if isinstance(molecule, Score):
            return molecule
        cosine = self._spectra.cosine(request.trajectory.problem.prompt, molecule)
        return Score(k_mse_reward(cosine, limit=self._limit, penalty=self._penalty))
