"""Several replicas behind nginx: who stays where, what dies, and what is refused at the start."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server import CHROMIUM, ROOT, deployed, free_port

DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx") or "CI" in os.environ
needs_nginx = pytest.mark.skipif(not NGINX, reason="needs nginx: deploy/prepare installs it")
needs_browser = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ,
                                   reason="needs chromium: apt-get install chromium")
pytestmark = pytest.mark.xdist_group("deploy")


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, DEPLOY / "run", *words], text=True, timeout=60,
                          env={**os.environ, **environment}, capture_output=True)


@pytest.mark.parametrize(("words", "environment", "said"), [
    (["0"], {}, "1<=x<=64"),
    (["2", "--port", "0"], {}, "1<=x<=65535"),
    (["1"], {"EXPLORER_SESSIONS": "none"}, "The limit `sessions` (EXPLORER_SESSIONS) cannot be"),
    (["1"], {"EXPLORER_LIMITS": "nowhere.toml"}, "nowhere.toml cannot be read"),
    (["1"], {"PATH": "/nowhere"}, "nginx is not installed: run deploy/prepare first."),
])
def test_a_mistake_ends_it_before_anything_starts(
        words: list[str], environment: dict[str, str], said: str) -> None:
    done = command(*words, **environment)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


@needs_nginx
def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("1", "--port", port)
    assert done.returncode == 2 and f"Error: Port {port} is taken: choose another" in done.stderr


def test_the_image_runs_what_the_scripts_run() -> None:
    steps = [line.split(" ", 1) for line in (DEPLOY / "Dockerfile").read_text().splitlines()
             if re.match("[A-Z]", line)]
    done = [words for step, words in steps if step in ("RUN", "CMD", "HEALTHCHECK", "ENTRYPOINT")]
    assert done == ["deploy/prepare", "--interval=10s --start-period=60s CMD deploy/well",
                    "exec deploy/run ${REPLICAS:-2} --host ${HOST:-localhost}"]
    for script in ("prepare", "well", "run"):
        assert os.access(DEPLOY / script, os.X_OK)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, as a module."""
    loader = SourceFileLoader("deploy_run", str(DEPLOY / "run"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, loader.name, module)       # dataclasses look there
    loader.exec_module(module)
    return module


def test_a_large_replica_is_replaced_when_nobody_is_there(
        run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for name, value in {"ASK_EVERY_S": 0.0, "IDLE_S": 0.4, "IDLE_BYTES": 40e6, "say": said.append,
                        "well": lambda port: True}.items():
        monkeypatch.setattr(run, name, value)
    port = free_port()
    server = ("import http.server as h; kept = b'x' * 50_000_000; "
              f"h.HTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()")
    part = run.Part("It", [sys.executable, "-c", server], dict(os.environ), port)
    part.start()
    try:
        until(lambda: not run.free(port, None))
        with socket.create_connection(("127.0.0.1", port)):
            time.sleep(0.5)     # till the server has taken it
            end = time.monotonic() + 1.2
            while time.monotonic() < end:
                part.keep(1e9)
                time.sleep(0.02)
        assert not said
        until(lambda: part.keep(1e9) or said, 30)
        assert said == ["It takes more than 40 MB with nobody there, and is replaced"]
    finally:
        run.stop([part])


@needs_nginx
def test_nothing_outlives_a_run_that_is_killed() -> None:
    left: list[psutil.Process] | None = None
    with suppress(RuntimeError), deployed(1):
        [run] = [each for each in psutil.Process().children()
                 if str(DEPLOY / "run") in each.cmdline()]
        begun = run.children(recursive=True)
        run.kill()
        _, left = psutil.wait_procs(begun, 20) if len(begun) >= 3 else ([], None)
    assert left == []


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with deployed(2) as address:
        yield address
        run = process("1").parent()
        assert run
        begun = run.children(recursive=True)
    _, left = psutil.wait_procs(begun, 20)
    assert not left


def until(met: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.1)


def replica(address: str, cookie: str = "") -> str:
    """Who answers."""
    asked = urllib.request.Request(address, headers={"Cookie": f"explorer_replica={cookie}"})
    with urllib.request.urlopen(asked, timeout=10) as said:
        found = re.match(r"explorer_replica=(\d);", said.headers["Set-Cookie"])
        assert found and "HttpOnly" in said.headers["Set-Cookie"]
        return found[1]


def process(number: str) -> psutil.Process:
    """That of a replica of the only `deploy/run` that these tests have begun."""
    [run] = [each for each in psutil.Process().children()
             if str(DEPLOY / "run") in each.cmdline()]
    replicas = sorted([each for each in run.children() if "streamlit" in each.cmdline()],
                      key=lambda each: port_order(each, run))
    return replicas[int(number) - 1]


def port_order(each: psutil.Process, run: psutil.Process) -> int:
    """The place of a replica in the configuration of nginx."""
    [nginx] = [other for other in run.children() if "nginx" in other.name()]
    path = next(word for word in nginx.cmdline() if word.endswith("nginx.conf"))
    port = each.cmdline()[each.cmdline().index("--server.port") + 1]
    found = re.search(rf':{port}\$" (\d+);', Path(path).read_text())
    assert found
    return int(found[1])


@needs_nginx
def test_who_is_new_goes_anywhere_and_who_was_here_stays(address: str) -> None:
    assert {replica(address) for _ in range(10)} == {"1", "2"}
    for number in ("1", "2"):
        assert [replica(address, number) for _ in range(5)] == [number] * 5
    for forged in ("7", "any", "1;2", '"', "x" * 3000):
        assert replica(address, forged) in ("1", "2")


def back(address: str, number: str) -> bool:
    return replica(address, number) == number


@needs_nginx
def test_it_says_whether_it_is_well(address: str) -> None:
    for port, code in ((address.rpartition(":")[2], 0), (str(free_port()), 1)):
        done = subprocess.run([DEPLOY / "well"], env={**os.environ, "PORT": port},
                              capture_output=True)
        assert done.returncode == code and b"Traceback" not in done.stderr


@needs_nginx
def test_a_replica_that_is_killed_is_replaced(address: str) -> None:
    for number, other in (("1", "2"), ("2", "1")):
        process(number).kill()
        assert replica(address, number) == other        # at once
        until(partial(back, address, number))


@needs_nginx
def test_the_replicas_share_one_measuring_process(address: str) -> None:
    run = process("1").parent()
    assert run
    hosts = [each for each in run.children() if "explorer.timing.host" in each.cmdline()]
    address_of_host = hosts[0].cmdline()[-1]
    assert len(hosts) == 1 and stat.S_IMODE(Path(address_of_host).parent.stat().st_mode) == 0o700
    assert {process(number).environ()["EXPLORER_MEASURING"] for number in "12"} == {address_of_host}
    secrets = {process(number).environ()["STREAMLIT_SERVER_COOKIE_SECRET"] for number in "12"}
    assert len(secrets) == 1 and len(secrets.pop()) >= 64


@needs_nginx
@needs_browser
@pytest.mark.browser
def test_people_come_back_to_their_page(address: str, browser: Browser) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    expect.set_options(timeout=60_000)
    page.goto(f"{address}/?network=resnet18&width=0.5")
    standing(page, "ResNet-18 · width 0.5")
    page.get_by_role("spinbutton", name="Classes").fill("77")
    page.get_by_role("spinbutton", name="Classes").press("Enter")
    expect(page).to_have_url(re.compile("num_classes=77"))
    standing(page, "ResNet-18")
    before = of(page)
    process(before).kill()
    until(lambda: of(page) != before, 30)
    standing(page, "ResNet-18")
    expect(page).to_have_url(re.compile("width=0.5&num_classes=77"))
    expect(page.get_by_role("spinbutton", name="Classes")).to_have_value("77")
    # And the knobs turn there.
    page.get_by_role("spinbutton", name="Classes").fill("78")
    page.get_by_role("spinbutton", name="Classes").press("Enter")
    expect(page).to_have_url(re.compile("num_classes=78"))
    standing(page, "ResNet-18")


def standing(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=re.compile(title))).to_be_visible()
    expect(page.locator(".canvas svg .node").first).to_be_visible()
    latency = page.get_by_test_id("stMetric").filter(has_text="Latency").first
    expect(latency.get_by_test_id("stMetricValue")).to_have_text(re.compile(r"\d"))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def of(page: Page) -> str:
    """The replica whose cookie the browser has."""
    return next(each["value"] for each in page.context.cookies()
                if each["name"] == "explorer_replica")
