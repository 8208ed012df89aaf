"""The live parts of a lesson on the page, each with the way to where it can be opened as it is."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from explorer import text
from explorer.config import Config, knobs_of
from explorer.language import say
from explorer.lessons import Lesson, PlacedPart
from explorer.lessons.chains import chain_source
from explorer.lessons.facts import FIGURES, show, source_named
from explorer.lessons.functions import function_curve
from explorer.lessons.modules import module_source
from explorer.lessons.parts import (
    AskedQuestion,
    BudgetSearch,
    ChainTable,
    CostTable,
    DigitsTraining,
    DrawnPart,
    EffectiveField,
    FigureTable,
    FunctionPlot,
    GradientSizes,
    KnobCurve,
    LayerQuestion,
    SideBySide,
    SmoothedLabels,
    TurnedKnobs,
)
from explorer.lessons.questions import of_layer, written
from explorer.pipeline import Explored
from explorer.sources import Source, title, titles_apart
from explorer.sources.key import from_key, to_key
from explorer.sweeping import Fit, fit
from explorer.sweeping.fitting import parse_limit
from explorer.sweeping.records import Record, count
from explorer.ui import calls, controls, graph, messages
from explorer.ui.kept import kept
from explorer.ui.lessons import experiments, questions
from explorer.ui.lessons.links import open_in
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import comparison as comparisons
from explorer.views import lessons as views
from explorer.views.sweep import curves


@dataclass
class GivenAnswers:
    """What the session has answered in the lessons."""

    chosen: dict[str, int] = field(default_factory=dict)
    """By lesson and number of the question."""
    right: set[str] = field(default_factory=set)


def answers() -> GivenAnswers:
    return Panel("learn").own(GivenAnswers)


def question_key(lesson: Lesson, placed: PlacedPart) -> str:
    """A question of a lesson, in whichever language it stands."""
    return f"{lesson.name}:{lesson.asked.index(placed)}"


@kept()
def record(key: str) -> Record:
    """What a config costs."""
    return count(key)


@kept()
def best(network: str, axes: tuple[str, ...], limit: str, prefer: str) -> Fit:
    """The best of a small sweep."""
    return fit(network, axes, [limit], prefer=prefer)


class LiveParts:
    """The parts of one lesson, as they stand on the page from above to below."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._turned: dict[str, str] = {}
        """Keys of the networks whose knobs are turned above, by their names."""

    def show(self, placed: PlacedPart) -> None:
        """One part, under its title."""
        part = placed.part
        panel = Panel(f"lesson-{self._lesson.name}-{self._number(placed)}")
        if above := getattr(part, "title", ""):
            st.markdown(f"**{escape(above)}**")
        match part:
            case DrawnPart():
                self._drawing(panel, part)
            case TurnedKnobs():
                self._knobs(panel, part)
            case FigureTable():
                st.html(views.figure_table(self._networks(part.networks), part.figures))
                self._compare(part.networks)
            case SideBySide():
                self._beside(panel, part)
            case KnobCurve():
                self._curve(panel, part)
            case FunctionPlot():
                drawn = [function_curve(name, part.low, part.high) for name in part.functions]
                st.plotly_chart(views.function_plots(drawn), key=panel.widget("functions"),
                                config={"displayModeBar": False})
            case ChainTable():
                _chains(panel, part)
            case CostTable():
                network = self._open(part.network)
                st.html(views.cost_table(network, part.part, part.by, part.figures))
                open_in([network.key])
            case BudgetSearch():
                _search(panel, part)
            case SmoothedLabels():
                _smoothing(panel, part)
            case DigitsTraining():
                experiments.digits(panel, part, *self._sources(part.networks))
                self._compare(part.networks)
            case GradientSizes():
                experiments.gradients(panel, part, *self._sources(part.networks))
                self._compare(part.networks)
            case EffectiveField():
                experiments.effective_field(panel, part, self._open(part.network).source)
                open_in([self._key(part.network)])
            case AskedQuestion() | LayerQuestion():
                self._question(placed, part)

    def _number(self, placed: PlacedPart) -> int:
        return self._lesson.parts.index(placed)

    # Networks

    def _key(self, network: str) -> str:
        return self._turned[network[1:]] if network.startswith("@") else network

    def _open(self, network: str) -> Explored:
        return calls.explored(source_named(self._key(network)))

    def _networks(self, names: tuple[str, ...]) -> dict[str, Explored]:
        opened = [self._open(name) for name in names]
        titles = [title(from_key(self._key(name))) for name in names]
        shown = [say("{title}, as turned", title=each) if name.startswith("@") else each
                 for name, each in zip(names, titles, strict=True)]
        return dict(zip(shown, opened, strict=True))

    def _sources(self, names: tuple[str, ...]) -> tuple[tuple[Source, ...], list[str]]:
        configs = [from_key(self._key(name)) for name in names]
        return tuple([self._open(name).source for name in names]), titles_apart(configs)

    # Parts

    def _drawing(self, panel: Panel, part: DrawnPart) -> None:
        network = self._open(part.network)
        shown = calls.explored(module_source(network, part.part)) if part.part else network
        opened = tuple([stage.id for stage in shown.structure.stages if stage.path in part.opened])
        graph.small(panel, shown, part.level, part.direction, opened, shapes=part.shapes,
                    at_end=part.at_end)
        toggled = {"toggled": ",".join(opened)} if opened else {}
        open_in([network.key], level=part.level, **toggled)

    def _knobs(self, panel: Panel, part: TurnedKnobs) -> None:
        start = from_key(part.network)
        panel.start(start)
        refused, config = panel.take_widgets(), panel.config
        declared = knobs_of(type(config))
        with st.container(border=True, key=panel.widget("knobs")):
            with st.grid(2, min_column_width=260):
                for name in part.knobs:
                    with st.container():
                        controls.widget(panel, declared[name], config)
            messages.cannot_take(refused)
            self._turned[part.name] = to_key(config)
            network, before = self._open(f"@{part.name}"), self._open(part.network)
            if network.failure:
                messages.cannot_run(network.failure)
            else:
                # Five would leave one alone in a second row.
                columns = 3 if len(part.figures) == 5 else len(part.figures)
                with st.grid(columns, min_column_width=130):
                    for figure in part.figures:
                        _metric(figure, network, before)
        open_in([network.key])

    def _beside(self, panel: Panel, part: SideBySide) -> None:
        compared = calls.comparison(*[self._open(name) for name in part.networks])
        graph.within_text(panel, calls.beside(compared, part.level == "stage", True).picture)
        if len({network.key for network in compared.networks}) > 1:
            for line, made_of in comparisons.headlines(compared):
                st.markdown(escape(text.sentences([line, made_of])))
        self._compare(part.networks)

    def _curve(self, panel: Panel, part: KnobCurve) -> None:
        swept = part.grid
        records = {point.key: record(point.key) for point in swept.points}
        drawn = curves.curves(swept, records, part.knob, {})
        label = knobs_of(type(swept.networks[0]))[part.knob].label
        st.plotly_chart(
            curves.chart(drawn, part.figure, part.knob, label,
                         {network: record(to_key(network)) for network in swept.networks}),
            key=panel.widget("curve"), config={"displayModeBar": False})
        lines = curves.legend(drawn) if len(drawn) > 1 else ""
        grows = curves.growth_html(curves.growths(drawn, part.figure), part.knob,
                                   plural=part.figure in ("params", "macs"))
        said = f"<b>{say(FIGURES[part.figure].words)}</b> {grows}" if grows else ""
        st.html(f'{lines}<p class="curve">{said}</p>')
        st.page_link("pages/sweep.py", label=say("Open in Sweep"), icon=":material/monitoring:",
                     query_params=[*[("network", network) for network in part.networks],
                                   ("over", f"{part.knob}={part.values}")])

    def _compare(self, networks: tuple[str, ...]) -> None:
        open_in([self._key(network) for network in networks])

    def _question(self, placed: PlacedPart, part: AskedQuestion | LayerQuestion) -> None:
        key, held = question_key(self._lesson, placed), answers()
        question = written(part, calls.explored, key) if isinstance(part, AskedQuestion) else \
            of_layer(part, calls.explored)

        def answer(place: int) -> None:
            held.chosen[key] = place
            if place == question.right:
                held.right.add(key)

        questions.ask(question, f"question-{key.replace(':', '-')}", held.chosen.get(key), answer)


def _metric(figure: str, network: Explored, before: Explored) -> None:
    """A figure as it is, and how it has changed."""
    now, then = [FIGURES[figure].of(each, each.summary.layers) for each in (network, before)]
    if now is None:
        st.metric(say(FIGURES[figure].words), "–", border=True)
        return
    change = text.change(now, then) if isinstance(now, int) and isinstance(then, int) else None
    up = isinstance(now, int) and isinstance(then, int) and now > then
    st.metric(say(FIGURES[figure].words), show(now, FIGURES[figure].unit),
              change or say("as it was"), delta_color="off", border=True,
              height="stretch", delta_arrow="off" if change is None else "up" if up else "down")


def _chains(panel: Panel, part: ChainTable) -> None:
    values = {}
    if part.letters:
        with st.container(horizontal=True):
            for letter, options in part.letters.items():
                values[letter] = st.segmented_control(
                    letter, sorted(options), default=options[0], required=True,
                    key=panel.widget(f"letter-{letter}"))
    written = part.chains(values or part.first)
    opened = {name: calls.explored(chain_source(chain)) for name, chain in written.items()}
    for name, chain in opened.items():
        if chain.failure:
            st.error(escape(say("{name}: {failure}", name=name, failure=chain.failure)))
            return
    st.html(views.chain_table(opened, part.figures))
    with st.expander(say("As PyTorch writes them")):
        st.code("\n".join(f"{name}: {chain}" for name, chain in written.items()), language=None,
                wrap_lines=True)


def _search(panel: Panel, part: BudgetSearch) -> None:
    with st.spinner(say("Counting every config …")):
        found = best(part.network, part.axes, part.limit, part.prefer)
    figure, limit = FIGURES[part.prefer], parse_limit(part.limit)
    limited = FIGURES[limit.figure]
    most = f"{show(int(limit.most), limited.unit)} {say(limited.words).lower()}"
    if found.best is None:
        st.info(say("None of the {count} configs has at most {limit}.", count=found.counted,
                    limit=most))
        return
    config = from_key(found.best.key)
    assert isinstance(config, Config)
    turned = [knob.words(getattr(config, name)) for name, knob in knobs_of(type(config)).items()
              if name in part.knobs]
    value = found.best.figure(part.prefer)
    st.markdown(say(
        "{count} configs were counted. Of those with at most {limit}, the one with the most "
        "{figure} has {knobs}: {value}.", count=found.counted, limit=most,
        figure=say(figure.words).lower(), knobs=escape(text.enumeration(turned)),
        value=show(int(value or 0), figure.unit)))
    with st.container(horizontal=True):
        open_in([found.best.key])
        st.page_link("pages/sweep.py", label=say("Open in Sweep"), icon=":material/monitoring:",
                     query_params=[("network", part.network),
                                   *[("over", axis) for axis in part.axes]])


def _smoothing(panel: Panel, part: SmoothedLabels) -> None:
    with st.grid(3, min_column_width=200):
        margin = st.slider(say("Logit of the right class"), -2.0, 20.0, 2.0, 0.25,
                           key=panel.widget("margin"))
        epsilon = st.slider("ε", 0.0, 0.9, part.epsilon, 0.05, key=panel.widget("epsilon"))
        classes = st.slider(say("Classes"), 2, 10, min(part.classes, 10),
                            key=panel.widget("classes"))
    logits = [margin, *[0.0] * (classes - 1)]
    with st.grid(2, min_column_width=300):
        for name, chart in (("classes", views.smoothed_classes(logits, epsilon)),
                            ("loss", views.smoothed_loss(logits, epsilon))):
            st.plotly_chart(chart, key=panel.widget(f"smoothed-{name}"),
                            config={"displayModeBar": False})
