"""Each whole audit that was filed calls an outside address: over real HTTP, and no address is ever said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from privacy_audit.config import settings
from privacy_audit.notify import heartbeat
from privacy_audit.notify.heartbeat import HeartbeatResult


@contextmanager
def outside(answer: int, calls: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/beat/s3cret"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def call(monkeypatch: pytest.MonkeyPatch, connection: object) -> HeartbeatResult:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_OUTSIDE", json.dumps(connection))
    return heartbeat.call(settings.load({"PRIVACY_AUDIT_HEARTBEAT": "outside"}))


@pytest.mark.parametrize(
    ("answer", "beat", "called"),
    [
        (200, HeartbeatResult.CALLED, 1),
        (404, HeartbeatResult.FAILED, 1),
        (500, HeartbeatResult.FAILED, 1),
        (302, HeartbeatResult.FAILED, 1),
    ],
)
def test_the_address_is_called_once(
    monkeypatch: pytest.MonkeyPatch, answer: int, beat: HeartbeatResult, called: int
) -> None:
    calls: list[str] = []
    with outside(answer, calls) as address:
        assert call(monkeypatch, {"conn_type": "http", "extra": {"url": address}}) is beat
    assert calls == ["/beat/s3cret"] * called
    assert "s3cret" not in " ".join(beat.causes)


def test_an_address_that_is_down_stops_nothing_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with outside(200, []) as address:
        pass
    beat = call(monkeypatch, {"conn_type": "http", "password": address})
    assert beat is HeartbeatResult.FAILED
    assert len(beat.causes) == 1


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://127.0.0.1/", None, 5])
def test_only_web_addresses_are_called(monkeypatch: pytest.MonkeyPatch, url: object) -> None:
    beat = call(monkeypatch, {"conn_type": "http", "extra": {"url": url}})
    assert beat is HeartbeatResult.NOT_CONFIGURED
    assert 'Give its extra {"url": "https://..."}' in beat.causes[0]


def test_a_connection_that_nobody_made_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "airflow", None)
    assert call(monkeypatch, None) is HeartbeatResult.NOT_CONFIGURED


def test_without_a_setting_nothing_is_called() -> None:
    beat = heartbeat.call(settings.load({}))
    assert (beat, beat.causes) == (HeartbeatResult.NOT_ASKED_FOR, ())
