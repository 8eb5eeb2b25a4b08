"""The sheets service: its declaration, and one running in a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clawmark_services.change import Change
from clawmark_services.context import Context
from clawmark_services.contract import Door, Endpoint, Json, Tool, Wsgi
from clawmark_services.sheets.oauth import Credentials
from clawmark_services.sheets.store import Store

if TYPE_CHECKING:
    from clawmark_services.sheets.author import SheetsAuthor
    from clawmark_services.sheets.view import SheetsView

ENDPOINT = Endpoint(
    key="google",
    hosts=("sheets.googleapis.com", "www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com"),
    port=443,
    scheme="https",
    variable="CLAWMARK_SHEETS_URL",
)

CREDENTIALS_FILE = ".google/credentials.json"
ROBOT_FILE = ".google/service_account.json"


@dataclass(frozen=True, slots=True)
class SheetsSpec:
    """Google Sheets with Drive, as a task declares it."""

    @property
    def name(self) -> str:
        return "sheets"

    def open(self, context: Context) -> SheetsService:
        """An empty Drive that belongs to the agent's account."""
        return SheetsService(context)

    def view(self, state: Json) -> SheetsView:
        """What `snapshot.sheets` is."""
        from clawmark_services.sheets.view import SheetsView

        return SheetsView(state)

    def changes(self, before: Json | None, after: Json) -> Sequence[Change]:
        """Which files, tabs and cells differ."""
        from clawmark_services.sheets.changes import changes

        return changes(before, after)

    def to_json(self) -> Json:
        return {"service": "sheets"}


class SheetsService:
    """One world's Google Sheets and Drive."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.store = Store(context.ids, context.accounts.agent.address, context.clock)
        self._credentials = Credentials.draw(context.ids)

    @property
    def name(self) -> str:
        return "sheets"

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        return (ENDPOINT,)

    @property
    def author(self) -> SheetsAuthor:
        from clawmark_services.sheets.author import SheetsAuthor

        return SheetsAuthor(self._context, self.store, lambda: self._credentials)

    def door(self, key: str) -> Door:
        """The WSGI application for all of Google's names; it sees what is restored later."""
        from clawmark_services.sheets.routes import App

        if key != ENDPOINT.key:
            raise LookupError(f"sheets has no endpoint {key!r}, only {ENDPOINT.key!r}")
        return Wsgi(App(self._context, self.store, lambda: self._credentials))

    def tools(self) -> Sequence[Tool]:
        from clawmark_services.sheets.tools import tools

        return tools(self._context, self.store)

    def refusal(self, status: int, path: str) -> Mapping[str, Json]:
        """A fault of the service itself, in the dialect of the API that `path` belongs to."""
        from clawmark_services.sheets.errors import unavailable

        error = unavailable(status)
        return error.as_drive() if path.startswith(("/drive/", "/upload/drive/")) else error.as_sheets()

    def environment(self, urls: Mapping[str, str]) -> Mapping[str, str]:
        """Where Drive and the token endpoint are; Google has names of their own for them."""
        drive, token = _neighbours(urls[ENDPOINT.key])
        return {
            "CLAWMARK_SHEETS_DRIVE_URL": drive,
            "CLAWMARK_SHEETS_TOKEN_URL": token,
            "GOOGLE_APPLICATION_CREDENTIALS": f"{{home}}/{ROBOT_FILE}",
        }

    def home_files(self, urls: Mapping[str, str]) -> Mapping[str, bytes]:
        """Credentials in the format that Google's own libraries read."""
        _, token = _neighbours(urls[ENDPOINT.key])
        credentials = self._credentials
        return {
            CREDENTIALS_FILE: credentials.authorized_user(token),
            ROBOT_FILE: credentials.robot.file(token),
        }

    def skill(self) -> str:
        from importlib.resources import files

        return files(__package__).joinpath("SKILL.md").read_text(encoding="utf-8")

    def freeze(self) -> Json:
        with self.store.lock:
            return {"drive": self.store.to_json(), "credentials": self._credentials.to_json()}

    def restore(self, state: Json) -> None:
        with self.store.lock:
            self.store.load(state["drive"])
            self._credentials = Credentials.from_json(state["credentials"])


def _neighbours(url: str) -> tuple[str, str]:
    """The addresses of Drive and of the token endpoint beside that of Sheets: Google's own names, or the
    same address where Sheets is on loopback."""
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "::1") or host.startswith("127."):
        return url, f"{url}/token"
    return "https://www.googleapis.com", "https://oauth2.googleapis.com/token"
