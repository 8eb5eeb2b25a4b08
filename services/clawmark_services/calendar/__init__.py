"""Calendars: Radicale, any user, any password."""

from clawmark_services.calendar.author import CalendarAuthor, EventHandle
from clawmark_services.calendar.event import Attendee, Event
from clawmark_services.calendar.service import CalendarService, CalendarSpec
from clawmark_services.calendar.view import CalendarView

__all__ = [
    "Attendee",
    "CalendarAuthor",
    "CalendarService",
    "CalendarSpec",
    "CalendarView",
    "Event",
    "EventHandle",
]
