"""No two photos share a result, whatever they are called and in whatever order they come."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rembolt.batch.names import Names
from rembolt.batch.sources import Photo


def results(*photos: Photo, shuffled: int = 0) -> dict[str, str]:
    names = Names(Path("out"), "png")
    order = list(photos)
    random.Random(shuffled).shuffle(order)
    names.plan(order)
    return {photo.path: names.of(photo).relative_to("out").as_posix() for photo in photos}


def in_tree(*places: str) -> list[Photo]:
    return [Photo(f"in/{place}", place) for place in places]


def test_the_tree_is_mirrored():
    assert list(results(*in_tree("a.jpg", "sub/a.jpg", "sub/my.cat.webp")).values()) == [
        "a.png",
        "sub/a.png",
        "sub/my.cat.png",
    ]


@pytest.mark.parametrize("order", range(4))
def test_photos_that_share_a_name_keep_their_extensions(order):
    photos = in_tree("a.jpg", "a.png", "b.jpg", "sub/a.jpg")
    assert list(results(*photos, shuffled=order).values()) == ["a.jpg.png", "a.png.png", "b.png", "sub/a.png"]


@pytest.mark.parametrize("order", range(4))
def test_a_long_name_that_is_anothers_short_one(order):
    photos = in_tree("a.jpg", "a.png", "a.jpg.gif")
    assert list(results(*photos, shuffled=order).values()) == ["a.jpg.png", "a.png.png", "a.jpg.gif.png"]


def test_names_that_differ_only_in_case_or_form():
    for pair in (("A.jpg", "a.jpg"), ("\u00e4.jpg", "a\u0308.jpg"), ("a.JPG", "A.jpg")):
        first, second = results(*in_tree(*pair)).values()
        assert folded(first) != folded(second)
        assert first.startswith(pair[0])


def test_photos_of_a_list_from_several_folders():
    first, second, third = results(*(Photo(f"{place}/a.jpg", "a.jpg") for place in "xyz")).values()
    assert len({first, second, third}) == 3
    assert all(name.startswith("a.jpg.") and name.endswith(".png") for name in (first, second, third))


def test_the_number_of_photos_that_share():
    names = Names(Path("out"), "png")
    names.plan(in_tree("a.jpg", "a.png", "b.jpg"))
    assert names.sharing == 2


def test_a_photo_that_comes_later_takes_a_name_that_is_free():
    names = Names(Path("out"), "webp")
    names.plan(in_tree("a.jpg"))
    early, late, later = (names.of(photo) for photo in in_tree("a.jpg", "a.png", "A.PNG"))
    assert (early, late) == (Path("out/a.webp"), Path("out/a.png.webp"))
    assert folded(str(later)) not in (folded(str(early)), folded(str(late)))
    assert [names.of(photo) for photo in in_tree("a.jpg", "a.png", "A.PNG")] == [early, late, later]


PLACES = st.lists(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "sub/", "Sub/"]),
            st.text("aAä.\u0308ß", min_size=1, max_size=3),
            st.sampled_from(["", ".jpg", ".png", ".jpg.png"]),
        ),
    ),
    unique=True,
    max_size=30,
)


@given(PLACES, st.integers())
def test_never_two_the_same_and_never_by_order(places, order):
    photos = in_tree(*places)
    names = results(*photos)
    assert len(set(map(folded, names.values()))) == len(photos)
    assert results(*photos, shuffled=order) == names


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
