"""Catalogs: folders of images and CSV, TSV, JSON Lines and Parquet files, read as one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.catalog.digest import DIGEST_BYTES, product_digest
    from indexer.catalog.fields import (
        FieldType,
        FieldTyper,
        FieldValue,
        OddValue,
        Scalar,
        arrow_schema,
        as_label,
        date_operand,
        join_types,
        nearest_first,
        to_batch,
        without_markup,
    )
    from indexer.catalog.images import (
        ImageSource,
        browser_url,
        check_size,
        embedded_image,
        find_image,
        read_stored,
        stored_url,
    )
    from indexer.catalog.opening import open_catalog
    from indexer.catalog.product_ids import MAX_ID_BYTES, IdLedger, clean_id
    from indexer.catalog.products import CatalogInspection, inspect_catalog, product_fields
    from indexer.catalog.quoting import quote_for_message
    from indexer.catalog.rows import (
        VARIANTS,
        BadRow,
        Catalog,
        CatalogOptions,
        CatalogRow,
        Place,
        Reason,
    )
    from indexer.catalog.titles import TITLE_FIELDS, stored_title, title_field, title_of
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.catalog.digest": (
                "DIGEST_BYTES",
                "product_digest",
            ),
            "indexer.catalog.fields": (
                "FieldType",
                "FieldTyper",
                "FieldValue",
                "OddValue",
                "Scalar",
                "arrow_schema",
                "as_label",
                "date_operand",
                "join_types",
                "nearest_first",
                "to_batch",
                "without_markup",
            ),
            "indexer.catalog.opening": ("open_catalog",),
            "indexer.catalog.images": (
                "ImageSource",
                "browser_url",
                "check_size",
                "embedded_image",
                "find_image",
                "read_stored",
                "stored_url",
            ),
            "indexer.catalog.product_ids": (
                "MAX_ID_BYTES",
                "IdLedger",
                "clean_id",
            ),
            "indexer.catalog.products": (
                "CatalogInspection",
                "inspect_catalog",
                "product_fields",
            ),
            "indexer.catalog.quoting": ("quote_for_message",),
            "indexer.catalog.rows": (
                "VARIANTS",
                "BadRow",
                "Catalog",
                "CatalogOptions",
                "CatalogRow",
                "Place",
                "Reason",
            ),
            "indexer.catalog.titles": (
                "TITLE_FIELDS",
                "stored_title",
                "title_field",
                "title_of",
            ),
        },
    )

__all__ = [
    "DIGEST_BYTES",
    "MAX_ID_BYTES",
    "TITLE_FIELDS",
    "VARIANTS",
    "BadRow",
    "Catalog",
    "CatalogInspection",
    "CatalogOptions",
    "CatalogRow",
    "FieldType",
    "FieldTyper",
    "FieldValue",
    "IdLedger",
    "ImageSource",
    "OddValue",
    "Place",
    "Reason",
    "Scalar",
    "arrow_schema",
    "as_label",
    "browser_url",
    "check_size",
    "clean_id",
    "date_operand",
    "embedded_image",
    "find_image",
    "inspect_catalog",
    "join_types",
    "nearest_first",
    "open_catalog",
    "product_digest",
    "product_fields",
    "quote_for_message",
    "read_stored",
    "stored_title",
    "stored_url",
    "title_field",
    "title_of",
    "to_batch",
    "without_markup",
]
