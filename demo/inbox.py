"""What the demo's people receive: a webhook on 127.0.0.1 that keeps each alert as a file, in place of a team's chat."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from demo.ports import LOOPBACK

TEAMS = ("product", "web", "platform", "compliance")
"""The teams whose channels the connections `alerts_<team>` are: owners of stores, and those of `handling.yaml`."""
_LARGEST_BODY = 1 << 20


def connections(port: int) -> dict[str, str]:
    """Airflow connections of the teams' channels, by name."""
    return {
        f"alerts_{team}": json.dumps({"conn_type": "generic", "extra": {"urls": [f"json://{LOOPBACK}:{port}/{team}"]}})
        for team in TEAMS
    }


@contextmanager
def opened(folder: Path, port: int) -> Iterator[None]:
    """Alerts that arrive at the port are kept as `folder/<team>.json`, the newest of each team."""
    folder.mkdir(parents=True, exist_ok=True)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            team = self.path.split("?")[0].strip("/")
            length = int(self.headers.get("Content-Length", 0))
            if not re.fullmatch("|".join(TEAMS), team) or length > _LARGEST_BODY:
                self.send_error(404)
                return
            received = json.loads(self.rfile.read(length))
            _keep(folder / f"{team}.json", json.loads(received["message"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing: what arrives is in the files."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _keep(file: Path, message: object) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(message, indent=2, ensure_ascii=False) + "\n")
    draft.replace(file)


def told(folder: Path, audit_id: str) -> list[str]:
    """Who was told what of an audit, a line for each team: its name and the subject of its message."""
    found = (json.loads(file.read_text()) for file in sorted(folder.glob("*.json")))
    return [f"{alert['owner']}: {alert['subject']}" for alert in found if alert.get("audit_id") == audit_id]
