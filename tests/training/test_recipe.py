import json
from pathlib import Path

import pytest

from training import recipe as recipes

KEPT = sorted(Path(recipes.__file__).parent.glob("recipes/*.json"))


def test_phases_follow_one_another(recipe):
    assert [recipe.at(step)[0].size for step in range(recipe.steps)] == [64] * 4 + [96] * 3
    with pytest.raises(IndexError, match="7 steps"):
        recipe.at(7)


def test_rate_rises_then_falls_within_each_phase(recipe):
    rates = [recipe.at(step)[1] for step in range(recipe.steps)]
    assert rates[0] == pytest.approx(0.001)  # half of the warm-up
    assert rates[3] == pytest.approx(0.001)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(0.0001)


def test_what_is_written_is_read(recipe, tmp_path):
    recipe.write(tmp_path / "recipe.json")
    assert recipes.read(tmp_path / "recipe.json") == recipe


def test_an_unknown_setting_is_refused(recipe, tmp_path):
    path = tmp_path / "recipe.json"
    recipe.write(path)
    path.write_text(path.read_text().replace('"clip"', '"clap"'))
    with pytest.raises(ValueError, match=r"recipe.json is no recipe.*clap"):
        recipes.read(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"warm_up": 0}, "warm_up must be"),
        ({"measure_every": 0}, "measure_every must be"),
        ({"studio": 2}, "studio must be"),
        ({"phases": [{"steps": "5", "size": 64, "batch": 4, "rates": [1, 1]}]}, "steps must be"),
        ({"phases": [{"steps": 5, "size": 100, "batch": 4, "rates": [1, 1]}]}, "multiple of 32"),
        ({"phases": [{"steps": 5, "size": 64, "batch": 4, "rates": [0, 1]}]}, "rates above 0"),
        ({"phases": 3}, "is no recipe"),
    ],
)
def test_settings_out_of_range_are_named(recipe, tmp_path, change, sentence):
    path = tmp_path / "recipe.json"
    recipe.write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=sentence):
        recipes.read(path)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_recipes_can_be_read_and_never_learn_from_test_photos(path):
    kept = recipes.read(path)
    assert kept.steps > 0
    assert all(phase.size % 32 == 0 for phase in kept.phases)
    assert not {"ecssd-300", "alphamatting", kept.validation} & set(kept.sets)
