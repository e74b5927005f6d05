"""Keys, unit by unit: what is read, what is compared, what is told."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from search_api.service import read_settings
from search_api.service.errors import ServeError
from search_api.service.middleware import keys
from search_api.service.middleware.keys import KeyRing, presented_key, read_keys
from search_api.service.settings import Settings

SHOP, PHONE, OLD = "shop-0123456789abcdef", "phone/0123456789+abc==", "old.0123456789~abcdef"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([("shop", SHOP), ("phone", PHONE), ("old", OLD)])


def test_a_key_is_known_by_its_name(ring: KeyRing) -> None:
    assert [ring.name_of(key.encode()) for key in (SHOP, PHONE, OLD)] == ["shop", "phone", "old"]


@pytest.mark.parametrize(
    "wrong",
    [b"", b" ", SHOP.encode()[:-1], SHOP.encode() + b"x", SHOP.upper().encode(), b"shop", b"\xff",
     f"shop:{SHOP}".encode(), SHOP.encode() + b"\0", "schlüssel-0123456789".encode(), b"k" * 10**6],
)  # fmt: skip
def test_unknown_keys(ring: KeyRing, wrong: bytes) -> None:
    assert ring.name_of(wrong) is None


def test_every_key_is_always_compared(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons, and the lengths they work on, are the same for right and wrong keys."""
    seen: list[tuple[int, int]] = []

    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        seen.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(keys.hmac, "compare_digest", counting)
    works = []
    for presented in (SHOP, PHONE, OLD, "", "x", "x" * 100_000, SHOP[:-1] + "0"):
        seen.clear()
        ring.name_of(presented.encode())
        works.append(list(seen))
    assert works == [[(64, 64)] * 3] * 7


def test_keys_are_not_kept_as_they_are(ring: KeyRing) -> None:
    assert SHOP not in repr(vars(ring))
    other = KeyRing([("shop", SHOP)])
    assert vars(other)["_digests"][0] != vars(ring)["_digests"][0]


def test_keys_of_a_setting_and_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\n  phone:{PHONE}  \r\nold:{OLD}\n")
    read = read_keys(f"shop:{SHOP}, ", file)
    assert read == [("shop", SHOP), ("phone", PHONE), ("old", OLD)]
    assert read_keys("") == []
    assert not KeyRing()


@pytest.mark.parametrize(
    "text",
    ["no-colon-0123456789", ":0123456789abcdef0", "shop:short", "sh op:0123456789abcdef",
     "shop:0123456789 abcdef", "shop:0123456789äbcdef", f"shop:{'x' * 257}",
     "shop:=0123456789abcdef", f"shop:{SHOP};phone:{PHONE}", f"a\nb:{SHOP}", f"a:{SHOP},a:{PHONE}"],
)  # fmt: skip
def test_keys_that_can_not_be_used_stop_the_start(text: str) -> None:
    with pytest.raises(ServeError) as caught:
        read_keys(text)
    told = caught.value.message
    assert "\n" not in told
    for secret in (SHOP, PHONE, "0123456789", "short"):
        assert secret not in told


def test_a_file_of_keys_that_can_not_be_used(tmp_path: Path) -> None:
    missing, empty, binary = tmp_path / "missing", tmp_path / "empty", tmp_path / "binary"
    empty.write_text("# shop:later\n")
    binary.write_bytes(b"\xff\xfe")
    wrong = tmp_path / "wrong"
    wrong.write_text(f"shop:{SHOP}\nphone\n")
    for file, word in [(missing, "read"), (empty, "no key"), (binary, "UTF-8"), (wrong, "line 2")]:
        with pytest.raises(ServeError, match=word):
            read_keys("", file)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, b""),
        ({"Authorization": f"Bearer {SHOP}"}, SHOP.encode()),
        ({"Authorization": f"bEARER   {SHOP} "}, SHOP.encode()),
        ({"X-API-Key": PHONE}, PHONE.encode()),
        ({"Cookie": f"theme=dark; lookalike_key={PHONE}"}, PHONE.encode()),
        # A proxy's own login does not hide the key, and nothing hides a bearer's.
        ({"Authorization": "Basic c2hvcDpzaG9w", "X-API-Key": PHONE}, PHONE.encode()),
        ({"Authorization": f"Bearer {SHOP}", "X-API-Key": PHONE}, SHOP.encode()),
        ({"Authorization": "Bearer", "X-API-Key": PHONE}, b""),
        ({"Authorization": SHOP}, b""),
        ({"Cookie": "=;;=a; lookalike_key"}, b""),
        ({"Cookie": "x" * 100_000}, b""),
    ],
)
def test_where_a_key_is_read_from(headers: dict[str, str], key: bytes) -> None:
    assert presented_key(Headers(headers)) == key


def test_a_key_of_any_bytes_is_read() -> None:
    raw = [(b"authorization", b"Bearer \xc3\xa9\xff\x80")]
    assert presented_key(Headers(raw=raw)) == b"\xc3\xa9\xff\x80"


def test_settings_never_show_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_API_KEYS", f"shop:{SHOP}")
    assert SHOP not in repr(Settings()) + str(Settings()) + Settings().model_dump_json()
    monkeypatch.setenv("LOOKALIKE_THREADS", SHOP)
    with pytest.raises(ServeError, match="LOOKALIKE_THREADS: ") as caught:
        read_settings()
    assert SHOP not in caught.value.message
