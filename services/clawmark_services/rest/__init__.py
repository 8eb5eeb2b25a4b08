"""A business API that a task declares in a few lines: an HR system, a ticket desk, a CRM."""

from clawmark_services.rest.declaration import RestApi

__all__ = ["RestApi"]
