"""Base64 as tools write it, and what is said about text that is not base64."""

from __future__ import annotations

import base64
import re
import textwrap
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from search_api.service.errors import InvalidRequestError
from search_api.service.requests.base64_text import decode_base64
from tests.support.service_helpers import RED, error_of, ids, image_file

BYTES = bytes(range(256)) + b"\xfb\xff\xfe"
PLAIN = base64.b64encode(BYTES).decode()
URL_SAFE = base64.urlsafe_b64encode(BYTES).decode()

DIALECTS = {
    "plain": PLAIN,
    "line feeds at 76 (base64, Ruby)": base64.encodebytes(BYTES).decode(),
    "CRLF at 76 (Java, PHP)": "\r\n".join(textwrap.wrap(PLAIN, 76)) + "\r\n",
    "CR": PLAIN.replace("A", "A\r"),
    "blanks and tabs": " ".join(PLAIN).replace("B ", "B\t"),
    "indented": "\n    ".join(textwrap.wrap(PLAIN, 64)),
    "URL-safe": URL_SAFE,
    "URL-safe without padding": URL_SAFE.rstrip("="),
    "both alphabets": PLAIN[:8] + URL_SAFE[8:],
    "without padding": PLAIN.rstrip("="),
    "padding on its own line": PLAIN.rstrip("=") + "\n=\n=\n",
    "byte order mark": "\ufeff" + PLAIN,
    "data URL": f"data:image/png;base64,{PLAIN}",
    "data URL without a type": f"data:;base64,{PLAIN}",
    "data URL with parameters": f"data:image/png;name=a.png;base64,{PLAIN}",
    "data URL with blanks": f" data:image/png; base64,  {PLAIN} ",
    "data URL in capitals": f"DATA:IMAGE/PNG;BASE64,{PLAIN}",
    "data URL with line breaks": f"data:image/png;base64,\n{base64.encodebytes(BYTES).decode()}",
    "data URL, URL-safe": f"data:image/png;base64,{URL_SAFE}",
    "data URL, quoted": f"data:image/png;base64,{quote(PLAIN, safe='')}",
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_dialects(text: str) -> None:
    assert decode_base64("image_base64", text) == BYTES


@given(
    st.binary(min_size=1),
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([" ", "\n", "\r\n", "\t"])), max_size=9
    ),
    st.booleans(),
    st.booleans(),
)
def test_any_bytes_come_back(
    content: bytes, blanks: list[tuple[int, str]], padded: bool, url_safe: bool
) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(content).decode()
    text = text if padded else text.rstrip("=")
    for place, blank in blanks:
        text = text[:place] + blank + text[place:]
    assert decode_base64("image_base64", text) == content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AAAA*AAA", r"character 5 is \*"),
        ("AA\nAA\n*AAA", r"character 7 is \*"),
        ("AAAA\\nAAAA", r"character 5 is \\"),
        ('"AAAA"', 'character 1 is "'),
        ("AAAA\x00AAA", r"character 5 is U\+0000"),
        ("AAAA\u00a0AAA", r"character 5 is U\+00A0"),
        ("AAAÄ", "character 4 is Ä"),
        ("AA==AAAA", "character 3 is =, which may only end it"),
        ("data:image/png;base64,AAAA!AAA", "character 27 is !"),
        ("data:image/png,AAAA", "holds no base64"),
        ("data:image/svg+xml;utf8,<svg/>", "holds no base64"),
        ("data:", "holds no base64"),
        ("AAAAA", "incomplete"),
        ("AAAA====", "incomplete"),
        ("====", "incomplete"),
        ("photo.jpg", "character 6 is ."),
        ("\ud800", "character 1"),
    ],
)
def test_what_is_no_base64_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"^parts\.0\.image_base64: .*{said}"):
        decode_base64("parts.0.image_base64", text)


def test_each_route_takes_every_dialect(client: TestClient) -> None:
    picture = base64.encodebytes(image_file(RED, size=(90, 70))).decode().replace("\n", "\r\n")
    assert picture.count("\r\n") > 1
    for text in (picture, f"data:image/png;base64, {picture}", picture.replace("+", "-")):
        searched = client.post("/v1/search", json={"image_base64": text, "k": 1})
        assert ids(searched) == ["red"]
        part = {"parts": [{"image_base64": text}], "k": 1}
        results = client.post("/v1/search/batch", json={"queries": [part]}).json()["results"]
        assert [hit["id"] for hit in results[0]["answer"]["hits"]] == ["red"]
        tagged = client.post("/v1/tags", json={"image_base64": text, "labels": ["red", "blue"]})
        assert tagged.json()["tags"][0]["label"] == "red"


def test_a_refusal_is_short_and_names_the_field(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"image_base64": "A" * 100_000 + "?"})
    assert error_of(answer) == (422, "invalid_request")
    message = answer.json()["message"]
    assert re.match(r"image_base64: .*character 100,001 is \?", message)
    assert len(message) < 200


@pytest.mark.parametrize("length", [10, 100_000])
def test_a_data_url_as_image_url_is_sent_to_image_base64(client: TestClient, length: int) -> None:
    """Whatever its length, and wherever an address may stand."""
    url = "data:image/png;base64," + "A" * length
    bodies = [
        ("/v1/search", {"image_url": url}),
        ("/v1/search", {"parts": [{"image_url": f" {url.replace('data', 'Data')}"}]}),
        ("/v1/tags", {"image_url": url, "labels": ["red"]}),
        ("/v1/items/red/heatmap", {"image_url": url}),
    ]
    for path, body in bodies:
        answer = client.post(path, json=body)
        assert error_of(answer) == (400, "url_not_allowed"), path
        assert "image_base64" in answer.json()["message"], path
    several = client.post("/v1/tags", json={"image_url": [url, url], "labels": ["red"]})
    assert all("image_base64" in one["error"]["message"] for one in several.json()["results"])
    batch = client.post("/v1/search/batch", json={"queries": [{"image_url": url}]})
    assert "image_base64" in batch.json()["results"][0]["error"]["message"]
