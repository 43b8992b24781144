"""Bounded waits."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(check: Callable[[], T], what: str, timeout: float = 10.0) -> T:
    """Calls `check` until it returns something true, and returns that. Fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout:g} s still not: {what} (last answer: {result!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
