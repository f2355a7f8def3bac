"""The embedded process reward model: the target's network with a head that also sees likelihoods."""

from pathlib import Path
from typing import Any

import torch

from treewright_math.embedded_world.export import as_llama, with_output_biases, write_folder
from treewright_math.reward_readers.likelihood_head import NUMBERS
from treewright_math.reward_readers.recipe import LaidOut
from treewright_math.reward_readers.step_likelihoods import Seen, seen


class ProcessRewardModel(torch.nn.Module):
    """Backbone and head of recipe ``likelihood-head``.

    Args:
        backbone: a ``Qwen2Model``; its embedding is the output layer too.
    """

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        width = backbone.config.hidden_size + NUMBERS
        self.model = backbone
        self.score = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

    def seen(self, ids: torch.Tensor, answers: tuple[LaidOut, ...]) -> Seen:
        """What the head gets of a batch.

        Args:
            ids: token ids, (answers, length), padded on the right.
            answers: how each is read.
        """
        # padding stands on the right and attention is causal: no mask is needed
        hidden = self.model(input_ids=ids, use_cache=False).last_hidden_state
        return seen(hidden, self.model.embed_tokens.weight, answers)


def export(model: ProcessRewardModel, folder: Path) -> None:
    """Write config, float16 weights (as Llama, like the language models) and tokenizer."""
    how = {"recipe": "likelihood-head", "separator": "\n"}
    config, tensors = as_llama(model.model.config), with_output_biases(model.state_dict())
    write_folder(folder, config, "LlamaForProcessRewardModel", tensors, treewright=how)
