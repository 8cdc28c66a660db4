"""Copy this into the conftest.py of a Django project; it needs infobip-sms[sandbox] and pytest-django.

The application reads address and account from its settings, as here:

    Client(settings.INFOBIP_BASE_URL, auth=Basic(settings.INFOBIP_USER, settings.INFOBIP_PASSWORD))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infobip_sms.sandbox import Sandbox


@pytest.fixture(autouse=True)
def sms(settings: Any, infobip_sandbox: Sandbox) -> Sandbox:
    """Let the application send to a sandbox; a test that takes ``sms`` sees what it received."""
    settings.INFOBIP_BASE_URL = infobip_sandbox.url
    settings.INFOBIP_USER, settings.INFOBIP_PASSWORD = "Aladdin", "open sesame"
    return infobip_sandbox
