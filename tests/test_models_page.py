"""Models of the optional libraries and files of one's own, on the page Explore."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from torch import nn

import explorer
from explorer import libraries, text
from explorer.config import ConfigError
from explorer.libraries import LibraryError
from explorer.sources import linked, offer, offered
from explorer.sources.library import LIBRARIES
from explorer.ui import choice
from tests.test_pages import figure, knob_key, open_app, warnings

NET = '''
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.embed = nn.Embedding(10, width)

    def forward(self, image, ids):
        return self.conv(image).mean((2, 3)) + self.embed(ids).mean(1)


def image():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())


def tokens():
    return nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 4))


def signal():
    return nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())


def same():
    return nn.Identity()


def wrong():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(5, 5))


def fails():
    raise RuntimeError("no data")
'''

OPEN = ("other-tools", "memory", "field", "timing-why", "timing-batches", "export")
"""What is closed at first."""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The path of a file, and a server that offers nothing yet."""
    monkeypatch.setattr(linked, "_offered", ())
    file = tmp_path / "net.py"
    file.write_text(NET, encoding="utf-8")
    yield str(file)


def with_all_open(**query: str) -> AppTest:
    app = AppTest.from_file(str(Path(__file__).parent.parent / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    for box in OPEN:
        app.session_state[box] = True
    return app.run()


def selectbox(app: AppTest, label: str) -> AppTest:
    return next(box for box in app.selectbox if box.label == label)


def errors(app: AppTest) -> str:
    return " ".join(error.value for error in app.error).replace("\\", "")


# Choosing

@pytest.mark.parametrize(("library", "name", "family"), [
    ("timm", "mobilenetv3_small_050", "mobilenetv3"),
    ("torchvision", "shufflenet_v2_x0_5", "shufflenetv2")])
def test_a_model_is_chosen_by_its_family_and_name(library: str, name: str, family: str) -> None:
    app = open_app()
    selectbox(app, "Source").set_value(library).run()
    assert not app.exception and not app.warning
    assert dict(app.query_params) == {"network": "resnet50"}
    assert any("ResNet-50" in caption.value for caption in app.caption)
    assert len(selectbox(app, "Model").options) == len(LIBRARIES[library].names())
    selectbox(app, "Family").set_value(family).run()
    assert set(selectbox(app, "Model").options) == set(LIBRARIES[library].families()[family])
    selectbox(app, "Model").set_value(f"{library}:{name}").run()
    assert not app.exception and not app.error
    assert dict(app.query_params) == {"network": f"{library}:{name}"}
    totals = explorer.summarise(f"{library}:{name}").totals
    assert figure(app, "Parameters") == text.short(totals.params)
    assert len(app.dataframe[0].value) == totals.layers
    selectbox(app, "Family").set_value(choice.ALL).run()
    assert selectbox(app, "Model").value == f"{library}:{name}"
    selectbox(app, "Source").set_value(choice.CATALOGUE).run()
    selectbox(app, "Network").set_value("vgg11").run()
    assert dict(app.query_params) == {"network": "vgg11"}


def test_every_model_is_of_one_family() -> None:
    for library in LIBRARIES.values():
        members = [name for family in library.families().values() for name in family]
        assert sorted(members) == sorted(library.names())


def test_a_link_names_a_model_and_its_knobs() -> None:
    app = open_app(network="timm:mobilenetv3_small_050", input_size="64", num_classes="10")
    assert not app.exception and not app.warning
    totals = explorer.summarise("timm:mobilenetv3_small_050&input_size=64&num_classes=10").totals
    assert figure(app, "Parameters") == text.short(totals.params)
    assert selectbox(app, "Source").value == "timm"
    app.number_input(key=knob_key(app, "in_channels")).set_value(1).run()
    assert dict(app.query_params) == {"network": "timm:mobilenetv3_small_050", "input_size": "64",
                                      "num_classes": "10", "in_channels": "1"}
    next(button for button in app.button if button.label == "Reset").click().run()
    assert dict(app.query_params) == {"network": "timm:mobilenetv3_small_050"}
    assert next(metric.delta for metric in app.metric if metric.label == "Parameters") \
        == "as in timm"


def test_knobs_with_which_a_library_builds_nothing_say_so_and_can_be_turned_back() -> None:
    app = open_app(network="torchvision:vit_b_16", input_size="100")
    assert not app.exception
    assert "cannot be built with input_size=100" in errors(app)
    app.number_input(key=knob_key(app, "input_size")).set_value(64).run()
    assert not app.error and figure(app, "Parameters") == text.short(
        explorer.summarise("torchvision:vit_b_16&input_size=64").totals.params)


@pytest.mark.parametrize("network", ["timm:vit_tiny_patch16_224", "torchvision:mc3_18"])
def test_every_section_stands_for_tokens_and_for_video(network: str) -> None:
    app = with_all_open(network=network, layer="4")
    assert not app.exception and not app.error


# What is not there

def test_without_a_library_the_page_stands_and_says_what_installs_it(
        monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise LibraryError(f"timm is not installed. `{libraries.INSTALL}` installs it.")

    monkeypatch.setattr(LIBRARIES["timm"], "names", missing)
    app = open_app()
    selectbox(app, "Source").set_value("timm").run()
    assert not app.exception and libraries.INSTALL in warnings(app)
    assert figure(app, "Parameters") == "25.6 M"
    explorer.sources.library.find_model.cache_clear()
    app = open_app(network="timm:convnext_tiny")
    assert not app.exception and libraries.INSTALL in warnings(app)
    assert dict(app.query_params) == {"network": "resnet50"}


@pytest.mark.parametrize(("network", "said"), [
    ("timm:convnext_tinny", "timm:convnext_tiny"), ("timm:../x", "timm has no model"),
    ("torchvision:__init__", "torchvision has no model"), ("timm:", "timm has no model"),
    ("os:system", "not a library"), ("/etc/passwd:x", "not a library"),
    ("/etc/passwd", "Unknown network"), ("x.py:os.system", "was not started with"),
    ("x.py", "was not started with"),
    ("timm:resnet18&input_size=64", "no model"), ("timm:resnet18(pretrained=True)", "no model")])
def test_a_link_opens_nothing_but_what_is_registered(network: str, said: str) -> None:
    app = open_app(network=network)
    assert not app.exception and not app.error
    assert said in warnings(app).replace("\\", "")
    assert dict(app.query_params) == {"network": "resnet50"}


def test_a_file_that_was_not_offered_does_not_run(net: str) -> None:
    Path(net).write_text("raise SystemExit('it ran')", encoding="utf-8")
    for network in (f"{net}:image", f"{net}:image()", net, f"{net}:image&input=1x3x8x8"):
        app = open_app(network=network)
        assert not app.exception and "was not started with" in warnings(app).replace("\\", "")
        assert "it ran" not in warnings(app) and not app.error


def test_values_that_a_model_cannot_have_are_set_aside() -> None:
    app = open_app(network="torchvision:shufflenet_v2_x0_5", width="0.5", batch_size="0",
                   num_classes="10")
    assert not app.exception
    assert "no knob" in warnings(app) and "`batch_size`" in warnings(app)
    assert dict(app.query_params) == {"network": "torchvision:shufflenet_v2_x0_5",
                                      "num_classes": "10"}


# Files

def test_a_file_that_was_offered_is_chosen_and_linked(net: str) -> None:
    offer(f"{net}:image")
    offer(f"{net}:Net(width=8)&input=1x3x16x16&input=1x5:int64")
    assert len(offered()) == 2
    app = open_app()
    selectbox(app, "Source").set_value(choice.FILES).run()
    selectbox(app, "Network").set_value(f"{net}:image").run()
    assert not app.exception and not app.error
    assert app.title[0].value.startswith("`net.py:image`")
    assert dict(app.query_params) == {"network": f"{net}:image"}
    assert figure(app, "Parameters") == str(3 * 4 * 9 + 4)
    app = open_app(network=offered()[1], width="2")
    assert figure(app, "Parameters") == str(3 * 8 * 9 + 8 + 10 * 8)
    assert "no knob" in warnings(app)


@pytest.mark.parametrize("named", ["Net&input=1x3x16x16&input=ids:1x5:int64", "tokens", "signal"])
def test_every_section_stands_for_inputs_that_are_no_image(net: str, named: str) -> None:
    offer(f"{net}:{named}")
    app = with_all_open(network=f"{net}:{named}", layer="1")
    assert not app.exception and not app.error
    said = " ".join(caption.value for caption in app.caption)
    assert ("image of 16 px" in said) == named.startswith("Net") and "of 128" not in said
    assert (figure(app, "Receptive field") == "–") == (named == "tokens")


@pytest.mark.parametrize(("named", "said"), [
    ("fails", "line 36 of net.py: RuntimeError: no data"), ("nosuch", "no class or function"),
    ("same", "Give one"), ("same&input=1x3x8x8", "does nothing"),
    ("Net&input=1x3x16x16", "ids"), ("wrong", "1 (Linear)")])
def test_a_file_that_cannot_be_followed_gives_its_sentence(net: str, named: str, said: str) -> None:
    offer(f"{net}:{named}")
    app = open_app(network=f"{net}:{named}")
    assert not app.exception and said in errors(app)
    selectbox(app, "Source").set_value(choice.CATALOGUE).run()
    selectbox(app, "Network").set_value("resnet18").run()
    assert not app.error and figure(app, "Parameters") == "11.7 M"


def test_a_file_that_does_not_import_is_tried_again_once_it_is_mended(net: str) -> None:
    Path(net).write_text("def image(:\n", encoding="utf-8")
    offer(f"{net}:image")
    app = open_app(network=f"{net}:image")
    assert "line 1 of net.py" in errors(app)
    Path(net).write_text(NET, encoding="utf-8")
    app.run()
    assert not app.exception and not app.error and figure(app, "Parameters") == "112"


def test_a_file_that_is_saved_again_shows_what_it_makes_now(net: str) -> None:
    offer(f"{net}:image")
    app = open_app(network=f"{net}:image")
    assert figure(app, "Parameters") == "112"
    Path(net).write_text(NET.replace("Conv2d(3, 4, 3), nn.Flatten", "Conv2d(3, 8, 3), nn.Flatten"),
                         encoding="utf-8")
    assert figure(app.run(), "Parameters") == "224"
    assert app.dataframe[0].value["params"].sum() == 224


@pytest.mark.parametrize(("name", "said"), [
    ("resnet50", "is not a file"), ("timm:resnet18", "is not a file"),
    ("nosuch.py:net", "There is no file"),
    ("net.py", "does not name a network"), ("net.py:image&width=2", "no knob"),
    ("net.py:image&input=x", "An input is"), ("net.py:image(open('x'))", "must be literals")])
def test_what_is_no_file_is_not_offered(net: str, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        offer(name.replace("net.py", net) if name.startswith("net.py") else name)
    assert offered() == ()


def test_what_is_kept_of_a_network_holds_no_module(net: str) -> None:
    offer(f"{net}:wrong")
    gc.collect()
    before = set(map(id, gc.get_objects()))     # other tests keep modules of their own
    for network in (f"{net}:wrong", "timm:mobilenetv3_small_050"):
        open_app(network=network)
    gc.collect()
    kept = [thing for thing in gc.get_objects() if isinstance(thing, nn.Conv2d)
            and (thing.in_channels, thing.out_channels) in ((3, 4), (3, 16))
            and id(thing) not in before]
    assert kept == []
