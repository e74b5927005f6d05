"""Prefetching: items keep their order, and no more is fetched ahead than allowed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from indexer import SourceError
from indexer.image_loading.fetching import Fetcher, prefetch
from tests.indexer.image_loading.fetching.site import (
    Site,
    response,
)


class Script(Fetcher):
    """Returns `text` for a URL `text`, after calling `before`. Records the URLs it began."""

    def __init__(self, before: Callable[[str], None] = lambda url: None) -> None:
        super().__init__()
        self.before = before
        self.begun: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.begun.append(url)
        self.before(url)
        if url.startswith("bad"):
            raise SourceError("url_bad_status", url)
        return url.encode()


def fetching_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "fetch"]


def test_items_keep_their_order_and_results_theirs() -> None:
    late = threading.Event()

    def before(url: str) -> None:
        if url == "a":
            assert late.wait(30)
        if url == "bad-f":
            late.set()

    items = [("1", ["a", "b"]), ("2", []), ("3", ["bad-c", "d"]), ("4", ["e", "e", "bad-f"])]
    got = list(prefetch(items, lambda item: item[1], Script(before), workers=3))
    assert [item for item, _ in got] == items
    contents = [
        [result.message if isinstance(result, SourceError) else result for result in results]
        for _, results in got
    ]
    assert contents == [[b"a", b"b"], [], ["bad-c", b"d"], [b"e", b"e", "bad-f"]]


def test_a_catalog_without_urls_passes_one_by_one_and_starts_no_thread() -> None:
    pulled: list[int] = []
    items = (pulled.append(n) or n for n in range(100))
    before = len(fetching_threads())
    for n, (item, results) in enumerate(prefetch(items, lambda item: [], Script())):
        assert (item, results, len(pulled)) == (n, (), n + 1)
        assert len(fetching_threads()) <= before


@pytest.mark.parametrize(("urls_each", "pulled_first"), [(1, 9), (3, 4), (0, 9)])
def test_no_more_is_taken_ahead_than_allowed(urls_each: int, pulled_first: int) -> None:
    """While the first image is slow, only 8 URLs are taken of an endless catalog."""
    full = threading.Event()

    def before(url: str) -> None:
        if url == "0-0":
            assert full.wait(60)

    script = Script(before)
    pulled: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            pulled.append(number)
            if len(pulled) == pulled_first:  # the last item before the wait for the first image
                full.set()
            yield number

    def urls_of(number: int) -> list[str]:
        return [f"{number}-{n}" for n in range(urls_each if number else 1)]

    ahead = prefetch(items(), urls_of, script, workers=4, ahead=8)
    assert next(ahead) == (0, (b"0-0",))
    assert pulled == list(range(pulled_first))
    ahead.close()
    allowed = [url for number in pulled[:-1] for url in urls_of(number)]
    assert len(allowed) <= 8
    assert set(script.begun) <= set(allowed)


def test_the_next_urls_are_fetched_meanwhile() -> None:
    """The first image comes only once the 7 after it were fetched."""
    others = threading.Semaphore(0)

    def before(url: str) -> None:
        if url != "0":
            others.release()
        else:
            assert all(others.acquire(timeout=30) for _ in range(7))

    items = range(50)
    got = prefetch(items, lambda n: [str(n)], Script(before), workers=2, ahead=8)
    assert [(n, results) for n, results in got] == [(n, (str(n).encode(),)) for n in items]


def test_an_item_with_more_urls_than_the_limit_goes_alone() -> None:
    urls = [str(n) for n in range(20)]
    got = list(prefetch(["a", "b"], lambda item: urls, Script(), workers=2, ahead=4))
    assert got == [(item, tuple(url.encode() for url in urls)) for item in "ab"]


def test_no_more_workers_than_allowed() -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    meeting = threading.Barrier(3)  # passed only by three fetches at once

    def before(url: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        meeting.wait(60)
        with lock:
            at_once -= 1

    got = list(prefetch(range(60), lambda n: [str(n)], Script(before), workers=3))
    assert got == [(n, (str(n).encode(),)) for n in range(60)]
    assert most == 3
    with pytest.raises(ValueError, match="one worker"):
        next(prefetch([1], lambda n: ["x"], Script(), workers=0))


def test_closing_early_waits_for_no_fetch_and_begins_none() -> None:
    queued, gate = threading.Event(), threading.Event()

    def before(url: str) -> None:
        assert (queued if url == "0" else gate).wait(30)

    def items() -> Iterator[int]:
        for n in itertools.count():
            if n == 6:
                queued.set()
            yield n

    script = Script(before)
    earlier = set(fetching_threads())
    ahead = prefetch(items(), lambda n: [str(n)], script, workers=2, ahead=10)
    assert next(ahead) == (0, (b"0",))
    threads = set(fetching_threads()) - earlier
    assert len(threads) == 2
    ahead.close()  # while 1 and perhaps 2 hang, and 3, 4 and 5 wait
    gate.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert set(script.begun) <= {"0", "1", "2"}


def test_an_interrupt_waits_for_no_fetch() -> None:
    begun, gate = threading.Event(), threading.Event()

    def before(url: str) -> None:
        begun.set()
        assert gate.wait(30)

    def items() -> Iterator[int]:
        yield 0
        assert begun.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(prefetch(items(), lambda n: [str(n)], Script(before), workers=2))
    gate.set()


def test_other_errors_stop_the_items() -> None:
    def before(url: str) -> None:
        if url == "3":
            raise ZeroDivisionError

    ahead = prefetch(range(10), lambda n: [str(n)], Script(before), workers=2)
    assert [next(ahead)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(ahead)


def test_a_catalog_is_fetched_from_a_real_site(site: Site, fetcher: Fetcher) -> None:
    site.pages.update({f"/{n}": response(b"%d" % n) for n in range(0, 60, 2)})
    site.pages.update({f"/{n}": response(b"gone", status=404) for n in range(1, 60, 2)})
    got = prefetch(range(60), lambda n: [site.url(f"/{n}")], fetcher, workers=8)
    for n, (item, (result,)) in enumerate(got):
        assert item == n
        if n % 2:
            assert isinstance(result, SourceError)
            assert (result.reason, result.__traceback__) == ("url_bad_status", None)
        else:
            assert result == b"%d" % n
