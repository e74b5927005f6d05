"""Tagging configuration of an index and its storage: the taxonomy, its fit and the tags."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from embeddings import Encoder, FloatArray
from indexer.catalog import FieldType
from indexer.index.index import Index
from indexer.index.product_tags import field_of, tag_table
from indexer.index.tag_files import new_file, verify_tag_file, write_tags
from indexer.storage import Layout, Manifest, NamedFile, TaggingRecord, replace_file
from indexer.tagging import Fitted, Tagger, read_fitted, write_fitted
from indexer.tagging.taxonomy import Group, Label, Taxonomy, read_taxonomy

__all__ = ["NO_TAGS", "IndexTags", "TagChoice", "merge_tags", "stored_tagger", "without_tags"]

# Vectors of the index's images that labels are fitted against; more give the same fit.
_BACKGROUND = 2000


@dataclass(frozen=True)
class TagChoice:
    """The taxonomy that an index is to be tagged with.

    Attributes:
        taxonomy: The labels; None for no tags.
        fitted: The fit for its encoder; by default the one that ships for it, if there is one.
    """

    taxonomy: Taxonomy | None
    fitted: Fitted | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the taxonomy and the fit; empty for no tags."""
        if self.taxonomy is None:
            return ""
        digest = hashlib.sha256(self.taxonomy.digest.encode())
        for name, fit in sorted(self.fitted.groups.items() if self.fitted is not None else ()):
            digest.update(name.encode())
            for array in astuple(fit):
                digest.update(np.ascontiguousarray(array, np.float32).tobytes())
        return digest.hexdigest()


NO_TAGS = TagChoice(None)


class IndexTags:
    """Tags of a generation that is being written.

    Args:
        layout: Of the index folder.
        encoder: Of the new generation.
        previous: The generation before it, if there is one.
        choice: What to tag with; by default what the previous generation is tagged with.
        refit: Fit and tag again even if the choice is the same.

    Attributes:
        changed: Whether products that stay may get other tags than they have.
    """

    def __init__(
        self,
        layout: Layout,
        encoder: Encoder,
        previous: Manifest | None,
        choice: TagChoice | None = None,
        *,
        refit: bool = False,
    ) -> None:
        self._layout = layout
        self._encoder = encoder
        tagging = previous.tagging if previous is not None else None
        unchanged = choice is None or choice.digest == (tagging.digest if tagging else "")
        self.changed = refit or not unchanged
        if choice is None:
            choice = TagChoice(_taxonomy_of(layout, tagging)) if tagging is not None else NO_TAGS
        self._choice = choice
        same_encoder = (
            previous is not None and previous.encoder.fingerprint == encoder.spec.fingerprint
        )
        self._kept = tagging if same_encoder and not self.changed else None

    def complete(self, manifest: Manifest, index: Index) -> Manifest:
        """Return a generation with the tags of all its products, which are written.

        Args:
            manifest: The generation. Its segments have the tags of the previous one; they are kept
                if the taxonomy and the encoder are.
            index: The generation, opened `without_tags`.
        """
        if self._choice.taxonomy is None:
            return without_tags(manifest)
        tagging = self._kept or self._fit(self._choice.taxonomy, index)
        segments = list(manifest.segments)
        untagged = [n for n, record in enumerate(segments) if not (self._kept and record.tags)]
        if untagged:
            tagger = stored_tagger(self._layout, tagging, self._encoder)
            for number in untagged:
                tags = write_tags(self._layout, tag_table(index.segments[number], tagger))
                segments[number] = replace(segments[number], tags=tags)
        fields = {
            name: str(FieldType.LABELS)
            for name in map(field_of, self._choice.taxonomy.groups)
            if name not in manifest.fields  # else the catalog's own column is kept
        }
        tagging = replace(tagging, fields=fields)
        return replace(manifest, segments=tuple(segments), tagging=tagging)

    def _fit(self, taxonomy: Taxonomy, index: Index) -> TaggingRecord:
        """Fit a taxonomy to the encoder and the index, and store both."""
        tagger = Tagger(self._encoder, taxonomy, _background(index), self._choice.fitted)
        content = _to_json(taxonomy).encode()
        return TaggingRecord(
            taxonomy=taxonomy.name,
            version=taxonomy.version,
            digest=self._choice.digest,
            labels=new_file(self._layout, ".json", lambda path: replace_file(path, content)),
            fit=new_file(
                self._layout, ".safetensors", lambda path: write_fitted(path, tagger.fitted)
            ),
            fields={},
        )


def without_tags(manifest: Manifest) -> Manifest:
    """Return the same generation without tags."""
    segments = tuple(replace(record, tags=None) for record in manifest.segments)
    return replace(manifest, segments=segments, tagging=None)


def stored_tagger(layout: Layout, tagging: TaggingRecord, encoder: Encoder) -> Tagger:
    """Return the tagger of an index from its stored fit, without embedding anything.

    Raises:
        DamagedIndexError: A file is missing or changed.
        TaxonomyError: Another encoder built the index.
    """
    fitted = read_fitted(verify_tag_file(layout, tagging.fit))
    return Tagger(encoder, _taxonomy_of(layout, tagging), fitted=fitted)


def _taxonomy_of(layout: Layout, tagging: TaggingRecord) -> Taxonomy:
    return read_taxonomy(verify_tag_file(layout, tagging.labels))


def _background(index: Index) -> FloatArray:
    """Return `[n, dim]` vectors of images from all over an index, about `_BACKGROUND`."""
    total = sum(segment.record.images for segment in index.segments)
    step = max(1, -(-total // _BACKGROUND))
    parts = [np.asarray(segment.vectors[::step], np.float32) for segment in index.segments]
    return np.concatenate([np.empty((0, index.manifest.encoder.dim), np.float32), *parts])


def _to_json(taxonomy: Taxonomy) -> str:
    """Write a taxonomy as a file that `read_taxonomy` reads; JSON is YAML."""
    groups = [
        {
            "name": group.name,
            "exclusive": group.exclusive,
            "templates": list(group.templates),
            "labels": [_label(label, group) for label in group.labels],
        }
        for group in taxonomy.groups
    ]
    content = {"name": taxonomy.name, "version": taxonomy.version, "groups": groups}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _label(label: Label, group: Group) -> str | Mapping[str, Any]:
    content: dict[str, Any] = {"name": label.name}
    if label.synonyms:
        content["synonyms"] = list(label.synonyms)
    if label.templates != group.templates:
        content["templates"] = list(label.templates)
    if label.parent is not None:
        content["parent"] = label.parent
    return content if len(content) > 1 else label.name


def merge_tags(layout: Layout, index: Index) -> NamedFile | None:
    """Write the tags of all products that are not deleted, for a segment that holds them all."""
    tables = [
        segment.tags.table.filter(pa.array(segment.alive))
        for segment in index.segments
        if segment.tags is not None
    ]
    return write_tags(layout, pa.concat_tables(tables)) if tables else None
