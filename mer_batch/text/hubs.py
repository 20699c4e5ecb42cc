"""Whether a hub answers, asked once and quickly, so that a machine without a network does not wait for it."""

from __future__ import annotations

import os
import time
import urllib.request
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.error import HTTPError

from mer_batch.resources import cache_dir

PATIENCE: Final = 4.0
"""Seconds that a hub has to answer."""
REMEMBERED: Final = 300.0
"""Seconds for which a hub that did not answer is not asked again: every file of a batch would wait for it."""

BROKEN: Final = 500
"""The first status of HTTP that means a failing server."""


def reachable(address: str) -> None:
    """Raise `OSError` unless whoever serves `address` answers within `PATIENCE` seconds; proxies are as the system's.

    A hub that fails counts as one that does not answer. What it says of the address itself, the download will tell.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "on", "true", "yes"):
        raise OSError("HF_HUB_OFFLINE is set")
    _recall(address)
    try:
        _ask(address)
    except OSError as error:
        failed(address, str(getattr(error, "reason", error)))
        raise
    with suppress(OSError):
        _mark(address).unlink(missing_ok=True)


def failed(address: str, reason: str) -> None:
    """Remember for a while that nothing can be had from `address`; a cache that cannot be written is no error."""
    with suppress(OSError):
        _mark(address).write_text(reason, encoding="utf-8")


def _mark(address: str) -> Path:
    return cache_dir("hubs") / sha256(address.encode()).hexdigest()[:16]


def _recall(address: str) -> None:
    try:
        mark = _mark(address)
        age, reason = time.time() - mark.stat().st_mtime, mark.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if 0 <= age < REMEMBERED:
        raise OSError(reason)


def _ask(address: str) -> None:
    lost: list[OSError] = [TimeoutError(f"no answer within {PATIENCE:g} s")]

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE):
                lost.clear()
        except HTTPError as error:
            error.close()
            lost[:] = [OSError(f"{error.code} {error.reason}")] if error.code >= BROKEN else []
        except OSError as error:
            lost[:] = [error]
        except Exception as error:  # what a broken hub answers: no HTTP, no length
            lost[:] = [OSError(str(error) or type(error).__name__)]

    # Looking up a name has no time limit of its own; a thread that hangs there dies with the process.
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    if lost:
        raise lost[0]
