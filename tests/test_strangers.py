"""Networks of torchvision and timm, of every architecture one, against what PyTorch says of them.

The comparison is that of `benchmarks/every_model.py`, which holds all of their models to it.
"""

from __future__ import annotations

import pytest

from benchmarks.every_model import Model, compare, missed, timm_model, torchvision_model
from explorer import libraries

# The smallest of each; more of one file where its members are made of different parts.
TIMM = """
beit_base_patch16_224 botnet26t_256 halonet26t lambda_resnet26t resnext26ts repvgg_a0 mobileone_s0
cait_xxs24_224 coat_lite_tiny coat_tiny coatnet_pico_rw_224 maxvit_pico_rw_256
maxxvitv2_nano_rw_256 convit_tiny convmixer_768_32 convnext_atto convnextv2_atto cpubone_nano
crossvit_9_240 cs3darknet_s cspnext_tiny csatv2 davit_tiny deepseek_vit_412m
deit_tiny_distilled_patch16_224 densenet121 dla34 dpn48b edgenext_xx_small efficientformer_l1
efficientformerv2_s0 efficientnet_b0 efficientvim_m1 efficientvit_b0 efficientvit_m0
eva02_tiny_patch14_224 vit_small_patch16_dinov3 fasternet_t0 fastvit_t8 flexivit_small
focalnet_tiny_srf gcvit_xxtiny gemma4_vit_167m gernet_s ghostnet_050 ghostnetv3_050 gmixer_12_224
gmlp_ti16_224 hardcorenas_a hgnetv2_b0 hiera_tiny_224 sam2_hiera_tiny hrnet_w18_small iformer_t
inception_next_atto inception_resnet_v2 inception_v3 inception_v4 lcnet_035 lcnetv2_small
legacy_seresnet18 legacy_xception levit_128s lowformer_e1 mambaout_femto mixer_s16_224
resmlp_12_224 mobilenetv3_small_050 mobilenetv4_conv_small_035 mobilenetv4_hybrid_medium
mobilenetv5_base mobilevit_xxs mobilevitv2_050 mvitv2_tiny naflexvit_base_patch16_gap nasnetalarge
nest_tiny nextvit_small eca_nfnet_l0 nf_regnet_b0 nf_resnet26 pit_ti_224 pnasnet5large
poolformer_s12 convformer_s18 caformer_s18 pvt_v2_b0 pvt_v2_b2_li qwen3_vit_88m rdnet_tiny
regnetx_002 regnety_002 regnetz_005 repghostnet_050 repvit_m0_9 res2net50_48w_2s resnest14d
resnet18 eca_resnet33ts ecaresnet26t gcresnet33ts resnetv2_18 resnetv2_50x1_bit rexnet_100
samvit_base_patch16_224 selecsls42 shvit_s1 skresnet18 starnet_s050 swiftformer_xs
swin_tiny_patch4_window7_224 swin_s3_tiny_224 swinv2_tiny_window8_256 swinv2_cr_tiny_224
tiny_vit_5m_224 tnt_s_patch16_224 tresnet_m twins_pcpvt_small twins_svt_small vgg11 visformer_tiny
vit_tiny_patch16_224 vit_tiny_r_s16_p8_224 vit_relpos_small_patch16_224
vit_srelpos_small_patch16_224 vit_base_mci_224 vitamin_small_224 volo_d1_224 ese_vovnet19b_slim
xception41p xcit_nano_12_p16_224
"""

TORCHVISION = """
alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3
maxvit_t mnasnet0_5 mobilenet_v2 mobilenet_v3_small regnet_y_400mf resnet18 resnext50_32x4d
shufflenet_v2_x0_5 squeezenet1_1 swin_t swin_v2_t vgg11 vit_b_16 deeplabv3_mobilenet_v3_large
fcn_resnet50 lraspp_mobilenet_v3_large mc3_18 r2plus1d_18 r3d_18 mvit_v1_b mvit_v2_s s3d swin3d_t
raft_small quantized_googlenet quantized_inception_v3 quantized_mobilenet_v2
quantized_mobilenet_v3_large quantized_resnet18 quantized_shufflenet_v2_x0_5
"""

MODELS = [
    *map(timm_model, TIMM.split()),
    # Meta tensors go through an LSTM step by step: the smaller, the fewer.
    timm_model("sequencer2d_s", size=28),
    *map(torchvision_model, TORCHVISION.split()),
]

NOT_ALL_COUNTED: dict[str, str] = {}
"""Of the models that have such, the operators without a rule, as `missed` gives them."""


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_figure_is_what_pytorch_says(model: Model) -> None:
    record = compare(model)
    assert record.not_run is record.no_gradient is None
    misses = missed(record)
    assert misses.pop("all layers counted", "") == NOT_ALL_COUNTED.get(model.name, "")
    assert misses == {}


def test_every_family_is_here() -> None:
    """Both libraries have a file a family."""
    timm, models = libraries.load("timm"), libraries.load("torchvision").models
    names = {model.name for model in MODELS}
    assert {timm.models.model_entrypoint(name).__module__.rpartition(".")[2]
            for name in timm.list_models() if f"timm:{name}" in names} == set(timm.list_modules())
    detection = models.list_models(models.detection)
    families = {name: models.get_model_builder(name).__module__
                for name in models.list_models() if name not in detection}
    assert {family for name, family in families.items() if f"torchvision:{name}" in names} \
        == set(families.values())


@pytest.mark.parametrize("name", ["fasterrcnn_mobilenet_v3_large_320_fpn", "retinanet_resnet50_fpn",
                                  "ssdlite320_mobilenet_v3_large"])
def test_detection_branches_on_values(name: str) -> None:
    """How many boxes there are no shape can tell."""
    record = compare(torchvision_model(name))
    assert record.not_built is None
    assert record.failure
    assert record.foreign is None
    assert record.flops is None
