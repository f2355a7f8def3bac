"""The names of the knowledge bases that come with the plugin, and of the encoder."""

import pytest

from treewright_knowledge import is_store, read_manifest
from treewright_math.retrieval import encoders
from treewright_math.retrieval.problems import Problems
from treewright_registry import ConfigurationError


@pytest.mark.parametrize("level", ["problems", "steps"])
def test_the_command_line_finds_the_store_that_pipelines_name(level):
    folder = Problems.named(f"embedded/{level}")
    assert folder is not None
    assert is_store(folder)
    assert read_manifest(folder).description.options["level"] == level


def test_other_names_are_left_to_others():
    assert [Problems.named(name) for name in ("embedded", "embedded/words", "problems", "")] == [None] * 4


def test_an_encoder_that_is_not_there_is_refused_with_the_one_that_is(monkeypatch):
    def refuse(name):
        raise ConfigurationError(f"encoder '{name}': there is no such folder")

    monkeypatch.setattr(encoders, "SentenceEncoder", refuse)
    with pytest.raises(ConfigurationError) as error:
        encoders.encoder_named("embeded")
    assert str(error.value) == (
        "encoder 'embeded': there is no such folder\n    or take the one that comes with the plugin: embedded"
    )
