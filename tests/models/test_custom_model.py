import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rembolt.errors import RemboltError, UsageError, WeightsUnavailableError
from rembolt.models.catalogue import find_model
from rembolt.models.custom import custom_model, with_path
from rembolt.models.spec import ModelSpec


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"network")
    return path


def describe(network, sidecar) -> ModelSpec:
    network.with_suffix(".json").write_text(json.dumps(sidecar), "utf-8")
    return find_model(network)


def test_a_sidecar_says_how_a_network_is_fed(network):
    spec = describe(
        network,
        {
            "input_size": [640, 480],
            "mean": [0, 0.25, 0.5],
            "std": [1, 1, 2],
            "head": "sigmoid",
            "levels": [0, 0.75],
            "brightness": "255",
            "name": "our-cars",
            "licence": "CC0-1.0",
        },
    )
    assert (spec.name, spec.licence, spec.path) == ("our-cars", "CC0-1.0", network)
    assert (spec.input_size, spec.mean, spec.std) == ((640, 480), (0.0, 0.25, 0.5), (1.0, 1.0, 2.0))
    assert (spec.head, spec.brightness, spec.family) == ("sigmoid", "255", "saliency")
    assert spec.levels == (0.0, 0.75)
    assert spec.size == 7
    assert spec.selectable


def test_only_the_input_size_is_needed(network):
    spec = describe(network, {"input_size": 320})
    assert spec.input_size == (320, 320)
    assert (spec.mean, spec.head, spec.levels) == (find_model("u2net").mean, "minmax", (0.0, 1.0))
    assert spec.name == "mine.onnx"


def test_a_byte_order_mark_is_no_trouble(network):
    network.with_suffix(".json").write_bytes(b'\xef\xbb\xbf{"input_size": 64}')
    assert custom_model(network).input_size == (64, 64)


def test_without_a_sidecar_the_message_shows_a_valid_one(network):
    with pytest.raises(UsageError) as caught:
        find_model(str(network))
    message = str(caught.value)
    assert str(network.with_suffix(".json")) in message
    example = json.loads(message[message.index("{") : message.rindex("}") + 1])
    assert describe(network, example).input_size == (320, 320)


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        ({"input_sise": 320}, "did you mean 'input_size'"),
        ({}, "input_size is missing"),
        ([], "must hold an object"),
        ({"input_size": 0}, "input_size"),
        ({"input_size": True}, "input_size"),
        ({"input_size": "320"}, "input_size"),
        ({"input_size": 320.0}, "input_size"),
        ({"input_size": [320]}, "input_size"),
        ({"input_size": [320, 320, 3]}, "input_size"),
        ({"input_size": 10**9}, "input_size"),
        ({"input_size": 320, "mean": 0.5}, "mean must be three numbers"),
        ({"input_size": 320, "mean": [0, 0, math.nan]}, "mean must be three numbers"),
        ({"input_size": 320, "mean": [0, 0, 10**400]}, "mean must be three numbers"),
        ({"input_size": 320, "std": [1, 1, 0]}, "std must be three numbers above 0"),
        ({"input_size": 320, "std": [1, 1, "1"]}, "std must be three numbers"),
        ({"input_size": 320, "head": "sigmoid_minmax"}, "did you mean 'sigmoid-minmax'"),
        ({"input_size": 320, "head": None}, "head cannot be None"),
        ({"input_size": 320, "levels": 0.5}, "levels must be two numbers"),
        ({"input_size": 320, "levels": [0, 0.5, 1]}, "levels must be two numbers"),
        ({"input_size": 320, "levels": [0.5, 0.5]}, "the second larger"),
        ({"input_size": 320, "levels": [0, 1.5]}, "from 0 to 1"),
        ({"input_size": 320, "levels": [0, None]}, "levels must be two numbers"),
        ({"input_size": 320, "brightness": 255}, "did you mean '255'"),
        ({"input_size": 320, "name": ""}, "name must be"),
        ({"input_size": 320, "name": "a\nb"}, "name must be"),
        ({"input_size": 320, "name": "u2net"}, "belongs to a model of the catalogue"),
        ({"input_size": 320, "licence": 3}, "licence must be"),
    ],
)
def test_mistakes_are_named(network, sidecar, words):
    with pytest.raises(UsageError, match=words) as caught:
        describe(network, sidecar)
    assert str(network.with_suffix(".json")) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 60_000, b'{"a":' * 10_000, b" " * 70_000, b'{"a": 1' + b"1" * 5000],
)
def test_what_is_not_json_is_refused(network, content):
    network.with_suffix(".json").write_bytes(content)
    with pytest.raises(UsageError):
        custom_model(network)


def test_a_sidecar_that_is_a_folder_is_refused(network):
    network.with_suffix(".json").mkdir()
    with pytest.raises(UsageError):
        custom_model(network)


@pytest.mark.parametrize("path", ["nowhere.onnx", "", "\0.onnx", "~nobody-here/x.onnx", "x" * 5000 + ".onnx"])
def test_a_network_that_is_not_there(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsUnavailableError):
        custom_model(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NUMBERS = st.lists(st.integers(-2, 2) | st.floats(-2, 2), min_size=2, max_size=4)
LIKELY = st.fixed_dictionaries(
    {"input_size": st.integers(-1, 9000) | NUMBERS | JSON},
    optional={
        "mean": NUMBERS | JSON,
        "std": NUMBERS | JSON,
        "head": st.sampled_from(["minmax", "sigmoid", "Sigmoid"]) | JSON,
        "levels": NUMBERS | JSON,
        "brightness": st.sampled_from(["255", "photo-maximum", "max"]) | JSON,
        "name": st.text(max_size=20) | JSON,
        "licence": st.text(max_size=20) | JSON,
        "extra": JSON,
    },
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sidecar=LIKELY | JSON)
def test_any_json_gives_a_model_or_a_plain_error(network, sidecar):
    try:
        spec = describe(network, sidecar)
    except RemboltError:
        return
    assert all(side > 0 for side in spec.input_size)
    assert all(math.isfinite(number) for number in spec.mean)
    assert all(number > 0 for number in spec.std)
    assert spec.name.strip()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_give_a_plain_error(network, content):
    network.with_suffix(".json").write_bytes(content)
    with pytest.raises(UsageError):
        custom_model(network)


@pytest.mark.parametrize(
    ("name", "size", "mean"),
    [
        ("u2net_custom", 320, 0.485),
        ("dis_custom", 1024, 0.5),
        ("ben_custom", 1024, 0.5),
    ],
)
def test_rembgs_names_take_a_path(network, name, size, mean):
    spec = with_path(find_model(name), network)
    assert (spec.name, spec.input_size, spec.mean[0]) == (name, (size, size), mean)
    assert (spec.path, spec.assets[0].file) == (network, "mine.onnx")


def test_rembgs_names_without_a_path(network):
    with pytest.raises(UsageError, match="model_path"):
        with_path(find_model("u2net_custom"), None)
    with pytest.raises(UsageError, match="model_path"):
        with_path(find_model("u2net"), network)
    with pytest.raises(WeightsUnavailableError, match="no network"):
        with_path(find_model("u2net_custom"), network.with_name("other.onnx"))
