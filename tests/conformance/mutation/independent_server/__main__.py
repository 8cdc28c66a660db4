"""The command line of the independent server."""

import argparse

from tests.conformance.mutation.independent_server.site import Account, Site
from tests.conformance.mutation.independent_server.traits import (
    read_faults,
    read_legal,
    read_traits,
)
from tests.conformance.mutation.independent_server.web import build_server


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="outsider", description="A server of the SMS API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="Aladdin")
    parser.add_argument("--password", default="open sesame")
    parser.add_argument("--api-key", default="")
    parser.add_argument("--legal", default="", metavar="NAME", choices=["", *read_legal()])
    parser.add_argument(
        "--break", dest="faults", action="append", default=[], choices=read_faults()
    )
    parser.add_argument(
        "--minute",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a minute of validity and of waiting for another try lasts",
    )
    return parser.parse_args()


def run() -> None:
    """Serve until the process is ended."""
    options = parse_options()
    account = Account(options.user, options.password, options.api_key)
    site = Site(account, read_traits(options.legal, options.faults), options.minute)
    server = build_server(site, options.port)
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    print(site.address, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


run()
