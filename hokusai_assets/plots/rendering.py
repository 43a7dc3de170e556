"""Figures as bytes: SVG that takes a page's colours, and small PNG; the same bytes every time."""

import io
import re
from html import escape

from matplotlib.figure import Figure
from PIL import Image

from hokusai_assets.plots.style import INK, house_style

# 608 pixels across: what fits into a cell of Dagster's page 1,500 pixels wide.
PNG_DPI = 76
_PNG_COLOURS = 64

_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_PAGE_FONT = "system-ui, sans-serif"
_MORE_DIGITS = re.compile(r"(\.\d\d)\d+")
_OWN_COLOURS = (
    f"<style>svg{{color:{INK}}}@media (prefers-color-scheme:dark){{svg{{color:#e6edf3}}}}</style>"
)


def svg_element(figure: Figure, *, name: str, title: str, description: str) -> str:
    """Return a figure as an ``<svg>`` element to stand in a page.

    Its background is the page's, its text and axes have the page's text colour and font. It names
    itself to screen readers by ``title`` and ``description``. Equal figures give equal text.

    Args:
        name: begins every id in it, so that no two elements of a page share one: [a-z][a-z0-9-]*.
        title: a few words.
        description: what the picture shows, in sentences.

    Raises:
        ValueError: name is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"name must be like roc-public, got {name!r}")
    written = io.StringIO()
    with house_style():
        figure.savefig(written, format="svg", facecolor="none", metadata=_NO_METADATA)
    text = written.getvalue()
    text = _with_own_ids(text[text.index("<svg ") :], name)
    # The colours of a page's text, and its font; both are only known where it is shown.
    text = text.replace(INK, "currentColor").replace("'DejaVu Sans'", _PAGE_FONT)
    # A hundredth of a point is enough, and half the bytes.
    text = re.sub(r' d="[^"]*"', lambda path: _MORE_DIGITS.sub(r"\1", path.group()), text)
    head = re.match(r"<svg [^>]*>", text)
    assert head is not None
    box = re.search(r'viewBox="[^"]*"', head.group())
    assert box is not None
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box.group()} role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
        f"{text[head.end() :].rstrip()}"
    )


def svg_file(figure: Figure, *, title: str, description: str) -> bytes:
    """Return a figure as an SVG file, dark on a light screen and light on a dark one."""
    element = svg_element(figure, name="figure", title=title, description=description)
    start = element.index("<title")
    return f"{element[:start]}{_OWN_COLOURS}{element[start:]}\n".encode()


def png_bytes(figure: Figure, *, dpi: int = PNG_DPI) -> bytes:
    """Return a figure as a PNG on white, in a palette of 64 colours: some 10 kB."""
    written = io.BytesIO()
    with house_style():
        figure.savefig(written, format="png", dpi=dpi, facecolor="white")
    small = io.BytesIO()
    with Image.open(written) as image:
        flat = image.convert("RGB").quantize(_PNG_COLOURS, dither=Image.Dither.NONE)
        flat.save(small, format="png", optimize=True)
    return small.getvalue()


def _with_own_ids(text: str, name: str) -> str:
    """Put a name before the ids that are referred to, and take the others away."""
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))

    def renamed(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    text = re.sub(r' id="([^"]+)"', renamed, text)
    return re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
