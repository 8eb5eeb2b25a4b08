"""Mail: SMTP in, IMAP out, any account, any password."""

from clawmark_services.email.author import EmailAuthor, SentMail
from clawmark_services.email.message import Attachment, Message
from clawmark_services.email.service import EmailService, EmailSpec
from clawmark_services.email.view import EmailView, Messages

__all__ = [
    "Attachment",
    "EmailAuthor",
    "EmailService",
    "EmailSpec",
    "EmailView",
    "Message",
    "Messages",
    "SentMail",
]
