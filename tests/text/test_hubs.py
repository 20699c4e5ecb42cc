"""Whether a hub answers: known within seconds, and not asked again by every file of a batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mer_batch.text import hubs


class _Hub(ThreadingHTTPServer):
    """Answers with `status`, or not at all where it is 0."""

    daemon_threads = True
    status = 200
    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.done = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/model"


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        server = self.server
        assert isinstance(server, _Hub)
        server.asked += 1
        if server.status:
            self.send_response(server.status)
            self.end_headers()
        else:
            server.done.wait(5)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Hub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = _Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.done.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 404])
def test_a_hub_that_answers_is_reachable(hub: _Hub, status: int) -> None:
    """What it says of the address itself the download tells, with its own reason."""
    hub.status = status
    hubs.reachable(hub.address)
    hubs.reachable(hub.address)
    assert hub.asked == 2


def test_a_hub_that_fails_is_not_asked_again_for_a_while(hub: _Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.status = 503
    for _ in range(3):
        with pytest.raises(OSError, match=r"503|Service Unavailable"):
            hubs.reachable(hub.address)
    assert hub.asked == 1
    monkeypatch.setattr(hubs, "REMEMBERED", 0.0)
    hub.status = 200
    hubs.reachable(hub.address)
    monkeypatch.setattr(hubs, "REMEMBERED", 300.0)
    hubs.reachable(hub.address)
    assert hub.asked == 3


def test_a_hub_that_is_silent_costs_no_more_than_the_patience(hub: _Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "PATIENCE", 0.2)
    hub.status = 0
    began = time.monotonic()
    with pytest.raises(OSError, match=r"timed out|no answer within 0.2 s"):
        hubs.reachable(hub.address)
    assert time.monotonic() - began < 2


def test_nobody_there_is_said_with_its_reason() -> None:
    with pytest.raises(OSError, match="refused"):
        hubs.reachable("http://127.0.0.1:9/model")


def test_who_works_offline_is_not_asked(hub: _Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OSError, match="HF_HUB_OFFLINE"):
        hubs.reachable(hub.address)
    assert hub.asked == 0
