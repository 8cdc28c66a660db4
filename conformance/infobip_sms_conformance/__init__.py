"""The judge: a conformance suite for servers of POST /sms/2/text/advanced.

Lives here: nothing but this sentence; run it with ``python -m infobip_sms_conformance``.
Never here: an import of the binding or of the generated package; their files are opened as data.
"""
