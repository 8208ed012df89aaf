"""Two to four networks beside each other: figures, parts, and why they differ."""

from explorer.ui.start import within_app  # isort: split

from explorer.comparison import LETTERS
from explorer.language import say
from explorer.ui import calls, choice, compared, exports, messages, timing, turns
from explorer.ui.compared_panels import ComparedPanels
from explorer.ui.copy_link import copy_link
from explorer.ui.headings import page, section
from explorer.ui.messages import standing
from explorer.ui.panel import Panel

within_app()
place = page(
    say("Compare"), say(
        "What differs between two to four networks, where, by how much and why? Choose the "
        "networks and turn their knobs on the left; the page's address is a link to what you "
        "see."))
columns = ComparedPanels()
columns.open_address()
whole = Panel("compare")
networks, refused, unopened = [], [], []
for panel in columns.panels:
    refused.append(panel.take_widgets())
    try:
        networks.append(calls.explored(calls.source(panel.config)))
    except Exception as error:      # whatever it is, it costs its own column
        unopened.append(error)
columns.write_address()
configs = [panel.config for panel in columns.panels]
messages.set_aside(columns.set_aside)
for letter, why in zip(LETTERS, refused, strict=False):
    messages.cannot_take(why, letter.upper())
for cause in unopened:
    messages.cannot_open(cause)

sources = [network.source for network in networks]
timing.keep_up(whole, *sources)
comparison = None if unopened else calls.comparison(*networks)
compared.heads(columns, comparison.names if comparison else
               [choice.shown(config.network) for config in configs])
if comparison:
    bench = timing.bench(whole, *sources)
    bench.see()
    with standing(say("The figures")):
        compared.sentences(comparison)
        section(say("Figures"), say(
            "How large, how dear and how deep is each, and how much is that of the first?"),
            "figures")
        compared.figures(comparison, bench)
    section(say("Drawing"), say(
        "What corresponds to what, and what is changed, added or missing? Choose a card to see "
        "why."), "drawing")
    with standing(say("The drawing")):
        shown = compared.drawing(columns, comparison)
        with place:
            copy_link(whole)
            exports.of_comparison(whole, comparison, turns.layers(bench), **shown)
    section(say("Parts"), say(
        "Which part of one corresponds to which of the other, and where does the difference come "
        "from? A part opens to what is inside it."), "parts")
    with standing(say("The parts")):
        compared.parts(comparison, bench)
compared.sidebar(columns, configs)
