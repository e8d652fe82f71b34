"""What the tests in a browser do to a page of the app."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable
from typing import Any

Tab = Callable[..., Any]
CARDS = "article"


def wait_for(condition: Callable[[], bool], *, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def searched(tab: Tab, app: str, text: str, **options: Any) -> Any:
    page = tab(f"{app}/?{urllib.parse.urlencode({'q': text})}", **options)
    page.wait_for_selector(CARDS)
    return page


def ids(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(CARDS, "all => all.map(one => one.dataset.id)")
    return found


def parameters(page: Any) -> dict[str, str]:
    # Asked of the page: the driver learns of a new address only while it talks with the browser.
    address = page.evaluate("location.href")
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
