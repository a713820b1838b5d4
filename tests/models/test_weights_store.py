import json
import logging
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from mirror_server import Reply, digest_of

from rembolt.errors import (
    BrokenWeightsError,
    MissingExtraError,
    UnknownModelError,
    UsageError,
    WeightsUnavailableError,
)
from rembolt.models import store, verified
from rembolt.models.catalogue import find_model, model_names
from rembolt.models.custom import with_path
from rembolt.models.progress import silent
from rembolt.models.spec import Asset, ModelSpec


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def reads(monkeypatch):
    """The files that were read to be hashed."""
    seen = []
    digest = verified.digest
    monkeypatch.setattr(
        verified, "digest", lambda path, algorithm: seen.append(path) or digest(path, algorithm)
    )
    return seen


def test_the_embedded_model_needs_no_home(monkeypatch):
    monkeypatch.setenv("REMBOLT_HOME", "/proc/nowhere")
    (path,) = store.weights(find_model("bolt"), offline=True)
    assert path.name == "bolt.onnx"
    assert path.is_file()


def test_home_is_read_at_each_call(monkeypatch, tmp_path):
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "a"))
    assert store.home() == tmp_path / "a"
    monkeypatch.setenv("REMBOLT_HOME", "~/b")
    assert store.home() == tmp_path / "user" / "b"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("REMBOLT_HOME")
    assert store.home().name == "rembolt"


def test_folders_are_searched_in_order(tmp_path, monkeypatch, tiny, weights_file):
    monkeypatch.setenv("REMBG_HOME", str(tmp_path / "rembg"))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "u2net"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    user = tmp_path / "user"
    expected = [
        tmp_path / "rembolt" / "models" / "tiny",
        *(tmp_path / "rembg" / "models" / "tiny", tmp_path / "rembg"),
        *(tmp_path / "u2net" / "models" / "tiny", tmp_path / "u2net"),
        *(tmp_path / "data" / "rembg" / "models" / "tiny", tmp_path / "data" / "rembg"),
        *(user / ".rembg" / "models" / "tiny", user / ".rembg"),
        *(tmp_path / "data" / ".u2net" / "models" / "tiny", tmp_path / "data" / ".u2net"),
        *(user / ".u2net" / "models" / "tiny", user / ".u2net"),
    ]
    assert list(store.folders(tiny)) == expected
    assert store.where(tiny).path is None
    for folder in reversed(expected):
        path = put(folder / "tiny.onnx", weights_file)
        assert store.where(tiny).path == path
        assert store.weights(tiny, offline=True) == (path,)


def test_empty_files_and_folders_are_not_weights(tmp_path, tiny):
    put(tmp_path / "user" / ".u2net" / "tiny.onnx", b"")
    (tmp_path / "rembolt" / "models" / "tiny" / "tiny.onnx").mkdir(parents=True)
    assert store.where(tiny).path is None


def test_where_tells_path_and_size_without_reading(tmp_path, tiny, weights_file, reads):
    assert store.where(tiny) == store.Whereabouts(None, len(weights_file))
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", b"short")
    assert store.where(tiny) == store.Whereabouts(path, 5)
    assert reads == []


@pytest.mark.parametrize("name", model_names())
def test_where_works_for_every_row(name):
    place = store.where(find_model(name))
    assert (place.path is None) == (name != "bolt")


def test_downloads_go_to_our_own_home(mirror, tiny, weights_file, tmp_path, monkeypatch):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "u2net"))
    mirror.files["tiny-epoch_1.onnx"] = weights_file
    (path,) = store.weights(tiny)
    assert path == tmp_path / "rembolt" / "models" / "tiny" / "tiny.onnx"
    assert not (tmp_path / "u2net").exists()
    assert list((tmp_path / "user").iterdir()) == []
    assert store.weights(tiny, offline=True) == (path,)
    assert len(mirror.requests) == 1


def test_a_download_is_not_read_again(mirror, tiny, weights_file, reads):
    mirror.files["tiny-epoch_1.onnx"] = weights_file
    store.weights(tiny)
    store.weights(tiny)
    assert reads == []


def test_a_found_file_is_read_once(tmp_path, tiny, weights_file, reads):
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    for _ in range(3):
        store.weights(tiny)
    assert reads == [path]


def test_a_checked_file_is_known_by_size_and_time_alone(tmp_path, tiny, weights_file):
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    store.weights(tiny)
    status = path.stat()
    path.write_bytes(b"x" * len(weights_file))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.weights(tiny) == (path,)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(BrokenWeightsError):
        store.weights(tiny)


def test_another_hash_is_checked_anew(tmp_path, tiny, weights_file, reads):
    put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    store.weights(tiny)
    asset = replace(tiny.assets[0], hash=digest_of(weights_file, "sha256"))
    store.weights(replace(tiny, assets=(asset,)))
    assert len(reads) == 2


@pytest.mark.parametrize("memory", [b"", b"[]", b"{", b"\xff", b'{"a": 3}', b"null"])
def test_a_broken_memory_is_forgotten(tmp_path, tiny, weights_file, memory, reads):
    put(tmp_path / "rembolt" / "verified.json", memory)
    put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    store.weights(tiny)
    store.weights(tiny)
    assert len(reads) == 1


def test_a_home_that_cannot_be_written_only_costs_time(tmp_path, tiny, weights_file, monkeypatch, reads):
    put(tmp_path / "flat", b"a file, not a folder")
    monkeypatch.setenv("REMBOLT_HOME", str(tmp_path / "flat"))
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    assert store.weights(tiny) == (path,)
    assert store.weights(tiny) == (path,)
    assert len(reads) == 2


def test_many_writers_of_the_memory_lose_nothing(tmp_path, weights_file):
    home = tmp_path / "rembolt"
    paths = [put(tmp_path / f"{i}.onnx", weights_file) for i in range(16)]
    threads = [
        threading.Thread(target=verified.check, args=(path, digest_of(weights_file), home)) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(json.loads((home / "verified.json").read_text())) == {str(path) for path in paths}
    assert not list(home.glob("verified.json.[0-9]*"))


def test_wrong_weights_are_named_with_the_way_out(tmp_path, tiny):
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", b"something else")
    with pytest.raises(BrokenWeightsError) as caught:
        store.weights(tiny)
    assert str(path) in str(caught.value)
    assert "delete it" in str(caught.value)
    assert "MODEL_CHECKSUM_DISABLED=1" in str(caught.value)


@pytest.mark.parametrize("value", ["1", "0", "", "no"])
def test_checks_can_be_disabled_with_any_value(tmp_path, tiny, monkeypatch, value):
    path = put(tmp_path / "user" / ".u2net" / "tiny.onnx", b"something else")
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", value)
    assert store.weights(tiny) == (path,)
    monkeypatch.delenv("MODEL_CHECKSUM_DISABLED")
    with pytest.raises(BrokenWeightsError):
        store.weights(tiny)


def test_an_unchecked_download_is_checked_later(mirror, tiny, monkeypatch):
    mirror.always = Reply(body=b"something else")
    monkeypatch.setenv("MODEL_CHECKSUM_DISABLED", "1")
    store.weights(tiny)
    monkeypatch.delenv("MODEL_CHECKSUM_DISABLED")
    with pytest.raises(BrokenWeightsError):
        store.weights(tiny)


@pytest.mark.parametrize(
    ("variable", "argument", "offline"),
    [
        ("1", None, True),
        ("TRUE", None, True),
        (" yes ", None, True),
        ("0", None, False),
        ("", None, False),
        ("false", None, False),
        ("1", False, False),
        ("0", True, True),
    ],
)
def test_offline_by_argument_then_variable(monkeypatch, variable, argument, offline):
    monkeypatch.setenv("REMBOLT_OFFLINE", variable)
    assert store.is_offline(argument) is offline


def test_offline_tells_the_way_out(mirror, tiny, tmp_path):
    with pytest.raises(WeightsUnavailableError) as caught:
        store.weights(tiny, offline=True)
    message = str(caught.value)
    assert "`rembolt download tiny`" in message
    for folder in store.folders(tiny):
        assert str(folder) in message
    assert "\n" not in message
    assert mirror.requests == []
    assert not (tmp_path / "rembolt").exists()


@pytest.mark.parametrize("name", ["withoutbg", "atlascloud"])
def test_services_are_refused(name):
    with pytest.raises(UnknownModelError, match=r"paid web service.*choose a local model"):
        store.weights(find_model(name))
    assert store.where(find_model(name)).path is None


def test_custom_rows_need_a_path(tmp_path):
    with pytest.raises(UsageError, match="model_path"):
        store.weights(find_model("u2net_custom"))
    spec = with_path(find_model("u2net_custom"), put(tmp_path / "mine.onnx", b"net"))
    assert store.weights(spec, offline=True) == (tmp_path / "mine.onnx",)
    assert store.where(spec).path == tmp_path / "mine.onnx"
    (tmp_path / "mine.onnx").unlink()
    with pytest.raises(WeightsUnavailableError, match=r"mine\.onnx"):
        store.weights(spec)


def test_the_licence_is_told_once(caplog, tmp_path, weights_file, tiny):
    put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    spec = replace(tiny, commercial=False, licence="CC-BY-NC-4.0")
    with caplog.at_level(logging.WARNING):
        store.weights(spec)
        store.weights(spec)
        store.weights(tiny)
    assert caplog.messages == ["The weights of tiny may not be used commercially (CC-BY-NC-4.0)."]


# Several files.


@pytest.fixture
def pair(weights_file):
    files = {"a.onnx": weights_file[:1000], "b.onnx": weights_file[1000:2000]}
    assets = tuple(
        Asset(file=name, source=name, hash=digest_of(content), size=len(content))
        for name, content in files.items()
    )
    return ModelSpec(name="pair", title="Two files", family="sam", assets=assets, folder="sam"), files


def test_files_of_one_model_lie_in_one_folder(pair, mirror, tmp_path):
    spec, files = pair
    put(tmp_path / "user" / ".rembg" / "models" / "sam" / "a.onnx", files["a.onnx"])
    put(tmp_path / "user" / ".u2net" / "b.onnx", files["b.onnx"])
    assert store.where(spec).path is None
    mirror.files.update(files)
    paths = store.weights(spec)
    assert [path.name for path in paths] == ["a.onnx", "b.onnx"]
    assert {path.parent for path in paths} == {tmp_path / "rembolt" / "models" / "sam"}


def test_only_missing_files_are_downloaded(pair, mirror, tmp_path):
    spec, files = pair
    put(tmp_path / "rembolt" / "models" / "sam" / "a.onnx", files["a.onnx"])
    mirror.files.update(files)
    store.weights(spec)
    assert [request.path for request in mirror.requests] == ["/b.onnx"]


@pytest.fixture
def parted(weights_file):
    pieces = {f"data.{i}.bin": weights_file[i * 200_000 : (i + 1) * 200_000] for i in range(3)}
    parts = tuple(
        Asset(file=name, source=name, hash=digest_of(content), size=0) for name, content in pieces.items()
    )
    network = Asset(file="net.onnx", source="net.onnx", hash=digest_of(b"net"), size=3)
    data = Asset(file="data.bin", source=None, hash=None, size=600_000, parts=parts)
    spec = ModelSpec(name="parted", title="With data", family="sam", assets=(network, data))
    return spec, {"net.onnx": b"net", **pieces}


def test_parts_are_joined_beside_the_network(parted, mirror, weights_file):
    spec, files = parted
    mirror.files.update(files)
    network, data = store.weights(spec)
    assert data.read_bytes() == weights_file
    assert data.parent == network.parent
    assert not list(network.parent.glob("data.?.bin*.bin"))
    assert not list(network.parent.glob("*.making"))
    assert store.weights(spec, offline=True) == (network, data)
    assert len(mirror.requests) == 4


def test_a_part_that_fails_keeps_the_others(parted, mirror, weights_file):
    spec, files = parted
    mirror.files.update(files)
    del mirror.files["data.2.bin"]
    with pytest.raises(WeightsUnavailableError, match=r"data\.2\.bin"):
        store.weights(spec)
    assert store.where(spec).path is None
    mirror.files.update(files)
    mirror.requests.clear()
    assert store.weights(spec)[1].read_bytes() == weights_file
    assert [request.path for request in mirror.requests] == ["/data.2.bin"]


# Half precision.


@pytest.fixture
def half(tmp_path, weights_file, monkeypatch, tiny):
    """A model converted from `tiny`, which is on this machine."""
    put(tmp_path / "user" / ".u2net" / "tiny.onnx", weights_file)
    monkeypatch.setattr(store, "find_model", lambda name: {"tiny": tiny}[name])
    asset = Asset(file="tiny-fp16.onnx", source=None, hash=None, size=0)
    return ModelSpec(name="tiny-fp16", title="Half", assets=(asset,), converted_from="tiny")


def fake_converter(monkeypatch, convert):
    for name in ("onnx", "onnxconverter_common", "onnxconverter_common.float16"):
        module = ModuleType(name)
        module.__spec__ = object()
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["onnx"].load = lambda path: Path(path).read_bytes()
    sys.modules["onnx"].save = lambda model, path: Path(path).write_bytes(model)
    sys.modules["onnxconverter_common"].float16 = sys.modules["onnxconverter_common.float16"]
    sys.modules["onnxconverter_common.float16"].convert_float_to_float16 = convert
    monkeypatch.setattr("rembolt.models.convert.unpack", lambda model: model)


def test_half_precision_is_made_once(half, tmp_path, monkeypatch, weights_file):
    calls = []

    def convert(model, *, keep_io_types):
        calls.append(keep_io_types)
        return model[::2]

    fake_converter(monkeypatch, convert)
    (path,) = store.weights(half)
    assert path == tmp_path / "rembolt" / "models" / "tiny-fp16" / "tiny-fp16.onnx"
    assert path.read_bytes() == weights_file[::2]
    assert store.weights(half, offline=True) == (path,)
    assert calls == [True]


def test_rembgs_own_conversion_is_used(half, tmp_path):
    path = put(tmp_path / "user" / ".rembg" / "models" / "tiny-fp16" / "tiny-fp16.onnx", b"half")
    assert store.weights(half) == (path,)


def test_a_conversion_that_fails_leaves_nothing(half, tmp_path, monkeypatch):
    def convert(model, *, keep_io_types):
        raise ValueError("opset")

    fake_converter(monkeypatch, convert)
    with pytest.raises(BrokenWeightsError, match="half precision"):
        store.weights(half)
    left = list((tmp_path / "rembolt" / "models" / "tiny-fp16").iterdir())
    assert [path.suffix for path in left] in ([], [".lock"])


def test_without_the_converter_nothing_is_downloaded(half, tmp_path, monkeypatch, mirror):
    (tmp_path / "user" / ".u2net" / "tiny.onnx").unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"rembolt\[fp16\]"):
        store.weights(half)
    assert mirror.requests == []


def test_offline_names_the_model_to_convert(half, tmp_path, monkeypatch):
    (tmp_path / "user" / ".u2net" / "tiny.onnx").unlink()
    fake_converter(monkeypatch, lambda model, *, keep_io_types: model)
    with pytest.raises(
        WeightsUnavailableError, match=r"tiny-fp16 is made from tiny.*`rembolt download tiny`"
    ):
        store.weights(half, offline=True, progress=silent)


def singled(graph):
    """Give bolt its weights in single precision, as other models' files have them."""
    import onnx

    casts = {node.input[0]: node for node in graph.node if node.op_type == "Cast"}
    for tensor in list(graph.initializer):
        if tensor.name in casts:
            values = onnx.numpy_helper.to_array(tensor).astype("float32")
            cast = casts[tensor.name]
            graph.initializer.append(onnx.numpy_helper.from_array(values, cast.output[0]))
            graph.initializer.remove(tensor)
            graph.node.remove(cast)


def test_a_real_network_is_converted(tmp_path):
    pytest.importorskip("onnxconverter_common")
    onnx = pytest.importorskip("onnx")
    from rembolt.models.convert import convert_to_fp16

    source = tmp_path / "bolt.onnx"
    model = onnx.load(Path(store.__file__).parent / "weights" / "bolt.onnx")
    singled(model.graph)
    onnx.save(model, source)
    path = convert_to_fp16(source, tmp_path / "half" / "bolt-fp16.onnx")
    model = onnx.load(path)
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert path.stat().st_size < 0.7 * source.stat().st_size
