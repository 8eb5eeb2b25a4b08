"""Google Sheets v4, with the calls of Drive v3 and OAuth that opening a spreadsheet needs."""

from clawmark_services.sheets.service import SheetsService, SheetsSpec

__all__ = ["SheetsService", "SheetsSpec"]
