import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import pytest
from PIL import Image

from hokusai_assets.plots.calibration import calibration_pair
from hokusai_assets.plots.confusion import confusion_matrices
from hokusai_assets.plots.curves import roc_pair
from hokusai_assets.plots.rendering import png_bytes, svg_element, svg_file
from hokusai_assets_tests.plots.two_models import SPAM, cells_of, two_models


def element(name="roc", title="ROC", description="Two curves."):
    baseline, new = two_models()
    figure = roc_pair([baseline], [new], positive=1)
    return svg_element(figure, name=name, title=title, description=description)


def ids(text):
    return re.findall(r'id="([^"]+)"', text)


def test_equal_figures_give_equal_bytes():
    assert element() == element()
    baseline, new = two_models()
    figure = calibration_pair([baseline], [new], positive=1)
    first = svg_file(figure, title="t", description="d"), png_bytes(figure)
    # Writing a figure leaves nothing in it that the next writing would show.
    assert (svg_file(figure, title="t", description="d"), png_bytes(figure)) == first


def test_another_process_with_settings_of_its_own_gives_equal_bytes(tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "font.size: 20\naxes.grid: False\nxtick.major.size: 15\nsvg.hashsalt: other\n"
    )
    script = (
        "import sys, matplotlib; assert matplotlib.rcParams['font.size'] == 20\n"
        "from hokusai_assets_tests.plots.test_rendering import element\n"
        "sys.stdout.write(element())"
    )
    there = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"MATPLOTLIBRC": str(tmp_path), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout == element()


def test_threads_give_what_one_gives_and_leave_the_settings_alone():
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: element(), range(24))) == {element()}
    assert dict(matplotlib.rcParams) == before


def test_it_is_xml_that_names_itself():
    root = ElementTree.fromstring(element(title="ROC <1>", description='of "spam" & ham'))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "roc-title roc-desc"
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.findtext("s:title", namespaces=space) == "ROC <1>"
    assert root.findtext("s:desc", namespaces=space) == 'of "spam" & ham'


def test_two_elements_of_a_page_share_no_id_and_refer_to_their_own():
    one, other = element("roc"), element("roc-public")
    assert len(set(ids(one))) == len(ids(one))
    assert not set(ids(one)) & set(ids(other))
    for text in (one, other):
        used = re.findall(r'(?:url\(|href=")#([^")]+)', text)
        assert used
        assert set(used) <= set(ids(text))


def test_it_holds_no_date_and_asks_for_nothing():
    for text in (
        element(),
        svg_file(
            roc_pair(*map(lambda p: [p], two_models()), positive=1), title="t", description="d"
        ).decode(),
    ):
        assert not re.search(r"\b20\d\d-\d\d", text)
        assert "Matplotlib" not in text
        addresses = set(re.findall(r'https?://[^"\s<)]+', text))
        assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_text_has_the_colour_of_the_page():
    text = element()
    assert "currentColor" in text
    assert "#1b1f24" not in text
    assert "background" not in text


def test_a_file_brings_colours_for_light_and_dark():
    baseline, new = two_models()
    figure = roc_pair([baseline], [new], positive=1)
    text = svg_file(figure, title="t", description="d").decode()
    assert "svg{color:#1b1f24}" in text
    assert "prefers-color-scheme:dark" in text
    ElementTree.fromstring(text)


def test_labels_from_data_are_text_only():
    labels = ("<script>alert(1)</script>", 'x"&')
    cells = [[[labels[0], labels[1], labels[0], 5]]]
    figure = confusion_matrices(cells, tuple(sorted(labels)))
    text = svg_element(figure, name="c", title="t", description="d")
    ElementTree.fromstring(text)
    assert "<script" not in text


@pytest.mark.parametrize("name", ["", "1a", "A", "a b", 'a"'])
def test_a_name_that_is_no_id_is_refused(name):
    with pytest.raises(ValueError, match="name must be like"):
        element(name)


def test_png_is_small_white_and_opaque():
    baseline, new = two_models()
    for figure in (
        roc_pair([baseline], [new], positive=1),
        calibration_pair([baseline], [new], positive=1),
        confusion_matrices(cells_of((baseline, new)), SPAM),
    ):
        data = png_bytes(figure)
        assert len(data) < 30_000
        with Image.open(io.BytesIO(data)) as image:
            assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
