"""Knowledge-base stores: records, vectors, a search structure and a manifest in one folder.

A store is built in a stream and atomically and opens memory-mapped; ``amend`` replaces it, atomically
too, by one with records added or removed or with another index. It knows nothing of what its records mean
nor how a query becomes a vector: a domain plugin's component of kind ``knowledge_base`` does. Importing
this package loads neither numpy nor FAISS; they come with the extra ``knowledge``.
"""

from treewright_knowledge.amending import amend
from treewright_knowledge.builder import StoreBuilder
from treewright_knowledge.cached_store import cached_store
from treewright_knowledge.checksums import FileEntry
from treewright_knowledge.description import Description, Encoder, Source, source_of
from treewright_knowledge.index_settings import INDEXES, IndexKind, IndexSettings
from treewright_knowledge.locking import changing
from treewright_knowledge.manifest import FORMAT_VERSION, Manifest, is_store, read_manifest
from treewright_knowledge.records import Record
from treewright_knowledge.replacing import WorkFolder, check_target
from treewright_knowledge.staging import staged
from treewright_knowledge.store import KnowledgeStore
from treewright_knowledge.text_encoders import SentenceEncoder, TextEncoder

__all__ = [
    "FORMAT_VERSION",
    "INDEXES",
    "Description",
    "Encoder",
    "FileEntry",
    "IndexKind",
    "IndexSettings",
    "KnowledgeStore",
    "Manifest",
    "Record",
    "SentenceEncoder",
    "Source",
    "StoreBuilder",
    "TextEncoder",
    "WorkFolder",
    "amend",
    "cached_store",
    "changing",
    "check_target",
    "is_store",
    "read_manifest",
    "source_of",
    "staged",
]
