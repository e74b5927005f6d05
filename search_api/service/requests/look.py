"""The one image of a request that looks into it: uploaded, in base64, or at a URL."""

from __future__ import annotations

from typing import TypeVar

from search_api.service.errors import InvalidRequestError
from search_api.service.requests.base64_text import decode_base64
from search_api.service.requests.body import Body
from search_api.service.requests.image_urls import ImageUrls
from search_api.service.schemas import LookRequest

L = TypeVar("L", bound=LookRequest)

__all__ = ["read_look_image"]


async def read_look_image(body: Body[L], urls: ImageUrls) -> bytes:
    """Return the file of the image.

    Raises:
        InvalidRequestError: There is no image, or it is given in several ways.
        RequestError: It can't be fetched.
    """
    request = body.json
    ways = (body.upload, request.image_base64, request.image_url)
    if sum(way is not None for way in ways) != 1:
        raise InvalidRequestError(
            "image: give one image in one way, as a file part, as image_base64 or as image_url."
        )
    if body.upload is not None:
        return body.upload
    if request.image_base64 is not None:
        return decode_base64("image_base64", request.image_base64)
    assert request.image_url is not None
    return (await urls.fetch([request.image_url]))[request.image_url]
