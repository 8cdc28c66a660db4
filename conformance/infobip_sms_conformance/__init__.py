"""The suite: a conformance suite for servers of POST /sms/2/text/advanced."""
