"""What people are told by mail of their accounts."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)


def mail_notice(email: str, sentence: str) -> None:
    """Send the notice; one that cannot be sent undoes nothing."""
    message = render_to_string("account/email/notice_message.txt", {"sentence": sentence, "url": settings.PUBLIC_URL})
    try:
        send_mail(sentence, message, None, [email])
    except OSError as error:  # which every failure of the mail server is
        logger.warning("a notice could not be mailed: %s", type(error).__name__)
