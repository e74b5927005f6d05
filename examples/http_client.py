"""Ask a running service: search by words and by a photo, and read a product.

    lookalike serve --index my-index
    python examples/http_client.py http://127.0.0.1:8000 "red mug" photo.jpg

The client loads neither a model nor the server. `AsyncClient` has the same methods to await.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lookalike import Client


def main(url: str, text: str, photo: Path) -> None:
    """Search, read the best product and save its image."""
    with Client(url) as shop:
        served = shop.index()
        print(f"{served.products} products, model {served.model}")

        words, image = shop.search_batch([{"text": text, "k": 3}, {"image": photo, "k": 3}])
        for title, answer in (("The words", words), ("The photo", image)):
            if isinstance(answer, Exception):  # each query of a batch fails by itself
                print(f"{title}: {answer}")
                continue
            print(f"{title}: {', '.join(hit.id for hit in answer.hits)}")

        best = shop.search(image=photo, text=text, k=1).hits[0]
        product = shop.item(best.id)
        print(f"Best for both: {product.id} {dict(product.fields)}")
        thumbnail = photo.with_name("best.webp")
        thumbnail.write_bytes(shop.item_image(product.id, 0, size=64))
        print(f"Its image: {thumbnail}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
