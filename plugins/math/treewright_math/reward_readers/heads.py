"""The small networks on top of a backbone: linear layers with ReLU between them, built from a vendor's tensors.

Dropout of the vendors' heads does nothing when a model is only read, so there is none here. Heads compute in float32,
whatever the backbone's precision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch

from treewright_math.reward_readers.recipe import Head, Layer
from treewright_registry import ConfigurationError


def chosen_form(head: Head, names: Collection[str], recipe: str, where: str) -> tuple[Layer, ...]:
    """The form of the head whose tensors are all there.

    Args:
        head: what the recipe accepts.
        names: the tensors that there are.
        recipe: its name, for messages.
        where: file or folder, for messages.

    Raises:
        ConfigurationError: no form is complete; names what is missing.
    """
    lacking = [[name for name in required(form) if name not in names] for form in head.forms]
    for form, absent in zip(head.forms, lacking, strict=True):
        if not absent:
            return form
    ways = " or ".join(", ".join(absent) for absent in lacking)
    raise ConfigurationError(
        f"recipe '{recipe}': {where} lacks the head's tensors: {ways}"
        "\n    is this a checkpoint of that recipe? set  recipe:  to the one that it is of"
    )


def required(form: Sequence[Layer]) -> list[str]:
    """Names of the tensors that a form cannot do without."""
    return [name for layer in form for name in (layer.weight, *([] if layer.bias_optional else [layer.bias]))]


def build_head(
    form: Sequence[Layer], tensors: Mapping[str, torch.Tensor], hidden: int, recipe: str
) -> torch.nn.Sequential:
    """The network of a form.

    Args:
        form: its layers.
        tensors: the vendor's tensors by name.
        hidden: the backbone's hidden size.
        recipe: for messages.

    Raises:
        ConfigurationError: a tensor has another shape than the backbone asks for.
    """
    widths = [hidden, *(layer.width(hidden) for layer in form)]
    modules: list[torch.nn.Module] = []
    for layer, (inputs, outputs) in zip(form, pairwise(widths), strict=True):
        _check_shape(layer.weight, tensors[layer.weight], (outputs, inputs), recipe)
        linear = torch.nn.Linear(inputs, outputs, bias=layer.bias in tensors)
        state: dict[str, Any] = {"weight": tensors[layer.weight].float()}
        if layer.bias in tensors:
            _check_shape(layer.bias, tensors[layer.bias], (outputs,), recipe)
            state["bias"] = tensors[layer.bias].float()
        linear.load_state_dict(state)
        modules += [torch.nn.ReLU(), linear] if modules else [linear]
    return torch.nn.Sequential(*modules).requires_grad_(False).eval()


def _check_shape(name: str, tensor: torch.Tensor, expected: tuple[int, ...], recipe: str) -> None:
    if tuple(tensor.shape) != expected:
        raise ConfigurationError(
            f"recipe '{recipe}': tensor '{name}' of the head has shape {list(tensor.shape)}, and this backbone asks for"
            f" {list(expected)}\n    head and backbone must be of the same checkpoint"
        )
