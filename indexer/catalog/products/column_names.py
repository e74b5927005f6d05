"""Column names: what shops call the columns of ids and images, in four languages."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["id_rank", "image_rank", "plain_column"]

# Best first, without accents, in lower case, with one underscore between words.
_IDS = [
    "id",
    "product_id",
    "item_id",
    "article_id",
    "variant_id",
    "produkt_id",
    "artikel_id",
    "id_produit",
    "id_article",
    "id_producto",
    "id_articulo",
    "sku",
    "variant_sku",
    "product_sku",
    "sku_id",
    "artikelnummer",
    "artikel_nummer",
    "artikelnr",
    "artikel_nr",
    "art_nr",
    "artnr",
    "produktnummer",
    "produkt_nr",
    "bestellnummer",
    "item_number",
    "item_no",
    "article_number",
    "article_no",
    "product_number",
    "product_no",
    "product_code",
    "item_code",
    "produktcode",
    "code_produit",
    "code_article",
    "reference",
    "reference_produit",
    "ref",
    "ref_produit",
    "numero_article",
    "codigo",
    "codigo_producto",
    "codigo_articulo",
    "referencia",
    "identifiant",
    "identificador",
    "identifier",
    "external_id",
    "uid",
    "uuid",
    "asin",
    "gtin",
    "ean",
    "ean13",
    "upc",
    "barcode",
    "kennung",
    "nummer",
    "code",
    "handle",
]
_IMAGES = [
    "image",
    "images",
    "image_url",
    "image_urls",
    "image_link",
    "image_path",
    "image_src",
    "image_file",
    "image_file_name",
    "image_filename",
    "main_image",
    "main_image_url",
    "product_image",
    "product_image_url",
    "product_images",
    "primary_image",
    "featured_image",
    "img",
    "img_url",
    "img_src",
    "img_path",
    "imgs",
    "picture",
    "picture_url",
    "pictures",
    "picture_path",
    "picture_link",
    "photo",
    "photo_url",
    "photos",
    "photo_path",
    "bild",
    "bild_url",
    "bilder",
    "bildlink",
    "bild_link",
    "bildpfad",
    "bilddatei",
    "bild_datei",
    "produktbild",
    "produktbilder",
    "hauptbild",
    "foto",
    "foto_url",
    "fotos",
    "abbildung",
    "lien_image",
    "url_image",
    "url_images",
    "images_produit",
    "image_produit",
    "image_principale",
    "photo_produit",
    "photo_principale",
    "lien_photo",
    "url_photo",
    "imagen",
    "imagenes",
    "url_imagen",
    "imagen_url",
    "enlace_imagen",
    "imagen_principal",
    "imagen_producto",
    "url_foto",
    "foto_producto",
    "cover",
    "cover_image",
    "file_name",
    "filename",
    "file",
    "path",
    "jpg",
    "thumbnail",
    "thumbnail_url",
]
_MORE_IMAGES = re.compile(
    r"(?:additional|more|other|extra|weitere|zusatz|autres|otras)_(?:images?|pictures?|photos?|bild"
    r"|bilder|imagenes|fotos)(?:_(?:links?|urls?))?(?:_(?P<number>\d+))?"
    r"|zusatzbild(?:er)?(?:_(?P<zusatz>\d+))?"
)
_NUMBERED = re.compile(r"(?P<before>.+?)_?(?P<number>\d{1,3})(?P<after>_(?:url|link|src|path))?")


def plain_column(name: str) -> str:
    """Return a column's name as the lists above have it, such as `photo_url` of `Photo URL`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)  # imageUrl
    folded = unicodedata.normalize("NFKD", spaced.casefold().replace("ß", "ss"))
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "_", letters).strip("_")


def id_rank(name: str) -> int | None:
    """Return how well a name suits a column of ids, 0 for the best; None if it does not."""
    plain = plain_column(name)
    return _IDS.index(plain) if plain in _IDS else None


def image_rank(name: str) -> tuple[str, int, int] | None:
    """Say whether a name suits a column of images.

    Returns:
        The name without its number, the rank of that, 0 for the best, and the number; None if it is
        no name of an image. `image_2` has the rank of `image`; further images come after all.
    """
    plain = plain_column(name)
    if plain in _IMAGES:
        return plain, _IMAGES.index(plain), 0
    more = _MORE_IMAGES.fullmatch(plain)
    if more is not None:
        return "", len(_IMAGES), int(more["number"] or more["zusatz"] or 0)
    numbered = _NUMBERED.fullmatch(plain)
    if numbered is not None:
        base = numbered["before"] + (numbered["after"] or "")
        if base in _IMAGES:
            return base, _IMAGES.index(base), int(numbered["number"])
    return None
