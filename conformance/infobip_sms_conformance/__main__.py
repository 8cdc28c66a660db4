"""The suite as a program: ``python -m infobip_sms_conformance COMMAND``."""

import sys

if __name__ == "__main__":
    try:
        from infobip_sms_conformance.cli import main
    except KeyboardInterrupt:  # the commands themselves see to it from then on
        sys.exit(130)
    sys.exit(main())
