"""Search by colour, explanations and heat maps over HTTP."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.support.service_helpers import error_of, ids


def png(*colours: str) -> bytes:
    """A picture of upright stripes."""
    image = Image.new("RGB", (40 * len(colours), 40))
    for number, colour in enumerate(colours):
        image.paste(colour, (40 * number, 0, 40 * number + 40, 40))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


class TestColour:
    def test_by_weight_nearest_shades_come_first(self, client: TestClient) -> None:
        asked = {"text": "thing", "colour": "#6a0000", "colour_weight": 1.0}
        assert ids(client.post("/v1/search", json=asked))[0] == "dark-red"

    def test_as_a_filter(self, client: TestClient) -> None:
        asked = {"text": "thing", "colour": "#0000f0", "colour_within": 8}
        assert ids(client.post("/v1/search", json=asked)) == ["blue"]

    def test_alone(self, client: TestClient) -> None:
        found = ids(client.post("/v1/search", json={"colour": "#00fa00"}))
        assert found[0] == "green"
        assert sorted(found) == ["blue", "dark-red", "green", "red", "yellow"]

    def test_the_answer_shows_the_point_and_the_colours_of_each_hit(
        self, client: TestClient
    ) -> None:
        answer = client.post("/v1/search", json={"colour": "Dark Red"}).json()
        assert answer["colour"]["name"] == "dark red"
        assert answer["colour"]["colour"].startswith("#")
        best = answer["hits"][0]
        assert best["id"] == "dark-red"
        assert 0 < best["score"] <= 1
        assert best["colours"][0]["share"] == 1
        assert best["colours"][0]["difference"] < 20
        plain = client.post("/v1/search", json={"text": "red"}).json()
        assert plain["colour"] is None
        assert all(hit["colours"] == [] for hit in plain["hits"])

    def test_parts_are_colours_too_and_unwanted_ones_go_last(self, client: TestClient) -> None:
        parts = [{"text": "thing"}, {"colour": "#ff0000", "weight": -1}]
        assert ids(client.post("/v1/search", json={"parts": parts}))[-1] == "red"
        alone = {"parts": [{"colour": "#00f"}]}
        assert ids(client.post("/v1/search", json=alone))[0] == "blue"
        wrong = client.post("/v1/search", json={"parts": [{"colour": "red", "text": "red"}]})
        assert error_of(wrong) == (422, "invalid_request")

    def test_a_misspelled_colour_is_refused_with_the_nearest_names(
        self, client: TestClient
    ) -> None:
        for answer in (
            client.post("/v1/search", json={"colour": "purpel"}),
            client.get("/v1/search", params={"q": "thing", "colour": "purpel"}),
            client.post("/v1/search", json={"text": "x", "parts": [{"colour": "purpel"}]}),
        ):
            assert error_of(answer) == (422, "invalid_query")
            assert "purple" in answer.json()["message"]

    def test_a_colour_alone_has_no_heat_map(self, client: TestClient) -> None:
        asked = {"colour": "red", "explain": True}
        for hit in client.post("/v1/search", json=asked).json()["hits"]:
            assert hit["explanation"]["heatmap"] is None

    def test_colours_in_a_query_string(self, client: TestClient) -> None:
        parameters = {"q": "thing", "colour": "#ffff10", "colour_within": 8}
        assert ids(client.get("/v1/search", params=parameters)) == ["yellow"]
        assert ids(client.get("/v1/search", params={"colour": "#ffff10"}))[0] == "yellow"
        similar = {"colour": "#650000", "colour_within": 6}
        assert ids(client.get("/v1/items/red/similar", params=similar)) == ["dark-red"]

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            ({"colour": "octarine"}, "invalid_query"),
            ({"colour": "#12345"}, "invalid_query"),
            ({"colour": "x" * 41}, "invalid_request"),
            ({"colour": 7}, "invalid_request"),
            ({"colour_within": 5}, "invalid_request"),
            ({"colour": "red", "colour_within": 0}, "invalid_request"),
            ({"colour": "red", "colour_weight": 2}, "invalid_request"),
        ],
    )
    def test_an_invalid_colour_is_named(
        self, client: TestClient, wrong: dict[str, object], code: str
    ) -> None:
        answer = client.post("/v1/search", json={"text": "thing", **wrong})
        assert error_of(answer) == (422, code)
        assert "colour" in answer.json()["message"]


class TestExplain:
    def test_hits_have_the_colours_that_they_share(self, client: TestClient) -> None:
        answer = client.post("/v1/search", json={"like": ["red"], "colour": "#ff0000",
                                                 "explain": True}).json()  # fmt: skip
        assert all(hit["explanation"]["tags"] == {} for hit in answer["hits"])
        same = client.post("/v1/search", json={"text": "x", "colour": "#0000ff", "explain": True})
        why = {hit["id"]: hit["explanation"] for hit in same.json()["hits"]}
        (shared,) = why["blue"]["colours"]
        assert shared["colour"].startswith("#")
        assert shared["share"] == 1
        assert why["green"]["colours"] == []

    def test_hits_have_no_explanation_by_default(self, client: TestClient) -> None:
        answer = client.post("/v1/search", json={"text": "red"}).json()
        assert all(hit["explanation"] is None for hit in answer["hits"])

    def test_the_path_of_a_heat_map_is_an_image(self, client: TestClient) -> None:
        asked = {"text": "red & blue?", "like": ["green"], "explain": True}
        for hit in client.post("/v1/search", json=asked).json()["hits"]:
            answer = client.get(hit["explanation"]["heatmap"])
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")

    def test_queries_of_a_batch_are_explained(self, client: TestClient) -> None:
        body = {"queries": [{"text": "red", "explain": True}, {"text": "red"}]}
        first, second = client.post("/v1/search/batch", json=body).json()["results"]
        assert first["answer"]["hits"][0]["explanation"]["heatmap"].endswith("q=red")
        assert second["answer"]["hits"][0]["explanation"] is None


class TestHeatmap:
    def test_it_is_as_large_as_the_thumbnail(self, client: TestClient) -> None:
        answer = client.get("/v1/items/red/heatmap", params={"q": "red"})
        with Image.open(BytesIO(answer.content)) as drawn:
            assert drawn.format == "PNG"
            size = drawn.size
        picture = client.get("/v1/items/red/image/0")
        with Image.open(BytesIO(picture.content)) as thumbnail:
            assert thumbnail.size == size

    def test_an_uploaded_image_is_a_query(self, client: TestClient) -> None:
        answer = client.post("/v1/items/red/heatmap", files={"image": ("a.png", png("red"))})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert "cache-control" not in answer.headers

    def test_parts_are_a_query(self, client: TestClient) -> None:
        body = {"parts": [{"text": "red"}, {"like": "blue", "weight": -0.2}]}
        answer = client.post("/v1/items/red/heatmap?image=0", json=body)
        with Image.open(BytesIO(answer.content)) as drawn:
            assert (drawn.format, drawn.size) == ("PNG", (64, 32))

    @pytest.mark.parametrize("product", ["red/../blue", "../../etc/passwd", "..", "none", "%2e%2e"])
    def test_path_tricks_find_nothing(self, client: TestClient, product: str) -> None:
        for quoted in (quote(product, safe=""), quote(product, safe="/").replace("..", "%2E%2E")):
            answer = client.get(f"/v1/items/{quoted}/heatmap", params={"q": "red"})
            assert error_of(answer) == (404, "not_found")

    @pytest.mark.parametrize(
        ("parameters", "error"),
        [
            ({}, (422, "invalid_request")),
            ({"q": ""}, (422, "invalid_request")),
            ({"q": "red", "image": 7}, (404, "not_found")),
            ({"q": "red", "image": "x"}, (422, "invalid_request")),
            ({"like": "none"}, (404, "not_found")),
        ],
    )
    def test_bad_parameters(
        self, client: TestClient, parameters: dict[str, object], error: tuple[int, str]
    ) -> None:
        assert error_of(client.get("/v1/items/red/heatmap", params=parameters)) == error

    def test_without_thumbnails_there_is_none(self, odd_client: TestClient) -> None:
        answer = odd_client.get("/v1/items/two/heatmap", params={"q": "red"})
        assert error_of(answer) == (404, "not_found")
        assert "thumbnails" in answer.json()["message"]

    def test_ids_with_slashes_have_maps_of_their_own(self, odd_client: TestClient) -> None:
        path = f"/v1/items/{quote('shoes/image/1.jpg', safe='')}/heatmap"
        answer = odd_client.get(path, params={"q": "red"})
        assert "thumbnails" in answer.json()["message"]

    def test_a_heat_map_of_a_missing_product(self, client: TestClient) -> None:
        body = {"image_base64": "AAAA", "text": json.dumps("x")}
        answer = client.post("/v1/items/none/heatmap", json=body)
        assert error_of(answer)[0] in (404, 415)

    def test_a_plain_image_has_no_hot_region(self, client: TestClient) -> None:
        """Of one colour all over, nothing stands out: the picture is faded, with no red on it."""
        answer = client.get("/v1/items/blue/heatmap", params={"q": "blue"})
        drawn = np.asarray(Image.open(BytesIO(answer.content)).convert("RGB"), int)
        assert (drawn[..., 2] > drawn[..., 0]).all()
