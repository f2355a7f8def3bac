"""Checkpoints: tokenizers and causal language models from folders, with errors that say what to do.

A model is named by

- a folder in the usual layout (``config.json``, ``model.safetensors`` or its shards with an index,
  ``tokenizer.json``, ``tokenizer_config.json``, optionally ``chat_template.jinja``),
- ``package:folder``, a folder within an installed package, or
- a hub name ``owner/model``: taken from the local cache, and fetched only with ``download=True``.

``./owner/model`` is a folder and never a hub name; write folders so, that a missing one is told at once.

Weights are read from safetensors only. Code that comes with a checkpoint runs only if asked for.
Nothing heavy is imported before something is loaded.
"""

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from treewright_registry import ConfigurationError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Precision: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

_RESOURCE = re.compile(r"(?P<package>[A-Za-z_][\w.]+):(?P<folder>[^:\\]+)")  # one letter would be a drive
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_VOCABULARIES = ("vocab*", "*.model", "*.tiktoken", "tekken.json")  # of tokenizers without a tokenizer.json
_PICKLED = ("*.bin", "*.pt", "*.pth")
_NOTHING = 60  # a logging level above all others
_FINGERPRINT_SIZE = 6  # bytes: it tells vocabularies apart, it does not guard against an adversary


def resolve(model: str) -> Path | str:
    """The folder that ``model`` names, or the hub name as it stands.

    Raises:
        ConfigurationError: there is no such folder or package.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    found = _RESOURCE.fullmatch(model)
    if found:
        return _in_package(model, found["package"], found["folder"])
    if _HUB_NAME.fullmatch(model) and not folder.exists():
        return model
    what = "is a file; name the folder that holds it" if folder.is_file() else "does not exist"
    raise ConfigurationError(
        f"model '{model}': the folder {folder.absolute()} {what}"
        "\n    a model is a folder, 'package:folder' or a hub name 'owner/model'"
    )


def check_folder(model: str, *, trust_remote_code: bool = False) -> Path | str:
    """What ``model`` names, if all that can be seen without loading is in order; a hub name passes.

    Raises:
        ConfigurationError: there is no such folder, or it holds no checkpoint that would be loaded.
    """
    place = resolve(model)
    if isinstance(place, Path):
        _check_files(place, trust_remote_code)
    return place


def check_tokenizer(model: str) -> Path | str:
    """What ``model`` names, if it is a folder with a tokenizer's files; a hub name passes.

    Raises:
        ConfigurationError: there is no such folder, or no tokenizer in it.
    """
    place = resolve(model)
    if isinstance(place, Path) and not (place / "tokenizer.json").is_file() and not _any(place, *_VOCABULARIES):
        raise _fault(place, "there is no tokenizer.json", "copy the tokenizer's files into the folder")
    return place


def load_tokenizer(model: str, *, download: bool = False, trust_remote_code: bool = False) -> "PreTrainedTokenizerBase":
    """The tokenizer of a checkpoint.

    The file ``tokenizer.json`` is taken as it stands: classes named after an architecture may put their
    own normaliser and pre-tokeniser in the place of the file's, and then find other tokens than the
    model was trained with.

    Raises:
        ConfigurationError: the tokenizer is missing or damaged, or the libraries are.
    """
    place = check_tokenizer(model)
    _need_libraries()
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    plain = isinstance(place, Path) and (place / "tokenizer.json").is_file()
    reader: Any = PreTrainedTokenizerFast if plain else AutoTokenizer
    options = {} if plain else {"trust_remote_code": trust_remote_code}
    with _explained(place, "tokenizer"), _quiet():
        tokenizer: PreTrainedTokenizerBase = reader.from_pretrained(place, local_files_only=not download, **options)
    return tokenizer


def load_causal_lm(
    model: str,
    *,
    dtype: Precision = "auto",
    device: str = "auto",
    download: bool = False,
    trust_remote_code: bool = False,
) -> "PreTrainedModel":
    """The causal language model of a checkpoint, on its device and ready to be asked.

    Args:
        model: see the module.
        dtype: ``auto`` is float32 on a CPU and the checkpoint's own on an accelerator.
        device: ``auto`` takes an accelerator if there is one.
        download: whether a hub name may be fetched.
        trust_remote_code: whether code that comes with the checkpoint may run.

    Raises:
        ConfigurationError: something is missing, damaged, foreign or not supported.
    """
    place = check_folder(model, trust_remote_code=trust_remote_code)
    _need_libraries()
    from transformers import AutoModelForCausalLM

    target = pick_device(device)
    reader: Any = AutoModelForCausalLM
    with _explained(place, "weights"), _quiet():
        loaded, report = reader.from_pretrained(
            place,
            dtype=_torch_type(dtype, target),
            local_files_only=not download,
            trust_remote_code=trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
        )
    _check_weights(place, report)
    network: PreTrainedModel = loaded.to(target).requires_grad_(False).eval()
    return network


def vocabulary_fingerprint(tokenizer: "PreTrainedTokenizerBase") -> str:
    """Twelve hexadecimal digits that two tokenizers share exactly if equal ids mean equal text.

    It covers the tokens by id and how they are put together, and nothing that may change in use.
    """
    vocabulary = sorted((number, token) for token, number in tokenizer.get_vocab().items())
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = type(tokenizer).__name__ if backend is None else json.loads(backend.to_str())["decoder"]
    text = json.dumps([vocabulary, decoder], sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_FINGERPRINT_SIZE).hexdigest()


def pick_device(name: str) -> "torch.device":
    """The device of that name; ``auto`` is the accelerator if there is one, else the CPU.

    Raises:
        ConfigurationError: there is no such device here.
    """
    _need_libraries()
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError(f"device '{name}' cannot be used: {reason}\n    set  device: auto  or  cpu") from error
    if device.type == "meta":
        raise ConfigurationError("device 'meta' computes nothing\n    set  device: auto  or  cpu")
    return device


def _torch_type(name: Precision, device: "torch.device") -> Any:
    import torch

    if name == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def _in_package(model: str, package: str, folder: str) -> Path:
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    roots = [] if found is None else [Path(root) for root in found.submodule_search_locations or ()]
    if not roots:
        raise ConfigurationError(f"model '{model}': there is no package '{package}'; install the plugin that has it")
    for root in roots:
        if (root / folder).is_dir():
            return root / folder
    raise ConfigurationError(f"model '{model}': package '{package}' has no folder '{folder}' (looked in {roots[0]})")


def _check_files(folder: Path, trust_remote_code: bool) -> None:
    """Refuse what can be seen without loading, in words of our own."""
    config = _read_config(folder)
    if config.get("auto_map") and not trust_remote_code:
        from transformers import CONFIG_MAPPING

        if config["model_type"] not in CONFIG_MAPPING:
            raise _fault(
                folder,
                "config.json asks for code that comes with the checkpoint (auto_map)",
                "read that code; if you trust it, set  trust_remote_code: true",
            )
    if not any((folder / name).is_file() for name in _WEIGHTS):
        if _any(folder, *_PICKLED):
            raise _fault(
                folder,
                "the weights are pickled files (.bin, .pt), which may hold code",
                "save them as safetensors first: model.save_pretrained(folder) of transformers does",
            )
        raise _fault(folder, "there is no model.safetensors", "download or copy the weights into the folder")


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _fault(folder, "there is no config.json", "is this the folder of a checkpoint?") from None
    except (OSError, ValueError) as error:
        raise _fault(folder, f"config.json cannot be read: {error}", "download or copy the file again") from error
    if not isinstance(config, dict) or "model_type" not in config:
        raise _fault(folder, "config.json does not say 'model_type'", "is this the folder of a language model?")
    return config


def _check_weights(place: Path | str, report: dict[str, Any]) -> None:
    """Refuse weights that do not fill the model: what is missing would be drawn at random."""
    missing = sorted(report["missing_keys"])
    if missing:
        raise _fault(
            place,
            f"the weights lack {len(missing)} tensors that config.json asks for, e.g. '{missing[0]}'",
            "config.json and weights must be of the same model; copy both again",
        )
    unexpected = sorted(report["unexpected_keys"])
    if unexpected:
        raise _fault(
            place,
            f"the weights hold {len(unexpected)} tensors that the model has no place for, e.g. '{unexpected[0]}'",
            "is this a causal language model? a reward model's head needs a reader of its own",
        )


@contextmanager
def _explained(place: Path | str, what: str) -> Iterator[None]:
    """Turn what the libraries raise into an error that names place, cause and remedy."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # a damaged file may raise anything in the readers
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        raise _fault(
            place, f"the {what} cannot be loaded: {cause}", _remedy(place, type(error).__name__, cause)
        ) from error


def _remedy(place: Path | str, kind: str, cause: str) -> str:
    if kind == "SafetensorError":
        return "model.safetensors is damaged or cut short; download or copy it again"
    if isinstance(place, str):
        return "name a local folder, or set  download: true  to fetch it from the hub"
    if "trust_remote_code" in cause:
        return "read the checkpoint's code; if you trust it, set  trust_remote_code: true"
    if "does not recognize this architecture" in cause or "Unrecognized" in cause:
        return "this release of transformers has no such causal language model; try a newer one, or another checkpoint"
    if "ignore_mismatched_sizes" in cause:
        return "config.json and weights must be of the same model; copy both again"
    return "check the files of the folder, or download them again"


def _fault(place: Path | str, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"model '{place}': {what}\n    {remedy}")


def _any(folder: Path, *patterns: str) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in patterns)


def _need_libraries() -> None:
    absent = [name for name in ("torch", "transformers", "safetensors") if importlib.util.find_spec(name) is None]
    if absent:
        raise ConfigurationError(
            f"local language models need {', '.join(absent)}\n    install: pip install 'treewright[language]'"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and reports of the library while it loads; errors are told by us."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging  # it ships no complete types
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(_NOTHING)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
