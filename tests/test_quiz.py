"""Questions of the engine: one right answer each, that of a real module; seeds; the page."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from random import Random

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from explorer.config import ConfigError
from explorer.language import LANGUAGES, spoken
from explorer.lessons import quiz
from explorer.lessons.questions import (
    Answer,
    NoQuestion,
    Question,
    about_layer,
    assemble,
    can_be_asked,
)
from explorer.networks.catalogue import families
from explorer.pipeline import Explored, explore
from explorer.sources import Source, find_source
from tests.kinds import KINDS
from tests.test_pages import ROOT

PAGE = "pages/quiz.py"


@lru_cache(maxsize=1024)
def opened(source: Source) -> Explored:
    return explore(source)


@lru_cache(maxsize=64)
def built(key: str) -> nn.Module:
    return find_source(key).build("meta")


def shown(numbers: tuple[int, ...]) -> str:
    return "×".join(map(str, numbers))


def checked(question: Question) -> None:
    """What holds of any question."""
    texts = [answer.text for answer in question.answers]
    assert 3 <= len(texts) <= 4 and len(set(texts)) == len(texts)
    assert all(answer.text and answer.why for answer in question.answers)
    assert question.ask.endswith("?")


def right(question: Question) -> str:
    return question.answers[question.right].text


def by_a_real_module(question: Question) -> str:
    """The answer to a question of shape or parameters, from the module itself."""
    [key] = question.networks
    assert question.layer is not None
    layer = opened(find_source(key)).summary.layers[question.layer]
    module = built(key).get_submodule(layer.path)
    if question.kind == "params":
        return f"{sum(parameter.numel() for parameter in module.parameters()):,}"
    given = torch.empty(layer.input_shapes[0], device="meta")
    return shown(tuple(module(given).shape))


def test_a_thousand_questions_have_one_right_answer_each() -> None:
    kinds: Counter[str] = Counter()
    for number in range(1000):
        question = quiz.make(number % 7, number, "", 1 + number % 3, opened)
        checked(question)
        kinds[question.kind] += 1
        if question.kind in ("output", "params"):
            assert right(question) == by_a_real_module(question), question.ask
        elif question.kind in ("macs", "receptive_field"):
            assert question.step is not None and question.layer is not None
            layer = opened(find_source(question.networks[0])).summary.layers[question.layer]
            counted = layer.macs if question.kind == "macs" else \
                layer.receptive_field and layer.receptive_field.side
            assert right(question) == f"{counted:,}"
    assert set(kinds) == {kind.name for kind in quiz.KINDS}
    assert min(kinds.values()) >= 10


@pytest.mark.parametrize("network", KINDS)
def test_each_figure_of_every_sort_of_layer(network: str) -> None:
    """Wrong answers are never the right one, whatever a layer is like."""
    explored = opened(find_source(network))
    seen = set()
    for layer in explored.summary.layers:
        for figure in ("output", "params", "macs", "receptive_field"):
            sort = (figure, layer.type, layer.window, layer.groups, len(layer.call.parameters))
            if sort in seen or not can_be_asked(layer, figure):
                continue
            seen.add(sort)
            try:
                question = about_layer(explored, layer, figure, Random(0))
            except NoQuestion:      # of a map of one position few mistakes give another shape
                assert figure == "output" and layer.output_shape[2:] == (1, 1)
                continue
            checked(question)
            if figure in ("output", "params"):
                assert right(question) == by_a_real_module(question)
    assert len(seen) > 3


def test_ratios_and_sizes_are_those_of_the_networks() -> None:
    checked_kinds = Counter[str]()
    for number in range(60):
        question = quiz.make(3, number, "ResNet", 2, opened)
        if question.kind not in ("ratio", "larger"):
            continue
        checked_kinds[question.kind] += 1
        one, two = [explore(key).summary.totals for key in question.networks]
        if question.kind == "larger":
            figure = "params" if "parameters" in question.ask else \
                "macs" if "multiply-adds" in question.ask else "peak_activation_bytes"
            larger = question.networks[getattr(two, figure) > getattr(one, figure)]
            assert right(question) == find_source(larger).title.split(" · ")[0]
        else:
            figure = "params" if "number of parameters" in question.ask else "macs"
            assert right(question) == f"× {getattr(two, figure) / getattr(one, figure):.2g}"
    assert min(checked_kinds.values()) >= 5


def test_a_pass_that_ends_ends_there() -> None:
    found = 0
    for number in range(400):
        question = quiz.make(5, number, "AlexNet", 3, opened)
        if question.kind == "error":
            found += 1
            failure = explore(question.networks[0]).failure
            assert failure is not None and right(question) == f"`{failure.path}`"
    assert found >= 5


def test_a_seed_asks_the_same_and_another_does_not() -> None:
    def asked(seed: int) -> list[Question]:
        return [quiz.make(seed, number, "VGG", 2, opened) for number in range(12)]

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)


@pytest.mark.parametrize("family", [family.title for family in families()])
def test_every_family_can_be_asked_about(family: str) -> None:
    own = {preset.config.network for each in families() if each.title == family
           for preset in each.presets}
    for number in range(8):
        question = quiz.make(0, number, family, 2, opened)
        checked(question)
        if question.kind in ("output", "params", "macs"):
            assert {key.partition("&")[0] for key in question.networks} <= own


def test_a_network_with_knobs_turned_is_asked_about() -> None:
    kinds = {quiz.make(0, number, "resnet50&width=0.5", 1, opened).kind for number in range(20)}
    assert kinds == {"output", "params", "larger"}


@pytest.mark.parametrize(("seed", "chosen", "level", "said"), [
    (-1, "", 1, "`seed` must be"), (10**9, "", 1, "`seed` must be"), (0, "", 4, "`level` must be"),
    (0, "resnet51", 1, "resnet51"), (0, "resnet50&width=9", 1, "`width` must be"),
])
def test_what_cannot_be_asked_is_told(seed: int, chosen: str, level: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        quiz.make(seed, 0, chosen, level, opened)


def test_a_network_of_which_nothing_can_be_asked_is_told_on_the_page() -> None:
    app = open_page(seed="1", about="alexnet&input_size=16")
    assert "Nothing can be asked" in app.error[0].value


def test_too_few_answers_are_no_question() -> None:
    same = Answer("1", "why")
    with pytest.raises(NoQuestion):
        assemble("", "?", same, [same, Answer("2", "why")], Random(0))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_same_question_in_every_language(code: str) -> None:
    plain = quiz.make(4, 2, "", 3, opened)
    with spoken(code):
        told = quiz.make(4, 2, "", 3, opened)
    assert told.right == plain.right and told.networks == plain.networks
    assert (told.ask == plain.ask) == (code == "en")


# The page

def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def answer(app: AppTest, number: int, place: int) -> AppTest:
    app.button(key=f"quiz-7-{number}-{place}").click().run()
    assert not app.exception
    return app


def go_on(app: AppTest) -> None:
    [button] = [button for button in app.button if button.label == "Next question"]
    button.click().run()
    assert not app.exception


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_answers_are_graded_explained_and_become_harder() -> None:
    app = open_page(seed="7", about="VGG")
    level = 1
    for number in range(3):
        question = quiz.make(7, number, "VGG", level, opened)
        assert app.markdown[-1].value == question.ask
        answer(app, number, question.right)
        assert app.success and not app.info
        go_on(app)
        level = 2 if number == 2 else 1
    assert figures(app) == {"Right": "3 / 3", "In a row": "3", "Level": "2 / 3", "Question": "4"}
    question = quiz.make(7, 3, "VGG", 2, opened)
    wrong = (question.right + 1) % len(question.answers)
    answer(app, 3, wrong)
    assert question.answers[wrong].why in app.info[0].value
    assert any(question.answers[question.right].text in each.value for each in app.markdown)
    assert figures(app)["In a row"] == "0"
    assert app.query_params["seed"] in ("7", ["7"])
    go_on(app)
    assert figures(app)["Level"] == "1 / 3"


@pytest.mark.parametrize(("query", "said"), [
    ({"seed": "x" * 300}, "`seed` must be a whole number"),
    ({"seed": "1", "about": "../../etc/passwd"}, "etc"),
    ({"seed": "1", "about": "net.py:Net"}, "net.py"),
    ({"seed": "1", "other": "1"}, "`other` is no part"),
])
def test_a_link_that_cannot_be_is_told_and_a_question_stands_there(
        query: dict[str, str], said: str) -> None:
    app = open_page(**query)
    assert any(said in warning.value for warning in app.warning)
    assert figures(app)["Question"] == "1"
