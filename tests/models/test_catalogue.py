import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rembolt.errors import UnknownModelError
from rembolt.models.catalogue import (
    DEFAULT_MODEL,
    MODELS,
    find_model,
    model_names,
    sam_model,
    vitmatte_model,
)
from rembolt.models.rows import rows
from rembolt.models.store import where


def assets_of(row):
    for asset in row.assets:
        yield asset
        yield from asset.parts


def test_names_are_unique():
    names = [row.name for row in rows()]
    assert len(names) == len(set(names)) == len(MODELS)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.name)
def test_every_row_is_whole(row):
    assert row.title
    assert row.licence
    assert row.folder
    for asset in assets_of(row):
        if asset.source is not None:
            assert re.fullmatch("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", asset.hash)
            assert re.fullmatch(r"[\w.-]+", asset.source)
    assert row.assets or row.needs_path or row.family == "service"
    assert row.size > 0 or row.needs_path or row.family == "service"
    if row.converted_from:
        assert row.converted_from in MODELS
    if not (row.embedded or row.converted_from):
        assert all(asset.source or asset.parts for asset in row.assets)


def test_only_bria_forbids_commercial_use():
    assert [row.name for row in rows() if not row.commercial] == ["bria-rmbg"]


def test_default_model_is_embedded_and_its_size_is_right():
    row = find_model(DEFAULT_MODEL)
    assert row.embedded
    assert row.licence == "MIT"
    assert where(row).path.stat().st_size == row.size
    assert (row.input_size, row.brightness, row.head) == ((256, 256), "255", "sigmoid")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("u2nte", "u2net"),
        ("birefnet_portrait", "birefnet-portrait"),
        ("Bolt", "bolt"),
        ("isnet", "isnet-anime"),
    ],
)
def test_typos_get_the_nearest_name(typo, meant):
    with pytest.raises(UnknownModelError, match=f"did you mean '{meant}'"):
        find_model(typo)


@pytest.mark.parametrize("name", ["", "qqqq", "../../etc/passwd", "x" * 5000])
def test_unknown_names_are_refused(name):
    with pytest.raises(UnknownModelError):
        find_model(name)


def test_selectable_names_need_nothing_else():
    names = model_names(selectable=True)
    assert names[0] == DEFAULT_MODEL
    assert {"u2net", "u2net_cloth_seg", "sam"} <= set(names)
    assert not {"u2net_custom", "withoutbg", "vitmatte-small-distinctions-646"} & set(names)
    assert set(names) < set(model_names())


def test_sam_by_rembgs_options():
    assert sam_model().name == "sam"
    assert find_model("sam_vit_b_01ec64").name == "sam"
    assert (
        sam_model("sam_vit_l_0b3195", quantised=True).assets[0].file == "sam_vit_l_0b3195.encoder.quant.onnx"
    )
    with pytest.raises(UnknownModelError, match="sam_vit_h_4b8939"):
        sam_model("sam_vit_h")


def test_vitmatte_by_rembgs_option():
    assert vitmatte_model().name == "vitmatte-small-distinctions-646"
    assert vitmatte_model("base-composition-1k").folder == "vitmatte"
    with pytest.raises(UnknownModelError, match="base-composition-1k"):
        vitmatte_model("base-composition")


def test_looking_up_models_imports_nothing_heavy():
    code = (
        "import sys; import rembolt.models.store as s; from rembolt.models.catalogue import find_model;"
        "assert s.where(find_model('bolt')).path;"
        "heavy = {'urllib.request', 'rich', 'onnx', 'platformdirs', 'filelock', 'hashlib', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Against rembg itself: its sources are read, not imported, which would take seconds.


def rembg_folder() -> Path:
    found = importlib.util.find_spec("rembg")
    if found is None or importlib.metadata.version("rembg") != "2.0.86":
        pytest.skip("rembg 2.0.86 is not installed")
    return Path(found.origin).parent


def returned_name(tree: ast.Module) -> str | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "name":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Constant):
                    return inner.value.value
    return None


def feeding(tree: ast.Module) -> tuple | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "normalize":
            return tuple(ast.literal_eval(argument) for argument in node.args[1:])
    return None


def assigned(tree: ast.Module, name: str):
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if getattr(target, "id", None) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"rembg has no {name}")


def rembg_sessions() -> dict[str, str]:
    sources = {}
    for path in sorted((rembg_folder() / "sessions").glob("*.py")):
        text = path.read_text("utf-8")
        name = returned_name(ast.parse(text))
        if name:
            sources[name] = text
    return sources


def test_every_session_of_rembg_has_a_row():
    sessions = rembg_sessions()
    assert len(sessions) == 22
    assert set(sessions) <= set(model_names())


def test_files_and_hashes_are_rembgs():
    compared = 0
    for name, text in rembg_sessions().items():
        urls = re.findall(r'releases/download/v0\.0\.0/([\w.-]+)"', text)
        hashes = re.findall(r'"((?:md5|sha256):[0-9a-f]+)"', text)
        if len(urls) != 1:
            continue
        (asset,) = find_model(name).assets
        assert (asset.file, asset.source, asset.hash) == (f"{name}.onnx", urls[0], hashes[0])
        compared += 1
    assert compared == 15


def test_networks_are_fed_as_rembg_feeds_them():
    sessions = rembg_sessions()
    for name, text in sessions.items():
        row = MODELS[name]
        if row.family not in ("saliency", "cloth") or name == DEFAULT_MODEL:
            continue
        # A BiRefNet session that says nothing inherits from the general one.
        spoken = text if feeding(ast.parse(text)) else sessions["birefnet-general"]
        mean, std, size = feeding(ast.parse(spoken))
        assert (row.mean, row.std, row.input_size) == (mean, std, size), name
        assert row.brightness == "photo-maximum"
        if row.family == "saliency":
            assert row.head == ("sigmoid-minmax" if "np.exp" in spoken else "minmax"), name


def test_sam_files_are_rembgs():
    tree = ast.parse((rembg_folder() / "sessions" / "sam.py").read_text("utf-8"))
    ours = {
        asset.file: asset.hash
        for row in rows()
        if row.family == "sam"
        for asset in assets_of(row)
        if asset.source
    }
    assert ours == assigned(tree, "SAM_CHECKSUMS")
    assert {sam_model(name).family for name in re.findall(r'"(sam_vit_[a-z]_\w{6})"', ast.unparse(tree))} <= {
        "sam"
    }


def test_vitmatte_files_are_rembgs():
    tree = ast.parse((rembg_folder() / "matting.py").read_text("utf-8"))
    variants = assigned(tree, "VARIANTS")
    assert assigned(tree, "DEFAULT_VARIANT") == vitmatte_model().name.removeprefix("vitmatte-")
    for variant, published in variants.items():
        (asset,) = vitmatte_model(variant).assets
        assert (asset.file, asset.hash) == (published["fname"], f"sha256:{published['sha256']}")
    assert len(variants) == sum(row.family == "vitmatte" for row in rows())
