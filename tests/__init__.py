"""Tests of infobip-sms; the test of ``src/infobip_sms/X`` is in ``tests/X``."""
