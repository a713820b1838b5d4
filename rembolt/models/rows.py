"""The catalogue's data: every model rembolt knows, one row each.

Hashes and numbers are those rembg 2.0.86 uses, so its downloads are ours too. Sizes are in bytes; those of
the SAM files, of `birefnet-general-fp16` and of two ViTMatte variants are approximate, because nobody
publishes them to the byte. Licences are those of the weights, as their authors state them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rembolt.models.spec import Asset, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

_Triple = tuple[float, float, float]
_HALVES: Final[_Triple] = (0.5, 0.5, 0.5)
_ONES: Final[_Triple] = (1.0, 1.0, 1.0)
_ZEROS: Final[_Triple] = (0.0, 0.0, 0.0)

_BIREFNET_SIZE: Final = 972_666_916


def _birefnet(name: str, title: str, source: str, md5: str, size: int = _BIREFNET_SIZE) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=title,
        assets=(Asset(file=f"{name}.onnx", source=source, hash=f"md5:{md5}", size=size),),
        input_size=(1024, 1024),
        head="sigmoid-minmax",
        licence="MIT",
    )


def _single(name: str, md5: str, size: int) -> tuple[Asset, ...]:
    return (Asset(file=f"{name}.onnx", source=f"{name}.onnx", hash=f"md5:{md5}", size=size),)


def _published(file: str, md5: str, size: int) -> Asset:
    return Asset(file=file, source=file, hash=f"md5:{md5}", size=size)


def _sam(name: str, title: str, *assets: Asset) -> ModelSpec:
    return ModelSpec(
        name=name,
        title=title,
        family="sam",
        assets=assets,
        input_size=(1024, 684),
        mean=_ZEROS,
        std=_ONES,
        folder="sam",
    )


def _vitmatte(variant: str, title: str, sha256: str, size: int) -> ModelSpec:
    file = f"vitmatte-{variant}.onnx"
    return ModelSpec(
        name=f"vitmatte-{variant}",
        title=title,
        family="vitmatte",
        assets=(Asset(file=file, source=file, hash=f"sha256:{sha256}", size=size),),
        input_size=(1024, 1024),
        mean=_ZEROS,
        std=_ONES,
        brightness="255",
        folder="vitmatte",
    )


def _service(name: str, title: str) -> ModelSpec:
    return ModelSpec(name=name, title=title, family="service", licence="paid web service")


def rows() -> Iterator[ModelSpec]:
    """Give every row: the embedded model first, then rembg's."""
    yield ModelSpec(
        name="bolt",
        title="Fast general model that comes with rembolt",
        assets=(Asset(file="bolt.onnx", source=None, hash=None, size=1_962_087),),
        input_size=(256, 256),
        brightness="255",
        head="sigmoid",
        levels=(0.4, 0.8),
        licence="MIT",
        embedded=True,
    )
    yield ModelSpec(
        name="u2net",
        title="U-2-Net, general",
        assets=_single("u2net", "60024c5c889badc19c04ad937298a77b", 175_997_641),
    )
    yield ModelSpec(
        name="u2netp",
        title="U-2-Net, general, small",
        assets=_single("u2netp", "8e83ca70e441ab06c318d82300c84806", 4_574_861),
    )
    yield ModelSpec(
        name="u2net_human_seg",
        title="U-2-Net for people",
        assets=_single("u2net_human_seg", "c09ddc2e0104f800e3e1bb4652583d1f", 175_997_641),
    )
    yield ModelSpec(
        name="u2net_cloth_seg",
        title="U-2-Net for clothes: upper body, lower body, full body",
        family="cloth",
        assets=_single("u2net_cloth_seg", "2434d1f3cb744e0e49386c906e5a08bb", 176_194_565),
        input_size=(768, 768),
        licence="MIT",
    )
    yield ModelSpec(
        name="silueta",
        title="U-2-Net cut down to 44 MB",
        assets=_single("silueta", "55e59e0d8062d2f5d013f4725ee84782", 44_173_029),
    )
    yield ModelSpec(
        name="isnet-general-use",
        title="IS-Net (DIS), general",
        assets=_single("isnet-general-use", "fc16ebd8b0c10d971d3513d564d01e29", 178_648_008),
        input_size=(1024, 1024),
        mean=_HALVES,
        std=_ONES,
    )
    yield ModelSpec(
        name="isnet-anime",
        title="IS-Net for anime characters",
        assets=_single("isnet-anime", "6f184e756bb3bd901c8849220a83e38e", 176_069_933),
        input_size=(1024, 1024),
        std=_ONES,
    )
    yield from _birefnets()
    yield ModelSpec(
        name="bria-rmbg",
        title="BRIA RMBG 2.0, general; not for commercial use",
        assets=(
            Asset(
                file="bria-rmbg.onnx",
                source="bria-rmbg-2.0.onnx",
                hash="sha256:5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
                size=1_024_331_469,
            ),
        ),
        input_size=(1024, 1024),
        licence="CC-BY-NC-4.0",
        commercial=False,
    )
    yield from _own_networks()
    yield from _sams()
    yield from _vitmattes()
    yield _service("withoutbg", "withoutBG, a paid web service; not supported")
    yield _service("atlascloud", "Atlas Cloud, a paid web service; not supported")


def _birefnets() -> Iterator[ModelSpec]:
    yield _birefnet(
        "birefnet-general",
        "BiRefNet, general",
        "BiRefNet-general-epoch_244.onnx",
        "7a35a0141cbbc80de11d9c9a28f52697",
    )
    yield ModelSpec(
        name="birefnet-general-fp16",
        title="BiRefNet, general, in half precision for GPUs; made from birefnet-general",
        assets=(Asset(file="birefnet-general-fp16.onnx", source=None, hash=None, size=490_000_000),),
        input_size=(1024, 1024),
        head="sigmoid-minmax",
        licence="MIT",
        precision="fp16",
        converted_from="birefnet-general",
    )
    yield _birefnet(
        "birefnet-general-lite",
        "BiRefNet, general, small",
        "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
        "4fab47adc4ff364be1713e97b7e66334",
        224_005_088,
    )
    yield _birefnet(
        "birefnet-portrait",
        "BiRefNet for portraits",
        "BiRefNet-portrait-epoch_150.onnx",
        "c3a64a6abf20250d090cd055f12a3b67",
    )
    yield _birefnet(
        "birefnet-dis",
        "BiRefNet for fine detail (DIS)",
        "BiRefNet-DIS-epoch_590.onnx",
        "2d4d44102b446f33a4ebb2e56c051f2b",
    )
    yield _birefnet(
        "birefnet-hrsod",
        "BiRefNet for large photos (HRSOD)",
        "BiRefNet-HRSOD_DHU-epoch_115.onnx",
        "c017ade5de8a50ff0fd74d790d268dda",
    )
    yield _birefnet(
        "birefnet-cod",
        "BiRefNet for camouflaged subjects (COD)",
        "BiRefNet-COD-epoch_125.onnx",
        "f6d0d21ca89d287f17e7afe9f5fd3b45",
    )
    yield _birefnet(
        "birefnet-massive",
        "BiRefNet trained on the largest data set",
        "BiRefNet-massive-TR_DIS5K_TR_TEs-epoch_420.onnx",
        "33e726a2136a3d59eb0fdf613e31e3e9",
    )


def _own_networks() -> Iterator[ModelSpec]:
    unknown = "as its owner says"
    yield ModelSpec(
        name="u2net_custom",
        title="Your own U-2-Net (model_path)",
        licence=unknown,
        needs_path=True,
    )
    for name, network in (("dis_custom", "IS-Net"), ("ben_custom", "BEN")):
        yield ModelSpec(
            name=name,
            title=f"Your own {network} (model_path)",
            input_size=(1024, 1024),
            mean=_HALVES,
            std=_ONES,
            licence=unknown,
            needs_path=True,
        )


def _sams() -> Iterator[ModelSpec]:
    yield _sam(
        "sam",
        "Segment Anything, base (sam_vit_b_01ec64)",
        _published("sam_vit_b_01ec64.encoder.onnx", "a780f8ba09bceceaa1435724ed354848", 359_700_000),
        _published("sam_vit_b_01ec64.decoder.onnx", "c4218b16ec1cb09889fcd6eb7a42a7c9", 16_500_000),
    )
    yield _sam(
        "sam_vit_b_01ec64-quant",
        "Segment Anything, base, 8-bit",
        _published("sam_vit_b_01ec64.encoder.quant.onnx", "26fc0e01d2fa34ed2d3f91259118482d", 108_836_115),
        _published("sam_vit_b_01ec64.decoder.quant.onnx", "45391530307d1aee79b2a1507769e6c7", 8_755_366),
    )
    yield _sam(
        "sam_vit_l_0b3195",
        "Segment Anything, large",
        _published("sam_vit_l_0b3195.encoder.onnx", "6e7c5e3e97b50a9e833e55062ae35182", 1_234_300_000),
        _published("sam_vit_l_0b3195.decoder.onnx", "dc760a2912862c05ec3ac2658162a1b5", 16_500_000),
    )
    yield _sam(
        "sam_vit_l_0b3195-quant",
        "Segment Anything, large, 8-bit",
        _published("sam_vit_l_0b3195.encoder.quant.onnx", "83f7fe08c2f8b94b6d08c3e44cf1de0e", 332_400_000),
        _published("sam_vit_l_0b3195.decoder.quant.onnx", "e78ca201f5ae92288945623f48088b7c", 8_756_000),
    )
    yield _sam(
        "sam_vit_h_4b8939",
        "Segment Anything, huge",
        _published("sam_vit_h_4b8939.encoder.onnx", "2630bbbf7f256ff82455ecce70467734", 2_000_000),
        _published("sam_vit_h_4b8939.decoder.onnx", "2241a15c7c5e5b6ac018223d1a795a94", 16_500_000),
        Asset(
            file="sam_vit_h_4b8939.encoder_data.bin",
            source=None,
            hash=None,
            size=2_550_000_000,
            parts=(
                _published("sam_vit_h_4b8939.encoder_data.1.bin", "22316455879cd64f1414bc2cc84772ab", 0),
                _published("sam_vit_h_4b8939.encoder_data.2.bin", "3ca4efe12cd9a686e60364a628546440", 0),
                _published("sam_vit_h_4b8939.encoder_data.3.bin", "635041e6eac1c3e6ac7eceeef1ed1f38", 0),
            ),
        ),
    )
    yield _sam(
        "sam_vit_h_4b8939-quant",
        "Segment Anything, huge, 8-bit",
        _published("sam_vit_h_4b8939.encoder.quant.onnx", "391503beb5e5d7d1ae6f55d0cecabd50", 660_000_000),
        _published("sam_vit_h_4b8939.decoder.quant.onnx", "4c86ebeecbe2e6325203b641b8702a5b", 8_756_000),
    )


def _vitmattes() -> Iterator[ModelSpec]:
    yield _vitmatte(
        "small-distinctions-646",
        "ViTMatte, refines hair and fur",
        "d232841ac9d9657df3e62f6c92ed425ee25df18d337245cd8b903fc1ba183631",
        114_423_212,
    )
    yield _vitmatte(
        "small-composition-1k",
        "ViTMatte trained on Composition-1k",
        "659b9bb2870f80cffbe20dae4c7f18417fbdf68c0195861d24e9082c28373a24",
        114_400_000,
    )
    yield _vitmatte(
        "base-distinctions-646",
        "ViTMatte, large",
        "d30190833269c1bec3e37319fe67af151028d3be32f6f60f6663a51b209cc8c1",
        397_900_000,
    )
    yield _vitmatte(
        "base-composition-1k",
        "ViTMatte, large, trained on Composition-1k",
        "87bb10979f816061497ba6867b338c65a05cebd7d1507f6dde92a86382dec1f2",
        397_910_545,
    )
