"""Cells of feeds: products, variants and pictures as the systems of shops export them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from scripts.benchmarks.catalogs.cells import Cell, Shop, write_bytes
from scripts.benchmarks.catalogs.shop import Expected, Truth, Value
from scripts.benchmarks.catalogs.titles import TITLES
from scripts.benchmarks.catalogs.writers import Sheet, TextStyle, delimited

__all__ = ["feed_cells"]

_CDN = "https://cdn.shop.example/"
_GROUP = "item_group_id"
_STYLES = {
    "UTF-8": TextStyle(),
    "UTF-8 with mark": TextStyle(mark=True, line_end="\r\n"),
    "UTF-16 tabs": TextStyle("\t", "utf-16-le", mark=True),
    "Windows-1252 semicolons": TextStyle(";", "windows-1252"),
    "tabs": TextStyle("\t"),
}
_PRICES = ("19.99 USD", "5.00 USD", "1299.00 USD")
_AMOUNTS = (19.99, 5.0, 1299.0)


def feed_cells(shop: Shop) -> Iterator[Cell]:
    """Yield the cells of feeds."""
    for style_name, style in _STYLES.items():
        tables = {**_flat_tables(), **_shopify_tables(), **_woocommerce_tables()}
        for name, (sheet, truth) in tables.items():
            ending = "tsv" if style.delimiter == "\t" else "csv"
            data = delimited(sheet, style)
            yield Cell("feeds", f"{name}, {style_name}", write_bytes(shop, data, ending), truth)
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        for name, text in _xml_feeds(encoding).items():
            data = text.encode(encoding, "xmlcharrefreplace")
            yield Cell("feeds", f"{name}, {encoding}", write_bytes(shop, data, "xml"), _xml_truth())
    for name, text in _shopify_json().items():
        ending = "jsonl" if "Lines" in name else "json"
        yield Cell("feeds", name, write_bytes(shop, text.encode(), ending), _shopify_json_truth())


def _flat_tables() -> Mapping[str, tuple[Sheet, Truth]]:
    """Return the flat feeds of Google, Meta and OpenAI, under several spellings of columns."""
    google = ("id", "title", "description", "link", "image_link", "additional_image_link",
              "availability", "price", "item_group_id", "gtin")  # fmt: skip
    openai = ("item_id", "title", "description", "url", "image_url", "additional_image_urls",
              "is_eligible_search", "price", "group_id", "gtin")  # fmt: skip
    meta = (*google[:6], "quantity_to_sell_on_facebook", *google[7:])
    spaced = tuple(name.replace("_", " ") for name in google)
    capital = tuple(name.replace("_", " ").title() for name in google)
    prefixed = tuple(f"g:{name}" for name in google)
    return {
        "Google": _flat(google, google),
        "Google, spaces": _flat(spaced, google),
        "Google, capitals": _flat(capital, google),
        "Google, g:": _flat(prefixed, google),
        "Meta": _flat(meta, meta),
        "OpenAI": _flat(openai, (*openai[:8], _GROUP, "gtin")),
    }


def _flat(columns: Sequence[str], names: Sequence[str]) -> tuple[Sheet, Truth]:
    """Return a feed of three variants.

    Args:
        columns: Names of its columns in the order of Google's.
        names: The same as the fields are called.
    """
    rows: list[list[Value]] = []
    products = []
    for number, title in enumerate(TITLES["western"][:3]):
        product_id, gtin = f"00{number}", f"0400638133{number:03}"
        more = [f"{_CDN}{number}-{n}.jpg" for n in range(2)] + [f"{_CDN}w_1,h_2/{number}.jpg"]
        stock = "in_stock" if "availability" in names else "true" if "item_id" in names else "7"
        text, link = f"<p>{title} &amp; mehr</p>", f"https://shop.example/{number}"
        rows.append([product_id, title, text, link, f"{_CDN}{number}.jpg", ",".join(more), stock,
                     _PRICES[number], "G-1", gtin])  # fmt: skip
        fields: dict[str, Value] = {
            "title": title,
            names[7]: _AMOUNTS[number],
            f"{names[7]}_currency": "USD",
            _GROUP: "G-1",
            "gtin": gtin,
        }
        products.append(Expected(product_id, (f"{_CDN}{number}.jpg", *more), fields))
    return Sheet(columns, rows), Truth(tuple(products))


def _shopify_tables() -> Mapping[str, tuple[Sheet, Truth]]:
    old = ("Handle", "Title", "Body (HTML)", "Vendor", "Option1 Name", "Option1 Value",
           "Variant SKU", "Variant Price", "Variant Barcode", "Image Src", "Image Position",
           "Variant Image")  # fmt: skip
    new = ("URL handle", "Title", "Description", "Vendor", "Option1 name", "Option1 value",
           "SKU", "Price", "Barcode", "Product image URL", "Image position",
           "Variant image URL")  # fmt: skip
    return {"Shopify": _shopify(old), "Shopify, newer": _shopify(new)}


def _shopify(columns: Sequence[str]) -> tuple[Sheet, Truth]:
    shirt, card = "Crème brûlée T-Shirt", "Geschenkgutschein"
    a, b, c = (f"{_CDN}{name}.jpg" for name in "abc")
    rows: list[list[Value]] = [
        ["shirt", shirt, "<p>Weich</p>", "Ürün", "Farbe", "Grün", "'0071", "19.90",
         "'0400638133399", b, "2", a],
        ["shirt", "", "", "", "", "Blau", "'0072", "21.50", "'0400638133400", a, "1", b],
        ["shirt", "", "", "", "", "", "", "", "", c, "3", ""],
        ["card", card, "", "Ürün", "Title", "Default Title", "GC", "25.00", "", c, "1", ""],
    ]  # fmt: skip
    price, barcode = columns[7], columns[8]
    truth = Truth((
        Expected("0071", (a, c), {"Title": shirt, "Farbe": "Grün", price: 19.9, _GROUP: "shirt",
                                  barcode: "0400638133399"}),
        Expected("0072", (b, c), {"Title": shirt, "Farbe": "Blau", price: 21.5, _GROUP: "shirt",
                                  barcode: "0400638133400"}),
        Expected("GC", (c,), {"Title": card, price: 25.0, _GROUP: "card"}),
    ))  # fmt: skip
    return Sheet(columns, rows), truth


_WOO_NAMES = {
    "WooCommerce": (
        "ID", "Type", "SKU", "Name", "Published", "Images", "Parent", "Regular price",
        "Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 1 global",
    ),
    "WooCommerce in German": (
        "ID", "Typ", "Artikelnummer", "Name", "Veröffentlicht", "Bilder",
        "Übergeordnetes Produkt", "Regulärer Preis", "Attribut 1 Name", "Attribut 1 Wert(e)",
        "Attribut 1 Sichtbar", "Attribut 1 Global",
    ),
    "WooCommerce in French": (
        "ID", "Type", "UGS", "Nom", "Publié", "Images", "Parent", "Tarif régulier",
        "Nom de l\u2019attribut 1", "Valeur(s) de l\u2019attribut 1 ", "Attribut 1 visible",
        "Attribut 1 global",
    ),
    "WooCommerce in Spanish": (
        "ID", "Tipo", "SKU", "Nombre", "Publicado", "Imágenes", "Superior", "Precio normal",
        "Nombre del atributo 1", "Valor(es) del atributo 1", "Atributo visible 1",
        "Atributo global 1",
    ),
}  # fmt: skip


def _woocommerce_tables() -> Mapping[str, tuple[Sheet, Truth]]:
    return {name: _woocommerce(columns) for name, columns in _WOO_NAMES.items()}


def _woocommerce(columns: Sequence[str]) -> tuple[Sheet, Truth]:
    cup, hood, blue = (f"{_CDN}{name}.jpg" for name in ("mug", "hood", "hood,blue"))
    rows: list[list[Value]] = [
        ["10", "simple", "MUG", "Weiße Tasse", "1", f"{cup}, {blue}", "", "8.50", "", "", "", ""],
        ["11", "variable", "HOOD", "Größe L", "1", hood, "", "", "Couleur", "Bleu, Vert", "1", "1"],
        ["12", "variation", "HOOD-B", "Größe L - Bleu", "1", blue, "HOOD", "45", "Couleur", "Bleu",
         "", "1"],
        ["13", "variation", "HOOD-V", "", "1", "", "id:11", "42.25", "Couleur", "Vert", "", "1"],
    ]  # fmt: skip
    name, price = columns[3], columns[7]
    truth = Truth((
        Expected("10", (cup, blue), {name: "Weiße Tasse", price: 8.5, _GROUP: None}),
        Expected("11", (hood,), {name: "Größe L", price: None, _GROUP: "11"}),
        Expected("12", (blue,), {"Couleur": "Bleu", price: 45.0, _GROUP: "11"}),
        Expected("13", (hood,), {name: "Größe L", "Couleur": "Vert", price: 42.25, _GROUP: "11"}),
    ))  # fmt: skip
    return Sheet(columns, rows), truth


def _xml_feeds(encoding: str) -> Mapping[str, str]:
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    items = "".join(f"<item>{_xml_product(number)}</item>" for number in range(3))
    entries = items.replace("<item>", "<entry>").replace("</item>", "</entry>")
    plain = items.replace("<g:", "<").replace("</g:", "</")
    return {
        "Google RSS": f'{head}<rss {space} version="2.0"><channel><title>S</title>{items}'
        "</channel></rss>",
        "Google Atom": f'{head}<feed xmlns="http://www.w3.org/2005/Atom" {space}><title>S</title>'
        f"{entries}</feed>",
        "Google RSS without prefixes": f"{head}<rss><channel>{plain}</channel></rss>",
    }


def _xml_product(number: int) -> str:
    title = escape(TITLES["western"][number])
    return (
        f"<g:id>00{number}</g:id><title>{title}</title><g:link>https://shop.example/{number}</g:link>"
        f"<g:image_link>{_CDN}{number}.jpg?a=1&amp;b=2</g:image_link>"
        f"<g:additional_image_link>{_CDN}x,{number}.jpg</g:additional_image_link>"
        f"<g:additional_image_link>{_CDN}y{number}.jpg</g:additional_image_link>"
        f"<g:price>{_PRICES[number]}</g:price><g:item_group_id>G-1</g:item_group_id>"
        "<g:shipping><g:country>US</g:country><g:price>4.99 USD</g:price></g:shipping>"
    )


def _xml_truth() -> Truth:
    return Truth(tuple(
        Expected(
            f"00{number}",
            (f"{_CDN}{number}.jpg?a=1&b=2", f"{_CDN}x,{number}.jpg", f"{_CDN}y{number}.jpg"),
            {"title": TITLES["western"][number], "price": _AMOUNTS[number],
             "price_currency": "USD", _GROUP: "G-1", "shipping.country": "US",
             "shipping.price": 4.99},
        )
        for number in range(3)
    ))  # fmt: skip


def _shopify_json() -> Mapping[str, str]:
    product = {
        "id": 632910392, "title": "Crème brûlée", "handle": "creme", "vendor": "Ürün",
        "tags": ["neu", "rot"], "body_html": "<p>gut</p>",
        "variants": [
            {"id": 1, "sku": "0071", "option1": "Pink", "price": "199.00", "available": True,
             "featured_image": {"src": _CDN + "pink.jpg"}},
            {"id": 2, "sku": "", "option1": "Rot", "price": "189.50", "featured_image": None},
        ],
        "images": [{"id": 8, "position": 2, "src": _CDN + "side.jpg", "variant_ids": []},
                   {"id": 9, "position": 1, "src": _CDN + "pink.jpg", "variant_ids": [1]}],
        "options": [{"name": "Farbe", "position": 1, "values": ["Pink", "Rot"]}],
    }  # fmt: skip
    line = json.dumps(product, ensure_ascii=False)
    return {
        "Shopify products.json": json.dumps({"products": [product]}, ensure_ascii=False, indent=2),
        "Shopify products as an array": json.dumps([product]),
        "Shopify products as JSON Lines": line + "\n",
        "one product of Shopify": line,
    }


def _shopify_json_truth() -> Truth:
    pink, side = f"{_CDN}pink.jpg", f"{_CDN}side.jpg"
    shared: dict[str, Value] = {"title": "Crème brûlée", _GROUP: "creme", "tags": ["neu", "rot"]}
    return Truth((
        Expected("0071", (pink, side), {**shared, "Farbe": "Pink", "price": 199.0}),
        Expected("creme/Rot", (side,), {**shared, "Farbe": "Rot", "price": 189.5}),
    ))  # fmt: skip
