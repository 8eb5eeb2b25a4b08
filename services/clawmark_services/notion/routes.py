"""Which request is which operation: every one that this service knows."""

from __future__ import annotations

from dataclasses import dataclass

from clawmark_services.notion.operations import (
    account,
    content,
    databases,
    markdown,
    pages,
    people,
    search,
    uploads,
    views,
)
from clawmark_services.notion.operations.call import Operation
from clawmark_services.notion.wire import OLD_VERSION, VERSIONS, WITH_SOURCES


@dataclass(frozen=True, slots=True)
class Route:
    """A request that exists: its method and path, its name in the audit, and what answers it.

    A `public` one is answered without the integration's token and in any version.
    """

    method: str
    path: str
    name: str
    answer: Operation
    versions: tuple[str, ...] = VERSIONS
    public: bool = False

    @property
    def reading(self) -> bool:
        """Whether it changes nothing that stays."""
        return self.method == "GET" or self.path.endswith(("/query", "/search"))


_PAGE = "/v1/pages/<page_id>"
_BLOCK = "/v1/blocks/<block_id>"
_DATABASE = "/v1/databases/<database_id>"
_SOURCE = "/v1/data_sources/<data_source_id>"
_COMMENT = "/v1/comments/<comment_id>"
_VIEW = "/v1/views/<view_id>"
_UPLOAD = "/v1/file_uploads/<file_upload_id>"

_PAGES = (
    Route("POST", "/v1/pages", "pages.create", pages.create),
    Route("GET", _PAGE, "pages.retrieve", pages.retrieve),
    Route("PATCH", _PAGE, "pages.update", pages.update),
    Route("POST", f"{_PAGE}/move", "pages.move", pages.move),
    Route("GET", f"{_PAGE}/markdown", "pages.markdown.retrieve", markdown.retrieve),
    Route("PATCH", f"{_PAGE}/markdown", "pages.markdown.update", markdown.update),
    Route("GET", f"{_PAGE}/properties/<property_id>", "pages.properties.retrieve", pages.retrieve_property),
    Route("GET", "/v1/async_tasks/<task_id>", "async_tasks.retrieve", markdown.retrieve_task),
)
_DATABASES = (
    Route("POST", "/v1/databases", "databases.create", databases.create),
    Route("GET", _DATABASE, "databases.retrieve", databases.retrieve),
    Route("PATCH", _DATABASE, "databases.update", databases.update),
    Route("POST", f"{_DATABASE}/query", "databases.query", databases.query, (OLD_VERSION,)),
    Route("POST", "/v1/data_sources", "data_sources.create", databases.create_source, WITH_SOURCES),
    Route("GET", _SOURCE, "data_sources.retrieve", databases.retrieve_source, WITH_SOURCES),
    Route("PATCH", _SOURCE, "data_sources.update", databases.update_source, WITH_SOURCES),
    Route("POST", f"{_SOURCE}/query", "data_sources.query", databases.query_source, WITH_SOURCES),
    Route("GET", f"{_SOURCE}/templates", "data_sources.templates", account.list_templates, WITH_SOURCES),
)
_BLOCKS = (
    Route("GET", _BLOCK, "blocks.retrieve", content.retrieve),
    Route("PATCH", _BLOCK, "blocks.update", content.update),
    Route("DELETE", _BLOCK, "blocks.delete", content.delete),
    Route("GET", f"{_BLOCK}/children", "blocks.children.list", content.list_children),
    Route("PATCH", f"{_BLOCK}/children", "blocks.children.append", content.append),
)
_PEOPLE = (
    Route("POST", "/v1/search", "search", search.search),
    Route("GET", "/v1/users", "users.list", people.list_users),
    Route("GET", "/v1/users/me", "users.me", people.me),
    Route("GET", "/v1/users/<user_id>", "users.retrieve", people.retrieve_user),
    Route("POST", "/v1/comments", "comments.create", people.create_comment),
    Route("GET", "/v1/comments", "comments.list", people.list_comments),
    Route("GET", _COMMENT, "comments.retrieve", people.retrieve_comment),
    Route("PATCH", _COMMENT, "comments.update", people.update_comment),
    Route("DELETE", _COMMENT, "comments.delete", people.delete_comment),
    Route("GET", "/v1/custom_emojis", "custom_emojis.list", account.list_custom_emojis),
)
_VIEWS = (
    Route("POST", "/v1/views", "views.create", views.create, WITH_SOURCES),
    Route("GET", "/v1/views", "views.list", views.list_all, WITH_SOURCES),
    Route("GET", _VIEW, "views.retrieve", views.retrieve, WITH_SOURCES),
    Route("PATCH", _VIEW, "views.update", views.update, WITH_SOURCES),
    Route("DELETE", _VIEW, "views.delete", views.delete, WITH_SOURCES),
    Route("POST", f"{_VIEW}/queries", "views.queries.create", views.create_query, WITH_SOURCES),
    Route("GET", f"{_VIEW}/queries/<query_id>", "views.queries.results", views.query_results, WITH_SOURCES),
    Route("DELETE", f"{_VIEW}/queries/<query_id>", "views.queries.delete", views.delete_query, WITH_SOURCES),
)
_UPLOADS = (
    Route("POST", "/v1/file_uploads", "file_uploads.create", uploads.create),
    Route("GET", "/v1/file_uploads", "file_uploads.list", uploads.list_all),
    Route("GET", _UPLOAD, "file_uploads.retrieve", uploads.retrieve),
    Route("POST", f"{_UPLOAD}/send", "file_uploads.send", uploads.send),
    Route("POST", f"{_UPLOAD}/complete", "file_uploads.complete", uploads.complete),
    Route(
        "GET",
        "/files/<workspace_id>/<upload_id>/<name>",
        "files.download",
        uploads.download,
        public=True,
    ),
)
_OAUTH = (
    Route("POST", "/v1/oauth/token", "oauth.token", account.token, public=True),
    Route("POST", "/v1/oauth/introspect", "oauth.introspect", account.introspect, public=True),
    Route("POST", "/v1/oauth/revoke", "oauth.revoke", account.revoke, public=True),
)

ROUTES = (*_PAGES, *_DATABASES, *_BLOCKS, *_PEOPLE, *_VIEWS, *_UPLOADS, *_OAUTH)
"""Every request that this service knows; any other is answered as Notion answers an unknown one."""
