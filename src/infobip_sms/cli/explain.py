"""What a requirement says, and where that is documented."""

from __future__ import annotations

import click

from infobip_sms.cli.base.framework import InvalidInputError
from infobip_sms.cli.base.output import print_json
from infobip_sms.cli.base.terminal import echo
from infobip_sms.requirements import explain, find_requirement


@click.command("explain")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def explain_command(ids: tuple[str, ...], *, as_json: bool) -> None:
    """Explain a requirement by its ID, such as SEND-008.

    Prints its wording, its source, a valid and an invalid value, and where it is checked.
    """
    try:
        for index, requirement_id in enumerate(ids):
            if as_json:
                print_json(find_requirement(requirement_id))
            else:
                echo(("\n" if index else "") + explain(requirement_id))
    except KeyError as error:
        raise InvalidInputError(str(error.args[0])) from None
