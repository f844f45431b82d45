"""``/openapi.json``, and ``/docs``, a page to try it: Swagger UI out of its jar, no internet."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

import flask_smorest
from flask import Flask, Response, jsonify

from shared.errors import NotThere
from shared.settings import BadSettings, variable
from shared.web.access import public

_PAGES = Path(__file__).parent / "pages"
_OUT_OF_THE_JAR = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
# Only what comes from here is run, and nothing is said to anybody else. Its own pictures are in
# its style sheet, its styles partly in its markup.
_ONLY_OURS = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def register(app: Flask, api: flask_smorest.Api, *, jar: str) -> None:
    """Show the document that the routes make and, where ``jar`` names one, the page to try it."""
    files = _files(Path(jar)) if jar else {}

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        return jsonify(api.spec.to_dict())

    @app.get("/docs")
    @public
    def docs() -> Response:
        return _shown(files, "docs.html")

    @app.get("/docs/<name>")
    @public
    def docs_file(name: str) -> Response:
        return _shown(files, name)


def _shown(files: Mapping[str, bytes], name: str) -> Response:
    if name not in files:
        raise NotThere
    kind = mimetypes.guess_type(name)[0]
    headers = {"Content-Security-Policy": _ONLY_OURS}
    if name in _OUT_OF_THE_JAR:
        headers["Cache-Control"] = "max-age=3600"
    return Response(files[name], mimetype=kind, headers=headers)


def _files(jar: Path) -> dict[str, bytes]:
    """Return the page's files: ours, and those of the one library in the jar."""
    files = {path.name: path.read_bytes() for path in _PAGES.iterdir()}
    try:
        with ZipFile(jar) as archive:
            for entry in archive.namelist():
                if (name := PurePosixPath(entry).name) in _OUT_OF_THE_JAR:
                    files[name] = archive.read(entry)
    except (OSError, BadZipFile) as error:
        raise BadSettings(f"{variable('swagger_ui')} cannot be read: {error}") from None
    if missing := set(_OUT_OF_THE_JAR) - set(files):
        raise BadSettings(f"{variable('swagger_ui')} is not Swagger UI: no {', '.join(missing)}")
    return files
