"""Makes the pictures in docs/ anew from what the tests of the user interfaces saw last.

python -m pytest hokusai_assets_tests/integration/test_user_interfaces.py
python -m hokusai_assets_tests.integration.documentation_pictures
"""

from pathlib import Path

from PIL import Image

from hokusai_assets_tests.integration.chromium import SCREENSHOTS

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SHOWN = ("lineage", "contribution", "report")
_COLOURS, _WIDTH = 96, 1100


def shrink(source: Path, target: Path) -> None:
    """Write a screenshot at most 1,100 pixels wide and in 96 colours: a few dozen kilobytes."""
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((_WIDTH, 2 * _WIDTH), Image.Resampling.LANCZOS)
    target.parent.mkdir(exist_ok=True)
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> None:
    """Make all pictures, and say how large each is."""
    for name in SHOWN:
        target = PICTURES / f"{name}.png"
        shrink(SCREENSHOTS / f"{name}.png", target)
        print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
