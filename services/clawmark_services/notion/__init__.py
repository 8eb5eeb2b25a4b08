"""Notion: a workspace of pages, databases and comments, behind the published HTTP API."""

from clawmark_services.notion.service import NotionService, NotionSpec

__all__ = ["NotionService", "NotionSpec"]
