"""The commands of ``infobip-sms``, one module for each family.

Lives here: nothing.
Never here: code.
"""
