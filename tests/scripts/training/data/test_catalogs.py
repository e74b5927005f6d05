"""The shared sets: splits that depend on ids alone, rows in the order of the files."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.training.data import catalogs


def test_the_held_back_tenth_depends_on_ids_alone():
    ids = [str(number) for number in range(35_598)]
    held = catalogs.held_back(ids)
    assert len(held) == 3_560
    order = random.Random(1).sample(range(len(ids)), len(ids))
    again = catalogs.held_back([ids[row] for row in order])
    assert {ids[order[row]] for row in again} == {ids[row] for row in held}


def test_held_back_ids_are_those_whose_hash_sorts_first():
    # sha256("a") = ca97..., "b" = 3e23..., "c" = 2e7d...
    assert catalogs.held_back(["a", "b", "c"]).tolist() == [2]


def _write(folder, name, **columns):
    pq.write_table(pa.table(columns), folder / f"{name}-0000.parquet")


def test_training_never_sees_what_is_measured(tmp_path):
    ids = [f"photo-{number}" for number in range(95)]
    _write(tmp_path, catalogs.CLOTHING, id=ids, category=["hat"] * 95, image=[b""] * 95)
    _write(tmp_path, catalogs.GENERAL, id=ids, label=["hen"] * 95, image=[b""] * 95)
    rows = catalogs.read_rows(tmp_path, catalogs.CLOTHING)
    assert len(rows.held) == 10
    assert sorted([*rows.train, *rows.held]) == list(range(95))
    general = catalogs.read_rows(tmp_path, catalogs.GENERAL)
    assert len(general.train) == 0
    assert len(general.held) == 95


def test_images_come_in_the_order_of_the_rows_across_files(tmp_path):
    for part in range(3):
        ids = [str(2 * part), str(2 * part + 1)]
        table = pa.table({"id": ids, "image": [i.encode() for i in ids]})
        pq.write_table(table, tmp_path / f"{catalogs.FASHION}-000{part}.parquet")
    images = list(catalogs.read_images(tmp_path, catalogs.FASHION))
    assert [p.decode() for p in images] == catalogs.read_rows(tmp_path, catalogs.FASHION).columns[
        "id"
    ]
