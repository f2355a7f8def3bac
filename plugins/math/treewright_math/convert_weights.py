"""Pickled weights (.pt, .bin) into safetensors: the one place that opens such files, and never runs what they hold.

    python -m treewright_math.convert_weights score_module.pt score_module.safetensors
    python -m treewright_math.convert_weights FOLDER FOLDER      # pytorch_model.bin, or its shards with their index

A pickled file may hold a program. Here it is read with torch's ``weights_only=True``, which builds tensors and plain
containers and refuses everything else. Names of tensors stay as they are, without the prefixes that training wrappers
put in front (``module.``, ``_orig_mod.``, ``_fsdp_wrapped_module.``).
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from treewright_registry import DataError

_WRAPPERS: Final = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
_CONTAINERS: Final = ("state_dict", "model_state_dict", "module", "model")
_INDEX: Final = "pytorch_model.bin.index.json"


def convert(source: Path, target: Path) -> list[Path]:
    """Write the tensors of ``source`` as safetensors.

    Args:
        source: a pickled file, or a folder with ``pytorch_model.bin`` or its shards.
        target: the file to write, or the folder to write the model into (may be the same folder).

    Returns:
        The files written.

    Raises:
        DataError: the source is missing, damaged, holds code, or holds something else than named tensors.
    """
    if not source.is_dir():
        return [_convert_file(source, target)]
    target.mkdir(parents=True, exist_ok=True)
    if (source / _INDEX).is_file():
        return _convert_shards(source, target)
    return [_convert_file(source / "pytorch_model.bin", target / "model.safetensors")]


def read_pickled(path: Path) -> dict[str, Any]:
    """The named tensors of a pickled file; nothing in it is run.

    Raises:
        DataError: as in ``convert``.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist\n    name a .pt or .bin file, or a folder with pytorch_model.bin")
    import pickle

    import torch

    try:
        with warnings.catch_warnings(action="ignore"):  # what it warns of (old protocols) is refused or read
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} is refused: it holds more than tensors, and that could be a program"
            f"\n    {_first_line(error)}\n    ask its author for the bare state_dict, or for safetensors"
        ) from error
    except Exception as error:  # a damaged file may raise anything in the reader
        raise DataError(f"{path} cannot be read: {_first_line(error)}\n    is it complete? copy it again") from error
    return _named_tensors(loaded, path)


def _convert_file(source: Path, target: Path) -> Path:
    tensors = read_pickled(source)
    from safetensors.torch import save_file

    if target.is_dir():
        target = target / f"{source.stem}.safetensors"
    if not target.parent.is_dir():
        raise DataError(f"{target.parent} is no folder\n    make it first, or name another target")
    save_file(tensors, target, metadata={"format": "pt"})
    return target


def _convert_shards(source: Path, target: Path) -> list[Path]:
    index = json.loads((source / _INDEX).read_text(encoding="utf-8"))
    shards = sorted(set(index["weight_map"].values()))
    names = {shard: f"model-{number:05}-of-{len(shards):05}.safetensors" for number, shard in enumerate(shards, 1)}
    written = [_convert_file(source / shard, target / names[shard]) for shard in shards]
    index["weight_map"] = {_unwrapped(name): names[shard] for name, shard in index["weight_map"].items()}
    listing = target / "model.safetensors.index.json"
    listing.write_text(json.dumps(index, indent=2, sort_keys=True), encoding="utf-8")
    return [*written, listing]


def _named_tensors(loaded: Any, path: Path) -> dict[str, Any]:
    import torch

    for name in _CONTAINERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
            break
    if not isinstance(loaded, Mapping) or not loaded:
        raise DataError(f"{path} holds {_kind(loaded)}, not named tensors\n    save the model's state_dict()")
    others = sorted(str(name) for name, value in loaded.items() if not isinstance(value, torch.Tensor))
    if others:
        raise DataError(f"{path} holds entries that are no tensors: {', '.join(others[:5])}\n    save the state_dict()")
    # cloned: safetensors refuses tensors that share memory, as tied embeddings do
    return {_unwrapped(str(name)): value.detach().clone().contiguous() for name, value in loaded.items()}


def _unwrapped(name: str) -> str:
    for prefix in _WRAPPERS:
        while name.startswith(prefix):
            name = name.removeprefix(prefix)
    return name


def _kind(loaded: Any) -> str:
    return "nothing" if isinstance(loaded, Mapping) else f"a {type(loaded).__name__}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m treewright_math.convert_weights",
        description="Turn pickled weights into safetensors without running anything that they hold.",
    )
    parser.add_argument("source", type=Path, metavar="IN", help=".pt or .bin file, or a folder with pytorch_model.bin")
    parser.add_argument("target", type=Path, metavar="OUT", help="the .safetensors file to write, or a folder")
    options = parser.parse_args(arguments)
    try:
        written = convert(options.source, options.target)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
