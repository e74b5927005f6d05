"""Files of an index folder: layout, manifests, vectors, locks, atomic writes."""

from __future__ import annotations

from indexer.storage.atomic_files import replace_file, sha256_of, sync_file, sync_folder
from indexer.storage.generations import (
    adopt_segment,
    generations,
    live_generation,
    make_live,
    new_generation,
    publish,
    remove_empty_staging,
    remove_orphans,
)
from indexer.storage.key_lookup import KeyArray, Lookup, content_key, content_keys, id_key, id_keys
from indexer.storage.layout import (
    ADAPTED_FILES,
    COLOUR_FILES,
    FEATURE_FILES,
    KEYWORDS_META,
    LOOKUP_FILES,
    SEGMENT_FILES,
    TEXT_FILES,
    Layout,
    SegmentLayout,
    is_keyword_file,
    keyword_file,
)
from indexer.storage.manifest import Manifest, read_manifest
from indexer.storage.memory_map import is_mapped, load_array, map_file
from indexer.storage.records import (
    TUNED_KINDS,
    AdaptationRecord,
    Effort,
    EncoderRecord,
    FileRecord,
    IndexKind,
    NamedFile,
    NeighboursRecord,
    QueryKind,
    SegmentRecord,
    TaggingRecord,
)
from indexer.storage.row_sets import Mask, RowSet, format_ranges, parse_ranges
from indexer.storage.vectors import MappedVectors, searched_vectors, to_float32
from indexer.storage.verification import FileState, verify_file, verify_segment
from indexer.storage.write_lock import exclusive_writing, hold_write_lock

__all__ = [
    "ADAPTED_FILES",
    "COLOUR_FILES",
    "FEATURE_FILES",
    "KEYWORDS_META",
    "LOOKUP_FILES",
    "SEGMENT_FILES",
    "TEXT_FILES",
    "TUNED_KINDS",
    "AdaptationRecord",
    "Effort",
    "EncoderRecord",
    "FileRecord",
    "FileState",
    "IndexKind",
    "KeyArray",
    "Layout",
    "Lookup",
    "Manifest",
    "MappedVectors",
    "Mask",
    "NamedFile",
    "NeighboursRecord",
    "QueryKind",
    "RowSet",
    "SegmentLayout",
    "SegmentRecord",
    "TaggingRecord",
    "adopt_segment",
    "content_key",
    "content_keys",
    "exclusive_writing",
    "format_ranges",
    "generations",
    "hold_write_lock",
    "id_key",
    "id_keys",
    "is_keyword_file",
    "is_mapped",
    "keyword_file",
    "live_generation",
    "load_array",
    "make_live",
    "map_file",
    "new_generation",
    "parse_ranges",
    "publish",
    "read_manifest",
    "remove_empty_staging",
    "remove_orphans",
    "replace_file",
    "searched_vectors",
    "sha256_of",
    "sync_file",
    "sync_folder",
    "to_float32",
    "verify_file",
    "verify_segment",
]
