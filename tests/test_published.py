"""The published tables: every row accounted for, every total explained, every fault reported."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchinfo
from streamlit.testing.v1 import AppTest

from explorer.cli.main import main
from explorer.language import spoken
from explorer.networks.build import build
from explorer.networks.catalogue import configure, presets
from explorer.published import (
    PublishedComparison,
    PublishedError,
    compare,
    load,
    names,
    table,
)
from explorer.published.align import ALIASES, CONTAINERS
from explorer.published.notes import swapped_rows
from explorer.views import published as views

Command = Callable[..., tuple[int, str, str]]
Rows = list[list[str]]
ROOT = Path(__file__).parent.parent

ROWS = {"resnet18": 68, "resnet34": 124, "resnet50": 174, "vgg19": 55, "xception": 229,
        "inception_v3": 187, "mobilenetv3_large": 173, "mobilenetv3_small": 114}

# Two equal neighbours are no fault when they change places; of these, none has an equal one.
SPOTS = {"resnet18": 8, "resnet34": 60, "resnet50": 90, "vgg19": 20, "xception": 110,
         "inception_v3": 75, "mobilenetv3_large": 92, "mobilenetv3_small": 60}


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["explorer", "published", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err
    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data, to be damaged."""
    copy = tmp_path / "data"
    shutil.copytree(table.FOLDER, copy)
    monkeypatch.setattr(table, "FOLDER", copy)
    return copy


def change(folder: Path, name: str, edit: Callable[[Rows], Any]) -> None:
    """Edit the rows of a table, the header apart."""
    path = folder / f"{name}.csv"
    header, *rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    edit(rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")


def renumber(rows: Rows) -> None:
    """Numbers in order, so that only what is in the rows can give a fault away."""
    counts: dict[str, int] = {}
    for row in rows:
        depth = row[0] if len(row) == 5 else ""
        counts[depth] = counts.get(depth, -1 if depth == "0" else 0) + 1
        row[-4] = str(counts[depth])


def swap(rows: Rows, one: int, other: int) -> None:
    rows[one], rows[other] = rows[other], rows[one]


# Every row, every total


def test_there_are_eight_tables_with_1124_rows() -> None:
    assert set(names()) == set(ROWS)
    assert sum(ROWS.values()) == 1124
    tutorials = {name for name, preset in presets().items()
                 if preset.figures == "The tutorial's table"}
    assert {load(name).network for name in names()} == tutorials | {"inception_v3_tutorial"}


@pytest.mark.parametrize("name", ROWS)
def test_every_row_is_accounted_for(name: str) -> None:
    comparison = compare(name)
    assert [match for match in comparison.matches if not match.accounted] == []
    assert len(comparison.matches) == comparison.accounted == ROWS[name]
    assert comparison.missing == ()
    assert comparison.complete


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_layers_agree_in_order_with_a_call_of_their_own(name: str) -> None:
    """The claim itself, without the matcher: type, shape, parameters, order."""
    comparison = compare(name)
    calls = [(match.row, match.run) for match in comparison.matches
             if match.row.type not in CONTAINERS and match.run is not None]
    positions = [run.start for _, run in calls]
    assert positions == sorted(positions)
    halves = sum(row.type == "HSigmoid" and run.type == "Hardswish" for row, run in calls)
    assert len(set(positions)) == len(positions) - halves
    for row, run in calls:
        assert run.stop - run.start == 1
        assert run.type == ALIASES.get(row.type, row.type) \
            or (row.type, run.type) == ("HSigmoid", "Hardswish")
    exact = [row for row, _ in calls if row.type in ("Conv2d", "BatchNorm2d", "Linear")]
    assert all(isinstance(row.params, int) and row.params > 0 for row in exact)


@pytest.mark.parametrize("name", ROWS)
def test_every_total_is_recomputed_to_the_last_digit(name: str) -> None:
    comparison = compare(name)
    assert [total.name for total in comparison.totals] \
        == list(table.PRINTERS[comparison.table.tool].LINES)
    for total in comparison.totals:
        assert total.recomputed == total.printed
        assert total.explanation.endswith(".")


def test_torchinfo_prints_the_inception_table_for_our_network() -> None:
    """The tool itself, on our network: the same double count, the same sizes."""
    config = configure("inception_v3_tutorial")
    theirs = torchinfo.summary(build(config), input_size=config.input_shape, device="meta",
                               mode="eval", verbose=0)
    printed = load("inception_v3").totals
    assert f"{theirs.total_params:,}" == printed["Total params"] == "38,345,632"
    assert f"{theirs.total_mult_adds / 1e9:.2f}" == printed["Total mult-adds (G)"]
    assert f"{theirs.total_output_bytes / 1e6:.2f}" == printed["Forward/backward pass size (MB)"]
    assert f"{theirs.total_param_bytes / 1e6:.2f}" == printed["Params size (MB)"]


def test_the_inception_double_count_is_explained() -> None:
    comparison = compare("inception_v3")
    said = " ".join(comparison.notes)
    for figure in ("38,345,632", "13,519,616", "24,826,016", "1,814,504", "23,011,512", "92.05",
                   "27,161,264", "23,834,568"):
        assert figure in said
    terms = next(total for total in comparison.totals if total.name == "Total params")
    assert terms.own == "24,826,016"
    parts = [int(word.replace(",", "")) for word in terms.explanation.split("is ")[1].split()
             if word.replace(",", "").isdigit()]
    assert sum(parts) == 13_519_616 and len(parts) == 8


def test_the_sum_that_32_bits_did_not_hold_is_explained() -> None:
    total = next(total for total in compare("resnet50").totals if "pass size" in total.name)
    assert "2,302,671,360 - 2^32 = -1,992,295,936" in total.explanation
    assert 2_302_671_360 - 2**32 == -1_992_295_936
    assert f"{8 * 1_992_295_936 / 2**20:.2f}" == total.printed == "15200.01"


def test_the_swapped_columns_stand_beside_the_papers() -> None:
    large, small = swapped_rows("mobilenetv3_large"), swapped_rows("mobilenetv3_small")
    assert [sum(row[side] is not None for row in large) for side in range(3)] == [13, 13, 15]
    assert [sum(row[side] is not None for row in small) for side in range(3)] == [8, 8, 11]
    assert {row.made.out for row in large + small if row.made} == {8}
    assert swapped_rows("resnet18") == ()
    assert "5,483,032" in " ".join(compare("mobilenetv3_large").notes)


def test_figures_of_the_notes() -> None:
    assert "143,667,240" in compare("vgg19").notes[0] and "143,678,248" in compare("vgg19").notes[0]
    assert "4,089,184,256" in compare("resnet50").notes[0]


def test_shared_weights_are_shared_in_a_real_pass() -> None:
    """The tutorial's InceptionC: two Sequentials, one first part."""
    network = build(configure("inception_v3_tutorial", blocks=(1, 1, 1), width=0.125,
                              input_size=75, batch_size=1), "cpu")
    module = network.get_submodule("inception_c.0")
    assert module.long_row[0] is module.long_column[0]
    assert module.short_row[0] is module.short_column[0]
    assert network(torch.zeros(1, 3, 75, 75)).shape == (1, 1000)


# Faults


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("fault", ["changed", "swapped", "deleted", "added"])
def test_a_planted_fault_is_reported(folder: Path, command: Command, name: str,
                                     fault: str) -> None:
    def edit(rows: Rows) -> None:
        spot = SPOTS[name]
        if fault == "changed":
            layer = next(row for row in rows[spot:] if row[-1].isdigit() and row[-1] != "0")
            layer[-1] = str(int(layer[-1]) + 1)
        elif fault == "swapped":
            other = next(n for n in range(spot + 1, len(rows)) if rows[n][-3:] != rows[spot][-3:])
            swap(rows, spot, other)
        elif fault == "deleted":
            del rows[spot]
        else:
            rows.insert(spot, list(rows[spot]))
        renumber(rows)

    change(folder, name, edit)
    comparison = compare(name)
    assert not comparison.complete
    wrong = [match for match in comparison.matches if not match.accounted]
    assert wrong or comparison.missing
    code, out, _ = command(name)
    assert code == 1
    assert "unaccounted" in out or "no row" in out or "the tool printed" in out


def test_a_changed_cell_is_one_row(folder: Path) -> None:
    change(folder, "resnet18", lambda rows: rows[4].__setitem__(-1, "36865"))
    comparison = compare("resnet18")
    assert [match.number for match in comparison.matches if not match.accounted] == [5]
    assert [left.path for left in comparison.missing] == ["stage1.0.branch.conv1"]


@pytest.mark.parametrize(("name", "number", "column", "value"), [
    ("resnet18", 10, "output_shape", "64x64x56x57"), ("resnet18", 10, "type", "Bottleneck"),
    ("resnet18", 10, "params", "1"), ("resnet18", 2, "type", "ELU"),
    ("xception", 8, "output_shape", "1x128x55x54"), ("xception", 1, "params", "1"),
    ("xception", 62, "output_shape", "1x728x14x15"), ("inception_v3", 0, "params", "1814505"),
    ("inception_v3", 2, "params", "7"), ("xception", 3, "index", "9"),
    ("inception_v3", 3, "depth", "4")])
def test_a_changed_value_of_any_kind_is_reported(folder: Path, name: str, number: int, column: str,
                                                 value: str) -> None:
    header = (folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    change(folder, name, lambda rows: rows[number].__setitem__(header.index(column), value))
    comparison = compare(name)
    assert not comparison.complete
    assert any(not match.accounted for match in comparison.matches)


@pytest.mark.parametrize("name", ["xception", "inception_v3", "mobilenetv3_small"])
def test_no_row_can_be_left_out_or_doubled(folder: Path, name: str) -> None:
    """Each row in turn, of a part of the table: the others never make up for it."""
    original = (folder / f"{name}.csv").read_text(encoding="utf-8")
    for number in range(1, ROWS[name], 29):
        for edit in (lambda rows, n=number: rows.pop(n),
                     lambda rows, n=number: rows.insert(n, list(rows[n]))):
            change(folder, name, lambda rows, edit=edit: (edit(rows), renumber(rows)))
            assert not compare(name).complete, number
            (folder / f"{name}.csv").write_text(original, encoding="utf-8")


def test_a_changed_total_is_reported(folder: Path, command: Command) -> None:
    path = folder / "totals.json"
    path.write_text(path.read_text(encoding="utf-8").replace("4018.74", "4018.75"),
                    encoding="utf-8")
    code, out, _ = command("resnet18")
    assert code == 1 and "not explained: Forward/backward pass size (MB)" in out


@pytest.mark.parametrize(("file", "old", "new", "said"), [
    ("resnet18.csv", "64x64x112x112,9408", "64x64x112xfoo,9408", "row 1: `output_shape`"),
    ("resnet18.csv", ",9408", ",94.08", "row 1: `params`"),
    ("resnet18.csv", "2,BatchNorm2d", "two,BatchNorm2d", "row 2: `index`"),
    ("resnet18.csv", "2,BatchNorm2d", "2,Batch Norm", "row 2: `type`"),
    ("resnet18.csv", "2,BatchNorm2d,", "2,BatchNorm2d,,", "row 2: it must have 4 values; got 5"),
    ("resnet18.csv", "index,type", "index,kind", "line 1"),
    ("resnet18.csv", None, "", "it is empty"),
    ("resnet18.csv", None, "index,type,output_shape,params\n", "it has no rows"),
    ("resnet18.csv", None, "\udcff", "UTF-8"),
    ("resnet18.csv", "1,Conv2d", '1,"Conv2d', "damaged"),
    ("xception.csv", "1,1,Sequential", "x,1,Sequential", "row 2: `depth`"),
    ("totals.json", "{", "[", "totals.json is damaged"),
    ("totals.json", '"torchsummary"', '"torchsum"', "resnet18: `tool`"),
    ("totals.json", '"Total params"', '"Totals"', "'Total params'"),
    ("totals.json", "64,", "65,", "`input`"),
    ("totals.json", None, "[]", "an object"),
])
def test_a_damaged_file_is_one_line_and_exit_code_2(
        folder: Path, command: Command, tmp_path: Path, file: str, old: str | None, new: str,
        said: str) -> None:
    path = folder / file
    text = new if old is None else path.read_text(encoding="utf-8").replace(old, new, 1)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    name = "xception" if file == "xception.csv" else "resnet18"
    code, out, err = command(name, "--output", str(tmp_path / "out.txt"))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and file in err and said in err
    assert not (tmp_path / "out.txt").exists()
    with pytest.raises(PublishedError):
        compare(name)


def test_a_file_that_is_not_there(folder: Path, command: Command) -> None:
    (folder / "vgg19.csv").unlink()
    code, out, err = command()
    assert (code, out) == (2, "") and "vgg19.csv cannot be read" in err


# The command


def test_all_tables_in_one_go(command: Command) -> None:
    code, out, _ = command()
    assert code == 0
    assert "1,124 of 1,124 rows in 8 tables are accounted for." in out
    assert "unaccounted" not in out


def test_formats_hold_the_same_rows(command: Command, tmp_path: Path) -> None:
    document = json.loads(command("mobilenetv3_small", "--format", "json")[1])
    assert (document["rows"], document["accounted"]) == (114, 114)
    only, = document["tables"]
    assert only["complete"] and len(only["swapped_columns"]) == 11 and only["notes"]
    path = tmp_path / "rows.csv"
    code, out, _ = command("mobilenetv3_small", "--format", "csv", "--output", str(path))
    assert (code, out) == (0, "")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == list(only["rows"][0])
    assert [row["params"] for row in rows] == [str(row["params"]) for row in only["rows"]]


@pytest.mark.parametrize(("name", "near"), [
    ("resnet19", "resnet18"), ("inception", "inception_v3"), ("?", "There are resnet18")])
def test_an_unknown_table_suggests_near_ones(command: Command, name: str, near: str) -> None:
    code, out, err = command(name)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and near in err


def test_a_table_answers_to_its_networks_name() -> None:
    assert load("vgg19_tutorial") == load("vgg19")


# In Chinese


CHINESE = re.compile("[\N{CJK UNIFIED IDEOGRAPH-4E00}-\N{CJK UNIFIED IDEOGRAPH-9FFF}]")


@pytest.mark.parametrize("name", ROWS)
def test_a_comparison_speaks_the_language_of_who_reads_it(name: str) -> None:
    """Whoever has made it, and not in its file."""
    comparison = compare(name)
    file, english = views.to_csv([comparison]), said(comparison)
    with spoken("zh"):
        assert all(map(CHINESE.search, said(comparison)))
        assert views.to_csv([comparison]) == file and not CHINESE.search(file)
        made_in_chinese = compare(name)
    assert said(made_in_chinese) == english and not any(map(CHINESE.search, english))


def said(comparison: PublishedComparison) -> list[str]:
    return [*comparison.notes, *(total.explanation for total in comparison.totals),
            *(str(match.reason) for match in comparison.matches),
            *(str(left.reason) for left in comparison.unseen), views.headline(comparison)]


# The page


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.query_params.clear()
    for name, value in query.items():
        app.query_params[name] = value
    return app.switch_page("pages/published.py").run()


def shown(app: AppTest) -> str:
    return " ".join(block.value for block in app.markdown)


@pytest.mark.parametrize("name", ROWS)
def test_the_page_shows_every_table(name: str) -> None:
    app = open_page(table=name)
    assert not app.exception and not app.error and not app.warning
    assert app.metric[0].value == f"{ROWS[name]} of {ROWS[name]}"
    assert len(app.dataframe[-1].value) == ROWS[name]
    assert len(app.dataframe) == (2 if swapped_rows(name) else 1)


def test_the_page_answers_who_doubts_the_inception_parameters() -> None:
    app = open_page()
    for figure in ("38,345,632", "13,519,616", "24,826,016", "23,011,512"):
        assert figure in shown(app)


def test_the_page_says_what_a_link_cannot_open() -> None:
    app = open_page(table="resnet19")
    assert not app.exception and "resnet18" in app.warning[0].value


def test_another_table_changes_the_address() -> None:
    app = open_page()
    app.selectbox(key="published-table-0").set_value("vgg19").run()
    assert app.query_params["table"] == ["vgg19"] or app.query_params["table"] == "vgg19"
    assert app.metric[0].value == "55 of 55"


def test_the_page_searches_rows() -> None:
    app = open_page(table="inception_v3")
    app.text_input(key="published-search").set_value("shared").run()
    assert 0 < len(app.dataframe[-1].value) < 187
    app.toggle(key="published-only").set_value(True).run()
    assert app.dataframe[-1].value.empty


def test_the_page_says_which_file_is_damaged(folder: Path) -> None:
    (folder / "totals.json").write_text("{", encoding="utf-8")
    app = open_page()
    assert not app.exception and "totals.json" in app.error[0].value
