"""Calibration of confidence, on labels, words and images that the fit did not see."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray, encode_many_texts
from embeddings.images import open_image
from indexer.calibration import HITS, value_of
from indexer.index import Index
from indexer.storage import QueryKind
from scripts.docs.figures import Grid, Listing
from scripts.evaluation.search.calibration import background
from scripts.evaluation.search.calibration.catalog_fit import (
    CatalogFit,
    Fit,
    IsRight,
    Probe,
    has_value,
    probes_of_field,
)
from scripts.evaluation.search.calibration.catalogs import held_back_catalogs
from scripts.evaluation.search.calibration.reliability import (
    Predictions,
    adaptive_ece,
    auroc,
    ece,
    write_diagram,
)
from scripts.evaluation.search.setting import Setting
from scripts.support.encoding import embed_images
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import (
    CLOTHING,
    GENERAL,
    GROCERY_PHOTOS,
    SetRows,
    read_images,
    read_rows,
)

__all__ = ["TABLES", "measure"]

_ECE_TARGET = 0.05
# No hit of a query that the shop has no answer to may reach this confidence.
_UNRELATED_TARGET = 0.5
# Images of products that are searched for by image.
_FASHION_QUERIES = 600
_OWN_IMAGES = 400
_FASHION_FIELDS = ("article_type", "base_colour", "title")

Fits = Mapping[str, CatalogFit]

TABLES = (
    Grid(
        "confidence_ece_{row}{column}",
        {
            "text": "**text, all three (target 0.05)**",
            "text_fashion": "fashion: types, colours, titles",
            "text_grocery": "grocery: names and descriptions to photos",
            "text_clothing": "clothing: 10 categories to photos",
            "image": "**images, all three (target 0.05)**",
            "image_grocery": "grocery: shopper's photo to packshot",
            "image_clothing": "clothing: photo to photos of its category",
            "image_fashion": "fashion: image to its article type",
        },
        {
            "": "ECE",
            "_first": "first hit alone",
            "_cosine": "cosine alone",
            "_prior": "prior alone",
        },
    ),
    Listing(
        {
            "confidence_adaptive_ece_text": "ECE with bins of equal weight, text",
            "confidence_adaptive_ece_image": "ECE with bins of equal weight, images",
            "confidence_ece_text_article_type": "ECE of fashion's types alone",
            "confidence_ece_text_base_colour": "ECE of fashion's colours alone",
            "confidence_ece_text_title": "ECE of fashion's titles alone",
        }
    ),
    Listing(
        {
            "confidence_suspension_bridge": '"suspension bridge": confidence of the best hit',
            "confidence_other_world_texts_max": (
                f"{len(background.TEXTS)} unrelated texts: the highest confidence of all"
            ),
            "confidence_no_pictures_max": (
                "noise, blanks, charts, a page of text: the highest confidence of all"
            ),
            "confidence_other_world_texts_above_half": "unrelated texts with a hit above 0.5",
            "confidence_general_photos_above_half": (
                "photos of things that the shop does not sell, with a hit above 0.5"
            ),
            "confidence_auroc_texts": "AUROC, article types against unrelated texts",
            "confidence_auroc_photos": "AUROC, products against such photos",
        }
    ),
)


def measure(setting: Setting) -> list[Measure]:
    """Take all figures, and write the reliability diagrams where the setting has a folder."""
    fits = {
        name: CatalogFit.of(setting.built(f"confidence-{name}", catalog), setting.encoder)
        for name, catalog in held_back_catalogs(setting).items()
    }
    measures = []
    for kind in (QueryKind.TEXT, QueryKind.IMAGE):
        probes = _text_probes(fits) if kind is QueryKind.TEXT else _image_probes(setting, fits)
        sets = _predict(kind, fits, probes, Fit.WHOLE)
        pooled = Predictions.join(list(sets.values()))
        measures.append(Measure(f"confidence_ece_{kind}", ece(pooled), _ECE_TARGET, "lower"))
        measures.append(_lower(f"adaptive_ece_{kind}", adaptive_ece(pooled)))
        for name, found in sets.items():
            measures.append(_lower(f"ece_{kind}_{name}", ece(found)))
            measures.append(_lower(f"ece_{kind}_{name}_first", ece(found.first())))
        for fit in (Fit.COSINE, Fit.PRIOR):
            weaker = _predict(kind, fits, probes, fit)
            measures += [
                _lower(f"ece_{kind}_{name}_{fit}", ece(found)) for name, found in weaker.items()
            ]
        if setting.diagrams is not None:
            title = f"Reliability of confidence, {kind} queries, top {HITS} hits"
            write_diagram(setting.diagrams / f"confidence-{kind}.svg", title, sets)
    return [*measures, *_fashion_fields(fits["fashion"]), *_unrelated(setting, fits)]


def _lower(name: str, value: float) -> Measure:
    return Measure(f"confidence_{name}", value, better="lower")


# By name of a set: the parts that it joins, each a catalog with the probes for it.
Probes = Mapping[str, list[tuple[str, list[Probe]]]]


def _predict(kind: QueryKind, fits: Fits, probes: Probes, fit: Fit) -> dict[str, Predictions]:
    return {
        name: Predictions.join([fits[catalog].predict(kind, some, fit) for catalog, some in parts])
        for name, parts in probes.items()
    }


def _text_probes(fits: Fits) -> Probes:
    def by_fields(catalog: str, *fields: str) -> list[tuple[str, list[Probe]]]:
        return [(catalog, probes_of_field(fits[catalog], field)) for field in fields]

    groceries = by_fields("photos", "name", "description")
    return {
        "fashion": by_fields("fashion", *_FASHION_FIELDS),
        "grocery": [("photos", [probe for _, probes in groceries for probe in probes])],
        "clothing": by_fields("clothing", "category"),
    }


def _fashion_fields(fashion: CatalogFit) -> list[Measure]:
    """Measure the text queries of each of fashion's fields alone."""
    return [
        _lower(f"ece_text_{name}", ece(fashion.predict(QueryKind.TEXT, probes)))
        for name in _FASHION_FIELDS
        for probes in [probes_of_field(fashion, name)]
    ]


def _image_probes(setting: Setting, fits: Fits) -> Probes:
    """Return images that are not in the index, with what is right for each."""
    data, fashion = setting.data, setting.rows
    photos, clothing = read_rows(data, GROCERY_PHOTOS), read_rows(data, CLOTHING)

    def of_field(catalog: str, rows: SetRows, some: NDArray[np.int64], field: str) -> list[Probe]:
        right = [has_value(field, value_of(rows.columns[field][row])) for row in some]
        return _probes(fits[catalog].index, rows, some, right)

    def is_product(product: str) -> IsRight:
        return lambda hit: hit.id == product

    owners = [is_product(photos.columns["product_id"][row]) for row in photos.held]
    return {
        "grocery": [("packshots", _probes(fits["photos"].index, photos, photos.held, owners))],
        "clothing": [
            (
                f"clothing-{half}",
                of_field("clothing", clothing, clothing.held[1 - half :: 2], "category"),
            )
            for half in (0, 1)
        ],
        "fashion": [
            (
                "fashion-half",
                of_field("fashion", fashion, fashion.held[1::2][:_FASHION_QUERIES], "article_type"),
            )
        ],
    }


def _probes(
    index: Index, rows: SetRows, some: NDArray[np.int64], right: list[IsRight]
) -> list[Probe]:
    """Return probes with the vectors that an index has of some rows."""
    vectors = [np.asarray(index.vector(rows.columns["id"][row]), np.float32) for row in some]
    return [Probe(vector, is_right) for vector, is_right in zip(vectors, right, strict=True)]


def _unrelated(setting: Setting, fits: Fits) -> list[Measure]:
    """Measure queries that the fashion shop has no answer to, beside queries that it has."""
    fashion, encoder = fits["fashion"], setting.encoder
    texts = fashion.highest(QueryKind.TEXT, encode_many_texts(encoder, background.TEXTS))
    drawn = fashion.highest(QueryKind.IMAGE, embed_images(encoder, background.images()))
    labels = read_rows(setting.data, GENERAL).columns["label"]
    foreign = [
        open_image(content)
        for label, content in zip(labels, read_images(setting.data, GENERAL), strict=True)
        if label not in background.WORN
    ]
    photos = fashion.highest(QueryKind.IMAGE, embed_images(encoder, foreign))
    types = np.array([probe.vector for probe in probes_of_field(fashion, "article_type")])
    own_texts = fashion.highest(QueryKind.TEXT, types)
    own_images = fits["fashion-half"].highest(QueryKind.IMAGE, _other_half(fashion.index))
    bridge = fashion.highest(QueryKind.TEXT, encode_many_texts(encoder, ["suspension bridge"]))
    highest = {
        "suspension_bridge": bridge,
        "other_world_texts_max": texts,
        "no_pictures_max": drawn,
    }
    return [
        *(
            Measure(f"confidence_{name}", float(found.max()), _UNRELATED_TARGET, "lower")
            for name, found in highest.items()
        ),
        _above_half("other_world_texts", texts),
        _above_half("general_photos", photos),
        Measure("confidence_auroc_texts", auroc(own_texts, texts)),
        Measure("confidence_auroc_photos", auroc(own_images, photos)),
    ]


def _above_half(name: str, found: NDArray[np.float64]) -> Measure:
    return _lower(f"{name}_above_half", float((found > _UNRELATED_TARGET).mean()))


def _other_half(index: Index) -> FloatArray:
    """Return vectors of products in odd places of the catalog, which the half's index lacks."""
    (segment,) = index.segments
    rows = range(1, segment.products, 2)[:_OWN_IMAGES]
    return np.array([segment.vectors[segment.image_rows(row).start] for row in rows], np.float32)
