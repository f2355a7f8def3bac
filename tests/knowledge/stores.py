"""Small stores whose contents the tests know by heart."""

import numpy as np

from treewright_knowledge import Description, Encoder, KnowledgeStore, Record, Source

DESCRIPTION = Description(
    component="toy/words",
    options={"size": 3},
    metric="dot",
    encoder=Encoder("toy/letters", "1"),
    sources=(Source("words.txt", "ab" * 32, "CC0", "https://example.org/words"),),
    licence="CC0: do as you like",
    created="2026-01-31",
)


def records(count):
    return [Record(f"r{number}", f"content {number}", f"words.txt:{number + 1}") for number in range(count)]


def whole_vectors(count, dimension=4, seed=0, most=2):
    """Small whole numbers: products are exact in float32, and many are equal."""
    random = np.random.default_rng(seed)
    return random.integers(-most, most + 1, (count, dimension)).astype(np.float32)


def of_array(vectors):
    """An encoder that hands out the rows of ``vectors`` in the order of the records."""

    def encode(chunk):
        return vectors[[int(record.id[1:]) for record in chunk]]

    return encode


def build(folder, count=20, vectors=None, description=DESCRIPTION, **options):
    vectors = whole_vectors(count) if vectors is None else vectors
    return KnowledgeStore.build(folder, records(count), of_array(vectors), description, **options)
