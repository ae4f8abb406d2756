"""The pictures of docs/rules.md are what the engine does with the rules of that page.

A picture that is stale: `python -m timeline.picture` in tests/ draws all of them.
"""

import re

import pytest
from timeline.picture import DOCS, PICTURES, SCENES, draw

PAGE = (DOCS / "rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_what_a_run_shows(name):
    assert (PICTURES / f"{name}.svg").read_text(encoding="utf-8") == draw(SCENES[name], PAGE)


def test_the_page_shows_every_picture():
    shown = re.findall(r"\]\(rules/([\w-]+)\.svg\)", PAGE)
    assert sorted(shown) == sorted(SCENES) == sorted(one.stem for one in PICTURES.iterdir())


@pytest.mark.parametrize("page", ["rules.md", "recipes.md"])
def test_a_link_to_a_headline_leads_somewhere(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, anchor in re.findall(r"\]\(([\w.-]+\.md)?#([\w-]+)\)", text):
        target = (DOCS / (name or page)).read_text(encoding="utf-8")
        headlines = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
        assert anchor in {anchor_of(one) for one in headlines}


def anchor_of(headline):
    return re.sub(r"[^\w -]", "", headline.lower()).replace(" ", "-")
