"""Pictures that were drawn into files, as part of a page that needs no other file.

A `Chart` holds markup; here it is an `img` whose source is the picture itself (RFC 2397).  Every
text is escaped.
"""

import base64
from html import escape
from pathlib import Path

from mhx.report.page import Chart


def embedded(picture: Path, caption: str, *, wide: bool = True) -> Chart:
    """A PNG as it stands on a page; the caption is also what a reader without pictures hears."""
    content = base64.b64encode(picture.read_bytes()).decode("ascii")
    markup = f'<img alt="{escape(caption)}" src="data:image/png;base64,{content}">'
    return Chart(svg=markup, caption=caption, wide=wide)
