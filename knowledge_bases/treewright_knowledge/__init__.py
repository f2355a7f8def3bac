"""Knowledge-base stores: records, vectors and a manifest in one folder, searched exactly.

A store is built once, in a stream and atomically, and never changed afterwards; it opens
memory-mapped. It knows nothing of what its records mean nor how a query becomes a vector: a domain
plugin's component of kind ``knowledge_base`` does. Importing this package loads neither numpy nor
FAISS; they come with the extra ``knowledge``.
"""

from treewright_knowledge.builder import StoreBuilder
from treewright_knowledge.checksums import FileEntry
from treewright_knowledge.description import Description, Encoder, Source, source_of
from treewright_knowledge.manifest import FORMAT_VERSION, Manifest, is_store, read_manifest
from treewright_knowledge.records import Record
from treewright_knowledge.replacing import check_target
from treewright_knowledge.store import KnowledgeStore

__all__ = [
    "FORMAT_VERSION",
    "Description",
    "Encoder",
    "FileEntry",
    "KnowledgeStore",
    "Manifest",
    "Record",
    "Source",
    "StoreBuilder",
    "check_target",
    "is_store",
    "read_manifest",
    "source_of",
]
