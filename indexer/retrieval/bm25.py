"""Keyword index of a segment: BM25 (Robertson and Zaragoza 2009) by tantivy.

This is the one file that imports tantivy. Products are its documents. One field holds the words of
a product's texts and the codes among them, another field holds the product's id.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import tantivy
from numpy.typing import NDArray

from indexer.catalog import FieldValue, without_markup
from indexer.errors import DamagedIndexError, IndexFolderError
from indexer.retrieval.tokens import code_of, codes, words
from indexer.storage import KEYWORDS_META, Mask, is_mapped, keyword_file

__all__ = ["KeywordIndex", "KeywordWriter", "Scores", "Term", "idf"]

Scores = NDArray[np.float64]
Rows = NDArray[np.int64]

# Bytes of postings that the writer holds in memory. The 35 thousand products of the fashion catalog
# take 0.7 MB on disk.
_MEMORY = 128_000_000
# Whole numbers from here on are indexed as words: years, article numbers. Smaller ones are sizes
# and counts, which belong to filters.
_LEAST_NUMBER = 1000
# Neighbouring pieces of text that may form one code: a model number may have a space in it.
_CODE_PIECES = 2
# With up to this many rows allowed the query is restricted to them; that costs 5 ms for so many.
_FEW_ROWS = 8192
# Characters of a text that is likely to repeat in the catalog: its words are cached.
_SHORT = 40
_CACHED_TEXTS = 4096
# Hits fetched at least. Scores are rounded, which may depend on how many are fetched; neighbouring
# pages mostly fetch the same number, so that they agree. Most filters are satisfied at once.
_FETCHED = 256
# How many times as many hits are fetched when too few of them pass the filter.
_FETCH_MORE = 4
# Decimals to which scores are told apart. They are float32 and reach tens of thousands.
_DECIMALS = 2
# tantivy's watcher thread may write a lock file while the folder is removed.
_REMOVALS = 10


@dataclass(frozen=True)
class Term:
    """A word of a query.

    Attributes:
        word: The word or code.
        weight: Factor of its BM25 score; its whole score where BM25 does not score it.
        count: Added to the score of a product that has it, however often and in however long a
            text.
        typos: How many letters may differ, 0 to 2; such matches are not scored by BM25.
        of_id: Whether it is compared with the product's id instead of the words.
        scored: Whether BM25 scores it.
    """

    word: str
    weight: float = 1.0
    count: float = 0.0
    typos: int = 0
    of_id: bool = False
    scored: bool = True


def idf(frequency: int, products: int) -> float:
    """Return the inverse document frequency of a word, by the formula of tantivy and Lucene.

    Args:
        frequency: How many products have the word.
        products: How many products there are.
    """
    return float(np.log1p((products - frequency + 0.5) / (frequency + 0.5)))


class KeywordWriter:
    """Writes the keyword index of one segment.

    Args:
        folder: Where its files go (`layout.keyword_file`); made here.

    Raises:
        OSError: A file can't be written; so in all methods.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._work = folder / "unfinished"
        self._work.mkdir(parents=True)
        self._count = 0
        with _writing(folder):
            index = tantivy.Index(_schema(), path=str(self._work))
            # One thread, so that the documents keep their order.
            self._writer = index.writer(heap_size=_MEMORY, num_threads=1)

    def add(self, product_id: str, fields: Mapping[str, FieldValue]) -> None:
        """Add the next product, in row order."""
        document = tantivy.Document()
        document.add_text("words", " ".join(_words_of(fields.values())))
        if code := code_of(product_id):
            document.add_text("id", code)
        document.add_unsigned("row", self._count)
        with _writing(self._folder):
            self._writer.add_document(document)
        self._count += 1

    def close(self) -> list[str]:
        """Finish, and return the names of the files written, relative to the segment's folder."""
        with _writing(self._folder):
            self._writer.commit()
            self._writer.wait_merging_threads()
            del self._writer
        names = self._move_files() if self._count else []
        # The rest are lock files and leftovers of merging.
        shutil.rmtree(self._work)
        if not names:
            self._folder.rmdir()
        return names

    def _move_files(self) -> list[str]:
        """Rename the files by number: tantivy's names are random, and so would be their hashes."""
        meta = json.loads((self._work / "meta.json").read_text("utf-8"))
        names = [KEYWORDS_META]
        for number, segment in enumerate(meta["segments"]):
            former = UUID(segment["segment_id"]).hex
            segment["segment_id"] = str(UUID(int=number))
            for path in sorted(self._work.glob(f"{former}.*")):
                name = keyword_file(number, path.suffix[1:])
                path.rename(self._folder.parent / name)
                names.append(name)
        (self._folder.parent / KEYWORDS_META).write_text(json.dumps(meta, indent=2) + "\n", "utf-8")
        return names


class KeywordIndex:
    """The keyword index of a segment, opened for reading; tantivy maps its files."""

    def __init__(self, searcher: tantivy.Searcher, schema: tantivy.Schema) -> None:
        self._searcher = searcher
        self._schema = schema

    @classmethod
    def open(cls, root: Path, names: Collection[str]) -> KeywordIndex:
        """Map the files of a segment. Their hashes must have been checked: tantivy trusts them.

        Tantivy writes a lock file into the folder that it opens, and reads every file in it. It is
        given a temporary folder with copies of small files and links to large ones, so that the
        index folder may be read-only and stays as it was written.

        Args:
            root: The segment's folder.
            names: Its keyword files, relative to the folder.

        Raises:
            DamagedIndexError: Tantivy can't read them.
            IndexFolderError: There is no folder for temporary files.
        """
        try:
            links = Path(tempfile.mkdtemp(prefix="lookalike-"))
        except OSError as error:
            raise IndexFolderError(
                "Keyword search needs a folder for temporary files; name one in TMPDIR."
            ) from error
        try:
            for name in names:
                number, _, kind = Path(name).name.partition(".")
                link = "meta.json" if name == KEYWORDS_META else f"{int(number):032x}.{kind}"
                _provide(root / name, links / link)
            index = tantivy.Index.open(str(links))
            # Segments never change: end the thread that watches for changes.
            index.config_reader("manual")
            return cls(index.searcher(), index.schema)
        except (ValueError, OSError) as error:
            raise DamagedIndexError("Tantivy can't read the keyword index.") from error
        finally:
            _remove(links)

    @property
    def products(self) -> int:
        """Number of products in it, deleted ones included."""
        return int(self._searcher.num_docs)

    def document_frequency(self, term: Term) -> int:
        """Return how many products have a term, deleted ones included."""
        if term.typos:
            result: Any = self._searcher.search(self._match(term), 1)
            return int(result.count)  # an attribute that tantivy's stubs lack
        return int(self._searcher.doc_freq("id" if term.of_id else "words", term.word))

    def search(
        self, terms: Sequence[Term], k: int, allowed: Mask | None = None
    ) -> tuple[Scores, Rows]:
        """Return the k products that match some terms best.

        Args:
            terms: A product matches if it has one of them.
            k: How many, from 1.
            allowed: Mask over the product rows that may be found; all by default.

        Returns:
            Scores and product rows, of min(k, matches allowed), best first; rows of equal score
            come in row order.
        """
        query = self._query(terms)
        if allowed is not None and (few := int(np.count_nonzero(allowed))) <= _FEW_ROWS:
            if few == 0:
                return np.empty(0), np.empty(0, np.int64)
            query = self._restricted(query, np.flatnonzero(allowed), tantivy.Occur.Must)
        fetched = _FETCHED
        while True:
            while fetched < k:
                fetched *= _FETCH_MORE
            scores, rows = self._fetch(query, fetched)
            complete = len(rows) < fetched
            if allowed is not None:
                scores, rows = scores[allowed[rows]], rows[allowed[rows]]
            if complete or len(rows) >= k:
                order = np.lexsort((rows, -scores))[:k]
                return scores[order], rows[order]
            fetched *= _FETCH_MORE

    def scores(self, terms: Sequence[Term], rows: Rows) -> Scores:
        """Return the scores of some products, `[len(rows)]`; 0 without a match.

        Args:
            terms: As in `search`.
            rows: Product rows, each once.
        """
        if len(rows) == 0:
            return np.zeros(0)
        query = self._restricted(self._query(terms), rows, tantivy.Occur.Should)
        found, places = self._fetch(query, len(rows))
        order = np.argsort(rows)
        scores = np.zeros(len(rows))
        scores[order[np.searchsorted(rows[order], places)]] = found
        return scores

    def count_held(self, groups: Sequence[Sequence[Term]], rows: Rows) -> Rows:
        """Return of how many groups some products have a term, `[len(rows)]`.

        Args:
            groups: As for `holding`.
            rows: Product rows, each once.
        """
        if len(rows) == 0 or not any(groups):
            return np.zeros(len(rows), np.int64)
        words = [
            (tantivy.Occur.Should, tantivy.Query.const_score_query(self._any_of(group), 1.0))
            for group in groups
            if group
        ]
        query = self._restricted(tantivy.Query.boolean_query(words), rows, tantivy.Occur.Should)
        found, places = self._fetch(query, len(rows))
        order = np.argsort(rows)
        counts = np.zeros(len(rows), np.int64)
        counts[order[np.searchsorted(rows[order], places)]] = np.rint(found)
        return counts

    def holding(self, groups: Sequence[Sequence[Term]], least: int, limit: int) -> Rows:
        """Return the rows of products that have a term of some groups each, deleted ones included.

        Args:
            groups: The terms that may stand for one word of a query.
            least: Of how many groups, from 1.
            limit: How many rows at most; the first ones.
        """
        words = [self._any_of(group) for group in groups if group]
        if len(words) < least:
            return np.empty(0, np.int64)
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, word) for word in words], minimum_number_should_match=least
        )
        found = self._searcher.search(
            query, limit, count=False, order_by_field="row", order=tantivy.Order.Asc
        )
        return np.array([row for row, _ in found.hits], np.int64)

    def _fetch(self, query: tantivy.Query, limit: int) -> tuple[Scores, Rows]:
        hits = self._searcher.search(query, limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        scores = np.array([score for score, _ in hits], np.float64)
        return np.round(scores, _DECIMALS), np.array(rows, np.int64)

    def _query(self, terms: Sequence[Term]) -> tantivy.Query:
        clauses = []
        for term in terms:
            match = self._match(term)
            if term.scored and not term.typos:
                clauses.append(tantivy.Query.boost_query(match, term.weight))
                constant = term.count
            else:
                constant = term.count + term.weight
            if constant:
                clauses.append(tantivy.Query.const_score_query(match, constant))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in clauses])

    def _any_of(self, group: Sequence[Term]) -> tantivy.Query:
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._match(term)) for term in group]
        )

    def _match(self, term: Term) -> tantivy.Query:
        if term.typos:
            return tantivy.Query.fuzzy_term_query(self._schema, "words", term.word, term.typos)
        field = "id" if term.of_id else "words"
        return tantivy.Query.term_query(self._schema, field, term.word, "freq")

    def _restricted(
        self, query: tantivy.Query, rows: Rows, matching: tantivy.Occur
    ) -> tantivy.Query:
        among = tantivy.Query.term_set_query(self._schema, "row", rows.tolist())
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.const_score_query(among, 0.0)), (matching, query)]
        )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise an OSError where tantivy reports that it can't write."""
    try:
        yield
    except ValueError as error:
        raise OSError(f"{folder.name} can't be written: {error}") from error


def _provide(source: Path, name: Path) -> None:
    """Copy a small file, so that nothing that is done to it later matters; else link to it."""
    if not is_mapped(source.stat().st_size):
        try:
            shutil.copyfile(source, name)
        except OSError:  # no space for temporary files
            name.unlink(missing_ok=True)
        else:
            return
    name.symlink_to(source.resolve())


def _remove(folder: Path) -> None:
    """Remove a folder, again if tantivy's thread wrote another lock file meanwhile."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    # Without positions, which only phrases need. The words are analysed before; spaces part them.
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", indexed=True, fast=True)
    return builder.build()


def _words_of(values: Collection[FieldValue]) -> Iterator[str]:
    for value in values:
        if isinstance(value, list):
            yield from _words_of(value)
        elif isinstance(value, str):
            if not value.startswith(("http://", "https://")):
                text = without_markup(value)
                yield from _short(text) if len(text) <= _SHORT else _words_and_codes(text)
        elif isinstance(value, int) and not isinstance(value, bool) and value >= _LEAST_NUMBER:
            yield str(value)


def _words_and_codes(text: str) -> list[str]:
    found = words(text)
    # Codes that are words of the text already are not counted twice.
    known = set(found)
    return found + [code for code in codes(text, _CODE_PIECES) if code not in known]


# Colours, types and brands repeat with every product.
_short = lru_cache(maxsize=_CACHED_TEXTS)(_words_and_codes)
