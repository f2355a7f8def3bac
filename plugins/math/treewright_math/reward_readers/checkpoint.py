"""Weights of a reward model from its folder: safetensors only, nothing missing, nothing left over.

Code that comes with a checkpoint is never run: the backbone is the standard one that ``model_type`` in config.json
names, and the head is one of ours, filled with the vendor's tensors. Of the other tensors only the language model's
output layer (``lm_head.weight``) may be left over, since no head needs it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoModel
from transformers.utils import logging as library_logging

from treewright_language.checkpoints import Precision, pick_device, resolve
from treewright_math.reward_readers.heads import build_head, chosen_form
from treewright_math.reward_readers.recipe import Head, Recipe
from treewright_registry import ConfigurationError

_NOT_NEEDED: Final = "lm_head.weight"
_PICKLED: Final = (".pt", ".bin", ".pth")


def folder_of(model: str) -> Path:
    """The folder of a checkpoint; a hub name's is that of the local cache.

    Raises:
        ConfigurationError: there is none.
    """
    place = resolve(model)
    if isinstance(place, Path):
        return place
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(place, local_files_only=True))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"model '{model}' is not in the local cache of the hub\n    download it first:  hf download {model}"
        ) from error


def read_config(folder: Path) -> Mapping[str, Any]:
    """What config.json says.

    Raises:
        ConfigurationError: it is missing or cannot be read.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}\n    is this the folder of a checkpoint?") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path} holds no mapping\n    is this the folder of a checkpoint?")
    return config


def check_backbone(config: Mapping[str, Any], recipe: Recipe, folder: Path) -> None:
    """See that the folder's backbone is one that the recipe can have.

    Raises:
        ConfigurationError: it is another.
    """
    found = config.get("model_type")
    if found not in recipe.model_types:
        raise ConfigurationError(
            f"recipe '{recipe.name}' reads models of type {' or '.join(recipe.model_types)};"
            f" {folder / 'config.json'} says '{found}'"
            "\n    is this a checkpoint of that recipe? set  recipe:  to the one that it is of"
        )


def load_headed(
    recipe: Recipe, head: Head, folder: Path, *, device: str, dtype: Precision
) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Backbone and head of a checkpoint, on their device.

    The backbone's ``last_hidden_state`` is what the head reads: for a head on the penultimate layer the last layer
    and the final norm are taken away, which gives the same numbers as keeping all hidden states, for less.

    Raises:
        ConfigurationError: files or tensors are missing, left over or of the wrong shape; names them.
    """
    beside = weights_file(folder, head.file, recipe.name) if head.file else folder
    names = tensor_names(beside)
    form = chosen_form(head, names, recipe.name, str(beside))
    tensors = read_tensors(beside, [name for layer in form for name in (layer.weight, layer.bias) if name in names])
    spare = sorted(set(names) - set(tensors)) if head.file else []
    if spare:
        raise ConfigurationError(f"recipe '{recipe.name}': {beside} holds tensors that have no place: {_some(spare)}")
    if head.likelihoods and not read_config(folder).get("tie_word_embeddings"):
        raise ConfigurationError(
            f"recipe '{recipe.name}' takes the embedding for the output layer; {folder / 'config.json'} does not say"
            " tie_word_embeddings: true\n    is this a checkpoint of that recipe?"
        )
    target = pick_device(device)
    backbone = _load_backbone(recipe, folder, () if head.file else tensors, target, dtype)
    network = build_head(form, tensors, backbone.config.hidden_size + head.likelihoods, recipe.name)
    if head.hidden == "penultimate":
        backbone.layers = backbone.layers[:-1]
        _tell_layers(backbone.config, len(backbone.layers))
        backbone.norm = torch.nn.Identity()
    return backbone, network.to(target)


def _tell_layers(config: Any, count: int) -> None:
    """The backbone has so many layers: its keys and values are kept for these."""
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:count]
    config.num_hidden_layers = count


def weights_file(folder: Path, stem: str, recipe: str) -> Path:
    """The safetensors file of a head beside the backbone.

    Raises:
        ConfigurationError: there is none; if there is a pickled one, tells how to convert it.
    """
    path = folder / f"{stem}.safetensors"
    if path.is_file():
        return path
    for ending in _PICKLED:
        pickled = folder / f"{stem}{ending}"
        if pickled.is_file():
            raise ConfigurationError(
                f"recipe '{recipe}': {pickled} is a pickled file, which may hold code and is not loaded"
                f"\n    convert it once:  python -m treewright_math.convert_weights {pickled} {path}"
            )
    raise ConfigurationError(
        f"recipe '{recipe}' needs the head's file {path}"
        f"\n    copy it from the checkpoint (there: {stem}.pt) and convert it:"
        f"  python -m treewright_math.convert_weights {stem}.pt {path}"
    )


def tensor_names(place: Path) -> frozenset[str]:
    """Names of the tensors in a file, or in a folder's model.

    Raises:
        ConfigurationError: there is no such file, or it is damaged.
    """
    return frozenset(name for file in _files(place) for name in _names_in(file))


def read_tensors(place: Path, names: Collection[str]) -> dict[str, torch.Tensor]:
    """Some tensors of a file, or of a folder's model."""
    found: dict[str, torch.Tensor] = {}
    for file in _files(place):
        with _opened(file) as tensors:
            found.update({name: tensors.get_tensor(name) for name in tensors.keys() if name in names})
    return found


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    index = place / "model.safetensors.index.json"
    if index.is_file():
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return [place / name for name in sorted(set(shards))]
    if (place / "model.safetensors").is_file():
        return [place / "model.safetensors"]
    if any(next(place.glob(f"*{ending}"), None) for ending in _PICKLED):
        raise ConfigurationError(
            f"{place}: the weights are pickled files (.bin, .pt), which may hold code and are not loaded"
            f"\n    convert them once:  python -m treewright_math.convert_weights {place} {place}"
        )
    raise ConfigurationError(f"{place}: there is no model.safetensors\n    copy the weights into the folder")


def _names_in(file: Path) -> list[str]:
    with _opened(file) as tensors:
        return list(tensors.keys())


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, framework="pt") as tensors:
            yield tensors
    except (SafetensorError, OSError) as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error}\n    it is missing, damaged or cut short; copy it again"
        ) from error


def _load_backbone(recipe: Recipe, folder: Path, head: Collection[str], device: torch.device, dtype: Precision) -> Any:
    """The standard network of the folder's model type, without any output layer."""
    try:
        with _quiet():
            network, report = AutoModel.from_pretrained(
                folder,
                dtype=_torch_type(dtype, device),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # a damaged file may raise anything in the readers
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        raise ConfigurationError(
            f"recipe '{recipe.name}': the backbone in {folder} cannot be loaded: {cause}"
            "\n    config.json and weights must be of the same model, and complete; copy them again"
        ) from error
    missing = sorted(report["missing_keys"])
    unexpected = sorted(set(report["unexpected_keys"]) - {*head, _NOT_NEEDED})
    for what, names in (("lack tensors", missing), ("hold tensors that have no place", unexpected)):
        if names:
            raise ConfigurationError(
                f"recipe '{recipe.name}': the weights in {folder} {what}: {_some(names)}"
                "\n    is this a checkpoint of that recipe? set  recipe:  to the one that it is of"
            )
    return network.to(device).requires_grad_(False).eval()


def _torch_type(dtype: Precision, device: torch.device) -> Any:
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    return getattr(torch, dtype)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar and no report of the library while it loads: what is wrong is told by us."""
    logging: Any = library_logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(60)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
