from __future__ import annotations

import json

from indexer.tagging.taxonomy import BUILT_IN
from indexer.tagging.taxonomy.schema import taxonomy_schema


def test_the_published_schema_is_that_of_the_models() -> None:
    published = json.loads((BUILT_IN / "taxonomy.schema.json").read_text("utf-8"))
    assert published == taxonomy_schema()
