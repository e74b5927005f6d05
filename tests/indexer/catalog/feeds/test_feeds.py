"""Feeds: products, groups and images of what shops export, written as their systems write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer import CatalogError
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog, title_of
from indexer.catalog.feeds import as_feed
from indexer.catalog.tables import open_table

CDN = "https://cdn.shop.example/"
GROUP = "item_group_id"

GOOGLE_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<title>Shop</title><link>https://shop.example</link><description>All products</description>
<item><g:id>TSH-1-M</g:id><title>T-shirt &amp; top</title><g:link>https://shop.example/p/1</g:link>
<g:image_link>{CDN}1.jpg?a=1&amp;b=2</g:image_link>
<g:additional_image_link>{CDN}1b.jpg</g:additional_image_link>
<g:additional_image_link>{CDN}1c.jpg</g:additional_image_link>
<g:price>19.99 USD</g:price><g:sale_price>14.99 USD</g:sale_price>
<g:availability>in_stock</g:availability><g:item_group_id>TSH-1</g:item_group_id>
<g:shipping><g:country>US</g:country><g:price>5 USD</g:price></g:shipping></item>
<item><g:id>MUG-2</g:id><title><![CDATA[Mug <blue>]]></title>
<g:image_link>{CDN}2.jpg</g:image_link><g:price>8.00 USD</g:price>
<g:availability>out_of_stock</g:availability></item>
</channel></rss>"""

GOOGLE_ATOM = f"""<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<title>Shop</title><link rel="self" href="https://shop.example"/>
<entry><g:id>0071</g:id><g:title>Lamp</g:title><g:image_link>{CDN}l.jpg</g:image_link>
<g:price>49.00 EUR</g:price></entry></feed>"""

SHOPIFY = f"""Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src,Image Position,Image Alt Text,Variant Image,Status
linen-shirt,Linen shirt,"<p>Cool, light</p>",Northwind,Shirts,"linen, summer",TRUE,Color,Red,Size,M,LS-R-M,49.00,{CDN}back.jpg,2,,{CDN}red.jpg,active
linen-shirt,,,,,,,,Blue,,M,LS-B-M,49.00,{CDN}front.jpg,1,,{CDN}blue.jpg,
linen-shirt,,,,,,,,Blue,,L,,52.00,{CDN}red.jpg,3,,,
linen-shirt,,,,,,,,,,,,,{CDN}blue.jpg,4,,,
gift-card,Gift card,,Northwind,Cards,,TRUE,Title,Default Title,,,'0042,25.00,{CDN}card.jpg,1,,,active
"""  # noqa: E501

SHOPIFY_NEW = f"""Title,URL handle,Description,Vendor,SKU,Barcode,Option1 name,Option1 value,Price,Product image URL,Image position,Variant image URL
Cap,cap,Warm,Northwind,CAP-S,,Size,S,9.00,{CDN}cap.jpg,1,
,cap,,,CAP-L,,,L,10.00,{CDN}cap2.jpg,2,
"""  # noqa: E501

WOO = f"""ID,Type,SKU,Name,Published,Categories,Images,Parent,Regular price,Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 1 global
10,simple,MUG,Mug,1,Kitchen,"{CDN}mug.jpg, {CDN}mug,large.jpg",,8,,,,
11,variable,HOOD,Hoodie,1,Clothes,{CDN}hood.jpg,,,Color,"Blue, Green",1,1
12,variation,HOOD-B,Hoodie - Blue,1,,{CDN}hood-blue.jpg,HOOD,45,Color,Blue,,1
13,variation,HOOD-G,,1,,,id:11,42,Color,Green,,1
"""  # noqa: E501


def opened(path: Path, text: str) -> dict[str, CatalogRow]:
    path.write_text(text, encoding="utf-8")
    rows = list(open_catalog(path).rows())
    assert [row for row in rows if isinstance(row, BadRow)] == []
    return {row.id: row for row in rows if isinstance(row, CatalogRow)}


def images(row: CatalogRow) -> list[str]:
    return [source.location.removeprefix(CDN) for source in row.images]


def feed_of(path: Path) -> str | None:
    table = open_table(path)
    assert table is not None
    return as_feed(table).description.feed


def test_google_rss(tmp_path: Path) -> None:
    rows = opened(tmp_path / "feed.xml", GOOGLE_XML)
    assert list(rows) == ["TSH-1-M", "MUG-2"]
    shirt = rows["TSH-1-M"]
    assert images(shirt) == ["1.jpg?a=1&b=2", "1b.jpg", "1c.jpg"]
    assert shirt.fields["title"] == "T-shirt & top"
    assert shirt.fields[GROUP] == "TSH-1"
    assert (shirt.fields["price"], shirt.fields["sale_price"]) == ("19.99 USD", "14.99 USD")
    assert rows["MUG-2"].fields["title"] == "Mug <blue>"
    assert feed_of(tmp_path / "feed.xml") == "Google Merchant feed"


def test_google_atom(tmp_path: Path) -> None:
    rows = opened(tmp_path / "feed.xml", GOOGLE_ATOM)
    assert images(rows["0071"]) == ["l.jpg"]
    assert rows["0071"].fields["price"] == "49.00 EUR"


@pytest.mark.parametrize("name", ["image_link", "image link", "g:image_link", "Image_Link"])
def test_google_tables_under_each_spelling(tmp_path: Path, name: str) -> None:
    text = (
        f"id\ttitle\tprice\tavailability\t{name}\tadditional_image_link\titem_group_id\n"
        f"007\tShoe\t19.99 USD\tin stock\t{CDN}a.jpg\t{CDN}b,1.jpg,{CDN}c.jpg,{CDN}a.jpg\tS\n"
    )
    rows = opened(tmp_path / "feed.tsv", text)
    assert images(rows["007"]) == ["a.jpg", "b,1.jpg", "c.jpg"]
    assert rows["007"].fields == {
        "title": "Shoe", "price": "19.99 USD", "availability": "in stock", GROUP: "S",
    }  # fmt: skip
    assert feed_of(tmp_path / "feed.tsv") == "Google Merchant feed"


def test_ten_additional_images_at_most(tmp_path: Path) -> None:
    more = ",".join(f"{CDN}{n}.jpg" for n in range(1, 15))
    text = f'id,title,price,image_link,additional_image_link\n1,x,1 USD,{CDN}0.jpg,"{more}"\n'
    assert images(opened(tmp_path / "f.csv", text)["1"]) == [f"{n}.jpg" for n in range(11)]


@pytest.mark.parametrize(
    ("header", "feed"),
    [
        ("id,title,image_link,fb_product_category", "Meta product feed"),
        ("id,title,image[0].url,image[1].url", "Meta product feed"),
        ("id,title,image_link,enable_search", "OpenAI product feed"),
        ("item_id,title,image_url,is_eligible_search", "OpenAI product feed"),
        ("id,title,image_link,link", "Google Merchant feed"),
        ("id,title,image,price", None),
    ],
)
def test_flat_feeds_are_told_apart(tmp_path: Path, header: str, feed: str | None) -> None:
    path = tmp_path / "feed.csv"
    path.write_text(f"{header}\n5,Shoe,{CDN}a.jpg,{CDN}b.jpg\n")
    assert feed_of(path) == feed
    if feed is not None:
        (row,) = open_catalog(path).rows()
        assert isinstance(row, CatalogRow)
        assert (row.id, images(row)[0]) == ("5", "a.jpg")
        assert len(row.images) == (2 if "image[1]" in header else 1)


def test_shopify_rows_of_a_handle_are_variants_of_a_product(tmp_path: Path) -> None:
    rows = opened(tmp_path / "products_export.csv", SHOPIFY)
    assert list(rows) == ["LS-R-M", "LS-B-M", "linen-shirt/Blue/L", "0042"]
    assert images(rows["LS-R-M"]) == ["red.jpg", "front.jpg", "back.jpg"]
    assert images(rows["LS-B-M"]) == ["blue.jpg", "front.jpg", "back.jpg"]
    assert images(rows["linen-shirt/Blue/L"]) == ["front.jpg", "back.jpg"]
    red, large = rows["LS-R-M"].fields, rows["linen-shirt/Blue/L"].fields
    assert (red["Title"], red["Color"], red["Size"], red["Variant Price"]) == (
        "Linen shirt", "Red", "M", "49.00",
    )  # fmt: skip
    assert (large["Title"], large["Color"], large["Variant Price"]) == (
        "Linen shirt", "Blue", "52.00",
    )  # fmt: skip
    assert {row.fields[GROUP] for row in list(rows.values())[:3]} == {"linen-shirt"}
    assert rows["0042"].fields[GROUP] == "gift-card"
    assert feed_of(tmp_path / "products_export.csv") == "Shopify export"


def test_shopify_under_its_newer_column_names(tmp_path: Path) -> None:
    rows = opened(tmp_path / "products.csv", SHOPIFY_NEW)
    assert {key: images(row) for key, row in rows.items()} == {
        "CAP-S": ["cap.jpg", "cap2.jpg"],
        "CAP-L": ["cap.jpg", "cap2.jpg"],
    }
    assert rows["CAP-L"].fields["Title"] == "Cap"
    assert rows["CAP-L"].fields["Price"] == "10.00"
    assert rows["CAP-L"].fields["Size"] == "L"


def test_shopify_rows_that_stand_apart_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    apart = SHOPIFY + f"linen-shirt,,,,,,,,Green,,M,LS-G-M,49.00,{CDN}g.jpg,5,,,\n"
    path.write_text(apart + f",Nameless,,,,,,,,,,X,1,{CDN}x.jpg,1,,,\n")
    bad = [row for row in open_catalog(path).rows() if isinstance(row, BadRow)]
    assert [(row.line, row.reason) for row in bad] == [(7, "duplicate_id"), (8, "missing_id")]
    assert "together" in bad[0].message


def test_woocommerce(tmp_path: Path) -> None:
    rows = opened(tmp_path / "wc-product-export.csv", WOO)
    assert {key: images(row) for key, row in rows.items()} == {
        "10": ["mug.jpg", "mug,large.jpg"],
        "11": ["hood.jpg"],
        "12": ["hood-blue.jpg"],
        "13": ["hood.jpg"],
    }
    assert [row.fields.get(GROUP) for row in rows.values()] == [None, "11", "11", "11"]
    assert rows["13"].fields["Name"] == "Hoodie"
    assert rows["13"].fields["Color"] == "Green"
    assert feed_of(tmp_path / "wc-product-export.csv") == "WooCommerce export"


TRANSLATED = {
    "German": (
        "ID,Typ,Artikelnummer,Name,Veröffentlicht,Kategorien,Bilder,Übergeordnetes Produkt,"
        "Regulärer Preis,Attribut 1 Name,Attribut 1 Wert(e),Attribut 1 Sichtbar,Attribut 1 Global"
    ),
    "French": (
        "ID,Type,UGS,Nom,Publié,Catégories,Images,Parent,Tarif régulier,Nom de l\u2019attribut 1,"
        "Valeur(s) de l\u2019attribut 1 ,Attribut 1 visible,Attribut 1 global"
    ),
    "Spanish": (
        "ID,Tipo,SKU,Nombre,Publicado,Categorías,Imágenes,Superior,Precio normal,"
        "Nombre del atributo 1,Valor(es) del atributo 1,Atributo visible 1,Atributo global 1"
    ),
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_woocommerce_in_the_languages_of_shops(tmp_path: Path, language: str) -> None:
    header = TRANSLATED[language]
    name, categories = header.split(",")[3], header.split(",")[5]
    path = tmp_path / "wc.csv"
    rows = opened(path, header + WOO[WOO.index("\n") :])
    assert feed_of(path) == "WooCommerce export"
    assert images(rows["12"]) == ["hood-blue.jpg"]
    assert images(rows["13"]) == ["hood.jpg"]
    assert [row.fields.get(GROUP) for row in rows.values()] == [None, "11", "11", "11"]
    hood = rows["13"].fields
    assert (hood[name], hood[categories], hood["Color"]) == ("Hoodie", "Clothes", "Green")
    assert not any("ttribut" in column or "tributo" in column for column in hood)
    assert title_of(hood) == "Hoodie"


def test_named_columns_win_over_a_feed(tmp_path: Path) -> None:
    path = tmp_path / "wc.csv"
    path.write_text(f"ID,Type,SKU,Name,Images\n1,simple,S-1,Mug,{CDN}a.jpg\n")
    options = CatalogOptions(id_column="SKU", image_column="Images")
    (row,) = open_catalog(path, options).rows()
    assert row.id == "S-1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><rss><item>&b;</item></rss>',
            "document type or entities",
        ),
        (
            '<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><item>&f;</item></rss>',
            "document type or entities",
        ),
        (GOOGLE_XML[:-200], "not valid XML after item 1"),
        ("<html><body>Not found</body></html>", "no <item> or <entry>"),
        ("not xml", "not valid XML"),
        ("<rss>" + "<a>" * 50 + "</a>" * 50 + "</rss>", "nested more than"),
        ("<rss><item>" + "x" * (2**24 + 2**18) + "</item></rss>", "an item of more than"),
    ],
    ids=["bomb", "file", "cut", "html", "text", "deep", "long"],
)
def test_hostile_xml_is_refused_in_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(text)
    with pytest.raises(CatalogError, match=message) as caught:
        list(open_catalog(path).rows())
    assert "\n" not in str(caught.value)


SHOPIFY_PRODUCT = {
    "id": 632910392, "title": "Pod", "handle": "pod", "vendor": "Apple", "tags": ["mini", "music"],
    "variants": [
        {"id": 1, "sku": "POD-P", "option1": "Pink", "price": "199.00", "available": True,
         "featured_image": {"src": CDN + "pink.jpg"}},
        {"id": 2, "sku": "", "option1": "Red", "price": "189.00", "featured_image": None},
    ],
    "images": [{"id": 8, "position": 2, "src": CDN + "side.jpg", "variant_ids": []},
               {"id": 9, "position": 1, "src": CDN + "pink.jpg", "variant_ids": [1]}],
    "options": [{"name": "Color", "position": 1, "values": ["Pink", "Red"]}],
}  # fmt: skip


def test_shopify_products_json_lines(tmp_path: Path) -> None:
    rows = opened(tmp_path / "products.jsonl", json.dumps(SHOPIFY_PRODUCT))
    assert {key: images(row) for key, row in rows.items()} == {
        "POD-P": ["pink.jpg", "side.jpg"],
        "pod/Red": ["side.jpg"],
    }
    assert rows["pod/Red"].fields["Color"] == "Red"
    assert rows["pod/Red"].fields["price"] == 189.0
    assert rows["pod/Red"].fields[GROUP] == "pod"
