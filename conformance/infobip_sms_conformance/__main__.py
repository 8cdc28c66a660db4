"""The suite as a program: ``python -m infobip_sms_conformance COMMAND``."""

import sys

from infobip_sms_conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
