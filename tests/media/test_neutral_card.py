"""The picture for links that tell nothing."""

import runpy
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from lumaboard.media.social import MOST_BYTES, SIZE

ROOT = Path(__file__).resolve().parents[2]


def test_the_neutral_card_is_what_its_script_draws_in_the_size_chats_want():
    path = ROOT / "static" / "neutral-card.jpg"
    drawn = runpy.run_path(str(ROOT / "scripts" / "draw_neutral_card.py"))["draw"]()
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as card:
        assert card.size == SIZE
        assert max(ImageStat.Stat(ImageChops.difference(card, drawn)).mean) < 2
