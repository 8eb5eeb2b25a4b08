"""Pages as Markdown, as Notion writes and reads it: one line a block, what is nested indented by a tab."""

from clawmark_services.notion.markdown.reading import drafts
from clawmark_services.notion.markdown.writing import Written, written

__all__ = ["Written", "drafts", "written"]
