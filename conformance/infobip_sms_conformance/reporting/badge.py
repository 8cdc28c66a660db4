"""The result as a small picture."""

from infobip_sms_conformance.errors import COULD_NOT_TEST, NOTHING_FAILED, SOMETHING_FAILED
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.baseline import BaselineComparison
from infobip_sms_conformance.run.result import RunResult

LABEL = "infobip sms"
COLOURS = {NOTHING_FAILED: "#2da44e", SOMETHING_FAILED: "#cf222e", COULD_NOT_TEST: "#6e7781"}
CHARACTER, MARGIN = 6.6, 10.0


def dump_badge(result: RunResult, compared: BaselineComparison | None = None) -> str:
    """Return the picture as SVG."""
    code = compared.exit_code if compared else result.exit_code
    counts = result.count_verdicts()
    words = {
        NOTHING_FAILED: f"{counts[Verdict.PASS]} of {len(result.rows)} pass",
        SOMETHING_FAILED: f"{counts[Verdict.FAIL]} of {len(result.rows)} fail",
        COULD_NOT_TEST: "not checked",
    }[code]
    left, right = (len(text) * CHARACTER + 2 * MARGIN for text in (LABEL, words))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:.0f}" height="20" role="img" '
        f'aria-label="{LABEL}: {words}"><title>{LABEL}: {words}</title>'
        f'<rect width="{left:.0f}" height="20" fill="#444c56"/>'
        f'<rect x="{left:.0f}" width="{right:.0f}" height="20" fill="{COLOURS[code]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f'<text x="{left / 2:.0f}" y="14">{LABEL}</text>'
        f'<text x="{left + right / 2:.0f}" y="14">{words}</text></g></svg>\n'
    )
