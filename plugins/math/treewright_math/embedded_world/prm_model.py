"""The embedded process reward model: the target's network with a two-class head, in the form of Qwen2.5-Math-PRM."""

from pathlib import Path
from typing import Any

import torch

from treewright_math.embedded_world.export import write_folder
from treewright_math.embedded_world.prompts import IM_END, IM_START, with_step_marks
from treewright_math.reward_readers.qwen_math_prm import SYSTEM


class ProcessRewardModel(torch.nn.Module):
    """Backbone and head; the names of the weights are those of the published checkpoint.

    Args:
        backbone: a ``Qwen2Model``.
    """

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        hidden = backbone.config.hidden_size
        self.model = backbone
        self.score = torch.nn.Sequential(torch.nn.Linear(hidden, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 2))

    def logits(self, ids: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """Two logits at each mark.

        Args:
            ids: token ids, (rows, length), padded on the right.
            marks: where to read, bool, same shape.
        """
        hidden = self.model(input_ids=ids, use_cache=False).last_hidden_state[marks]
        logits: torch.Tensor = self.score(hidden)
        return logits


def marked_text(problem: str, lines: tuple[str, ...]) -> str:
    """Exactly what recipe ``qwen2.5-math-prm`` reads (a test compares them)."""
    head = f"{IM_START}system\n{SYSTEM}{IM_END}\n{IM_START}user\n{problem}{IM_END}\n{IM_START}assistant\n"
    return f"{head}{with_step_marks(lines)}{IM_END}\n"


def export(model: ProcessRewardModel, folder: Path) -> None:
    """Write config, float16 weights and tokenizer."""
    how = {"recipe": "qwen2.5-math-prm", "separator": "\n"}  # the architecture alone does not tell the recipe
    config, tensors = model.model.config, model.state_dict()
    write_folder(folder, config, "Qwen2ForProcessRewardModel", tensors, num_labels=2, treewright=how)
