"""Keys, unit by unit: what is read, what is compared, what is told."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from search_api.service import read_settings
from search_api.service.admission.keys import KeyFile, KeyRing, KeySource, Scope, presented_key
from search_api.service.errors import ServeError
from search_api.service.settings import Settings
from tests.support.clock import Clock

SHOP, PHONE, OLD = "shop-0123456789abcdef", "phone/0123456789+abc==", "old.0123456789~abcdef"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(KeySource(f"shop:{SHOP},phone:{PHONE},old:{OLD}"))


def name_of(ring: KeyRing, presented: bytes) -> str | None:
    key = ring.find(presented)
    return None if key is None else key.name


def test_a_key_is_known_by_its_name(ring: KeyRing) -> None:
    assert [name_of(ring, key.encode()) for key in (SHOP, PHONE, OLD)] == ["shop", "phone", "old"]


@pytest.mark.parametrize(
    "wrong",
    [b"", b" ", SHOP.encode()[:-1], SHOP.encode() + b"x", SHOP.upper().encode(), b"shop", b"\xff",
     f"shop:{SHOP}".encode(), SHOP.encode() + b"\0", "schlüssel-0123456789".encode(), b"k" * 10**6],
)  # fmt: skip
def test_unknown_keys(ring: KeyRing, wrong: bytes) -> None:
    assert name_of(ring, wrong) is None


def test_every_key_is_always_compared(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparisons, and the lengths they work on, are the same for right and wrong keys."""
    seen: list[tuple[int, int]] = []

    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        seen.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    works = []
    for presented in (SHOP, PHONE, OLD, "", "x", "x" * 100_000, SHOP[:-1] + "0"):
        seen.clear()
        ring.find(presented.encode())
        works.append(list(seen))
    assert works == [[(64, 64)] * 3] * 7


def test_keys_are_not_kept_as_they_are(ring: KeyRing) -> None:
    assert SHOP not in repr(vars(ring))
    other = KeyRing(KeySource(f"shop:{SHOP}"))
    assert vars(other)["_keys"][0] != vars(ring)["_keys"][0]


def test_keys_of_a_setting_and_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\n  phone:{PHONE}  \r\nold:{OLD}\n")
    ring = KeyRing(KeySource(f"shop:{SHOP}, ", file))
    names = [name_of(ring, key.encode()) for key in (SHOP, PHONE, OLD)]
    assert names == ["shop", "phone", "old"]
    assert KeySource("").keys == []
    assert not KeyRing(KeySource(""))
    assert not KeyRing()


@pytest.mark.parametrize(
    "text",
    ["no-colon-0123456789", ":0123456789abcdef0", "shop:short", "sh op:0123456789abcdef",
     "shop:0123456789 abcdef", "shop:0123456789äbcdef", f"shop:{'x' * 257}",
     "shop:=0123456789abcdef", f"shop:{SHOP};phone:{PHONE}", f"a\nb:{SHOP}", f"a:{SHOP},a:{PHONE}"],
)  # fmt: skip
def test_keys_that_can_not_be_used_stop_the_start(text: str) -> None:
    with pytest.raises(ServeError) as caught:
        KeySource(text)
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
            KeySource("", file)


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


class TestRotation:
    """Keys change while the service runs."""

    def test_new_keys_count_and_revoked_ones_do_not(self, tmp_path: Path) -> None:
        clock, file = Clock(0.0), KeyFile(tmp_path / "keys")
        old = file.create("old", [Scope.READ])
        ring = KeyRing(KeySource("", file.path), clock)
        new = file.create("new", [Scope.WRITE])
        assert name_of(ring, old.encode()) == "old"
        assert name_of(ring, new.encode()) is None  # it has not looked again yet
        clock.now = 1.0
        assert name_of(ring, new.encode()) == "new"
        file.revoke("old")
        clock.now = 2.0
        assert name_of(ring, old.encode()) is None
        file.revoke("new")
        clock.now = 3.0
        assert name_of(ring, new.encode()) is None
        assert ring  # it does not open when all are revoked

    @pytest.mark.parametrize("change", ["removed", "broken", "unreadable"])
    def test_a_file_that_can_not_be_used_changes_nothing(self, tmp_path: Path, change: str) -> None:
        clock, file = Clock(0.0), KeyFile(tmp_path / "keys")
        key = file.create("shop", [Scope.READ])
        ring = KeyRing(KeySource("", file.path), clock)
        if change == "removed":
            file.path.unlink()
        else:
            file.path.write_bytes(b"shop:short" if change == "broken" else b"\xff\xfe")
        clock.now = 1.0
        assert name_of(ring, key.encode()) == "shop"
        file.path.unlink(missing_ok=True)
        replaced = file.create("shop", [Scope.READ])
        clock.now = 2.0
        assert name_of(ring, replaced.encode()) == "shop"
        assert name_of(ring, key.encode()) is None

    def test_keys_of_the_setting_stay(self, tmp_path: Path) -> None:
        clock, file = Clock(0.0), KeyFile(tmp_path / "keys")
        file.create("other", [Scope.READ])
        ring = KeyRing(KeySource(f"shop:{SHOP}", file.path), clock)
        file.revoke("other")
        clock.now = 1.0
        assert name_of(ring, SHOP.encode()) == "shop"
