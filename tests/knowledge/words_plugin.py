"""A tiny plugin with a knowledge base of words, written to a folder as an installer would leave it."""

from pathlib import Path

ENTRY = """\
from treewright_registry import hookimpl
TREEWRIGHT_API = "1"
@hookimpl
def treewright_register(registry):
    registry.knowledge_base("words", "words_parts:Words", summary="words by their letters")
    registry.knowledge_base("careless", "words_parts:Careless", summary="builds nothing")
    registry.knowledge_base("indexed", "words_parts:Indexed", summary="words with an index")
    registry.knowledge_base("nameless", "words_parts:Nameless", summary="does not say its name")
"""
PARTS = '''\
from pathlib import Path

from treewright_knowledge import Description, Encoder, IndexSettings, KnowledgeStore, Record, amend, source_of
from treewright_registry import DataError

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Words:
    """Words of text files, one a line; near are those with the same letters."""

    index = IndexSettings()

    def __init__(self, *, shortest: int = 1, mark: str = "") -> None:
        self.shortest, self.mark = shortest, mark

    def build(self, order):
        description = Description(
            component=order.component,
            options=order.options,
            encoder=Encoder("letters", "1"),
            sources=tuple(source_of(path, licence="CC0") for path in order.sources),
            licence="CC0",
            created=order.created,
        )
        words = [record for path in order.sources for record in self._records(path)]
        tell = lambda done: order.progress("encode", done, len(words))
        how = {"index": self.index, "chunk": 2, "progress": tell}
        KnowledgeStore.build(order.out, words, self._encode, description, **how).close()
        return {"longest": max(len(word.id) for word in words), "mean length": 4.0}

    def extend(self, order):
        words = [record for path in order.sources for record in self._records(path)]
        amend(order.out, add=words, encode=self._encode, sources=[source_of(path) for path in order.sources]).close()
        return {"added": len(words)}

    def search(self, folder, query, k):
        if not set(query) <= set(LETTERS):
            raise DataError(f"query '{query}': only the letters a to z are known")
        with KnowledgeStore.open(folder) as store:
            hits = store.search([self._vector(query)], k)[0]
        return [hit._replace(content=hit.content + self.mark) for hit in hits]

    def shipped(self):
        return Path(__file__).with_name("shipped-words")

    @staticmethod
    def named(name):
        return Path(__file__).with_name("shipped-words") if name == "small/words" else None

    def _records(self, path):
        for number, word in enumerate(path.read_text().split(), 1):
            if not word.isalpha():
                raise DataError(f"{path}:{number}: '{word}' is no word")
            if len(word) >= self.shortest:
                yield Record(word, word.upper(), f"{path.name}:{number}")

    def _encode(self, records):
        return [self._vector(record.id) for record in records]

    def _vector(self, word):
        return [word.count(letter) for letter in LETTERS]


class Indexed(Words):
    def __init__(self, *, shortest: int = 1, mark: str = "", index: str = "exact", breadth: int = 0) -> None:
        super().__init__(shortest=shortest, mark=mark)
        self.index = IndexSettings(index, breadth=breadth)


class Careless(Words):
    extend = None

    def build(self, order):
        return {}

    def shipped(self):
        return None


class Nameless(Words):
    def build(self, order):
        KnowledgeStore.build(order.out, self._records(order.sources[0]), self._encode, Description()).close()
        return {}
'''


def install(folder: Path) -> Path:
    """Write the distribution ``treewright-toy``; returns the folder for Python's path."""
    folder.mkdir()
    (folder / "words_entry.py").write_text(ENTRY, encoding="utf-8")
    (folder / "words_parts.py").write_text(PARTS, encoding="utf-8")
    info = folder / "treewright_toy-0.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: treewright-toy\nVersion: 0.3\n")
    (info / "entry_points.txt").write_text("[treewright.plugins]\ntoy = words_entry\n")
    return folder
