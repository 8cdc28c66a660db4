"""Write an API reference and a page of all requirements as HTML; needs the extra ``docs``.

python schema/reference.py build/docs
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pdoc
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from pdoc.doc import Module

HERE = Path(__file__).parent
MODULES = (
    "infobip_sms",
    "infobip_sms.operations",
    "infobip_sms.otel",
    "infobip_sms.sandbox.testing",
)
_ID = re.compile(r"(?<![\w\[#-])([A-Z]+[0-9]?-\d{3})\b")
_CODE = re.compile(r"^(?:from|with) .*(?:\n.+)*", re.MULTILINE)
_ARGUMENT = re.compile(r"^ *((?:\w+, )*\w+): (?=\S)", re.MULTILINE)


def main(target: Path) -> None:
    """Write the reference into a folder."""
    # a quoted type whose import is for type checkers alone is shown without a link
    warnings.filterwarnings("ignore", module="pdoc.doc_types")
    pdoc.render.configure(docformat="markdown", footer_text="infobip-sms", show_source=False)
    pdoc.render.env.filters["to_markdown"] = _convert
    # decorators are for those who read the code; what is public has its docstring
    pdoc.doc.Function.decorators = property(_list_decorators)  # type: ignore[assignment]
    pdoc.pdoc(*MODULES, "!infobip_sms.[a-z_]*", *MODULES[1:], output_directory=target)
    (target / "requirements.html").write_text(write_requirements(), encoding="utf-8")


def _list_decorators(function: pdoc.doc.Function) -> list[str]:
    known = {classmethod: "@classmethod", staticmethod: "@staticmethod"}
    return [name for kind, name in known.items() if isinstance(function.wrapped, kind)]


@jinja2.pass_context
def _convert(context: jinja2.runtime.Context, docstring: str) -> str:
    module: Module = context["module"]
    return convert_docstring(docstring, "../" * module.modulename.count("."))


def convert_docstring(docstring: str, root: str = "") -> str:
    """Return a docstring as Markdown: arguments as a list, IDs as links to their requirements."""
    text = _CODE.sub(lambda found: textwrap.indent(found[0], "    "), docstring.replace("``", "`"))
    text = _ARGUMENT.sub(r"\n- **\1**: ", text)
    return _ID.sub(rf"[\1]({root}requirements.html#\1)", text)


def write_requirements() -> str:
    """Return the page of all requirements and interpretations."""
    data = tomllib.loads((HERE / "requirements.toml").read_text(encoding="utf-8"))
    loader = jinja2.FileSystemLoader(HERE / "generator")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["markup"] = _mark_up
    return environment.get_template("requirements.html.jinja2").render(data)


def _mark_up(text: str) -> Markup:
    """Return a text with its code and its IDs as HTML."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(_ID.sub(r'<a href="#\1">\1</a>', html))  # noqa: S704 - escaped above


if __name__ == "__main__":
    main(Path(sys.argv[1]))
