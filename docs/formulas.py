"""Converts formulas to MathML when the pages are built: browsers render it without a script that must be fetched."""

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(page_html, **_):
    return FORMULA.sub(_as_mathml, page_html)


def _as_mathml(found):
    display = "block" if found[1] == "div" else "inline"
    return convert(html.unescape(found[2]), display=display)
