"""The application that Airflow's api-server mounts under `/privacy-audit`, behind Airflow's own login.

Airflow gives a mounted application no authentication at all, so each route here demands it: the two dependencies below
belong to the application, and anyone who may not read the DAG `privacy_audit_nightly` may not read its reports. The
pages that FastAPI makes by itself and mounted static folders escape such dependencies; there are none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
from airflow.configuration import conf
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from privacy_audit.config import settings
from privacy_audit.publish.pages import report_index
from privacy_audit.view.templates import environment

DAG = "privacy_audit_nightly"
PER_PAGE = 30
_TEMPLATES = Path(__file__).parent / "templates"

# Nothing from elsewhere, no script that is not a file of ours, and only Airflow may frame the pages.
_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self'; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT.format(styles=""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}

_SHIELD = "M12 2l8 4v6c0 5-3.5 8.5-8 10-4.5-1.5-8-5-8-10V6z M9 12l2 2 4-4"
# Drawn twice, the wider time in the other colour: one icon serves on the menu's background and on its selected one.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke-linecap="round" '
    'stroke-linejoin="round"><path stroke="{halo}" stroke-width="4" d="{shield}"/>'
    '<path stroke="{ink}" stroke-width="2" d="{shield}"/></svg>'
)
_DARK, _LIGHT = "#475569", "#f1f5f9"


def create_app() -> FastAPI:
    """The pages: the list of audits, the files of each report, the Data Docs."""
    app = FastAPI(
        title="Privacy audit",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[
            Depends(requires_access_view(AccessView.WEBSITE)),
            Depends(requires_access_dag("GET", param_dag_id=DAG)),
        ],
    )
    app.middleware("http")(_add_headers)
    app.exception_handler(AnyHTTPException)(_refuse)
    _add_pages(app)
    return app


def _add_pages(app: FastAPI) -> None:
    # A wrong setting is the nightly run's to report: refusing it here would keep the whole api-server from starting.
    home = settings.home()
    templates = environment(_TEMPLATES)

    @app.get("/", response_class=HTMLResponse)
    def audits(request: Request, page: int = 1) -> str:
        found = report_index.folders(home / "reports")
        pages = max(1, -(-len(found) // PER_PAGE))
        page = min(max(page, 1), pages)
        return templates.get_template("audits.html").render(
            base=request.scope.get("root_path", ""),
            reports=[report_index.read(folder) for folder in found[(page - 1) * PER_PAGE : page * PER_PAGE]],
            data_docs=report_index.inside(home / "data_docs", "index.html") is not None,
            page=page,
            pages=pages,
        )

    @app.get("/reports/{path:path}")
    def report(path: str) -> FileResponse:
        return _file(home / "reports", path)

    @app.get("/data-docs/{path:path}")
    def data_docs(path: str) -> FileResponse:
        return _file(home / "data_docs", path)

    @app.get("/audits.css")
    def style() -> Response:
        return Response((_TEMPLATES / "audits.css").read_text(encoding="utf-8"), media_type="text/css")

    @app.get("/icon.svg")
    def icon() -> Response:
        return _icon(_DARK, _LIGHT)

    @app.get("/icon-dark.svg")
    def icon_dark() -> Response:
        return _icon(_LIGHT, _DARK)


def _icon(ink: str, halo: str) -> Response:
    return Response(_ICON.format(ink=ink, halo=halo, shield=_SHIELD), media_type="image/svg+xml")


def _file(base: Path, path: str) -> FileResponse:
    found = report_index.inside(base, path)
    if found is None:
        raise HTTPException(404, "There is no such report.")
    # A filed page brings a stricter policy of its own, which allows its one style by digest; both must agree.
    return FileResponse(found, headers={"Content-Security-Policy": _CONTENT.format(styles=" 'unsafe-inline'")})


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _refuse(request: Request, refused: Any) -> Response:
    """A person who follows a bookmark is taken to Airflow's login and back; a program gets the status code."""
    if refused.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        return RedirectResponse(f"{base}/api/v2/auth/login?next={quote(str(request.url), safe='')}", status_code=307)
    return JSONResponse({"detail": refused.detail}, status_code=refused.status_code, headers=refused.headers)
