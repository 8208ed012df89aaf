"""A real server of the app and a real browser, for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Without the background services of a desktop browser, which look for hosts of their own.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _answering(port: int, server: subprocess.Popen[bytes]) -> str:
    """The address of a server, once it answers there."""
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            break
        except OSError:
            if server.poll() is not None:
                raise RuntimeError("the server did not start") from None
            time.sleep(0.25)
    return url


@contextmanager
def running_app(root: Path = ROOT, *options: str, live: bool = True) -> Iterator[str]:
    """Serve the app that stands in `root` on a free port; gives its address. Where it is not
    `live`, no pass is timed by itself, which takes the processor from all others."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(root), "EXPLORER_LIVE": str(live)}
    environment.pop("EXPLORER_LIVE_SECONDS", None)
    with TemporaryFile() as said:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port),
             "--server.address", "127.0.0.1", "--server.headless", "true", *options],
            cwd=root, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        try:
            yield _answering(port, server)
        finally:
            server.terminate()
            server.wait(30)
            said.seek(0)
            print(said.read().decode("utf-8", "replace")[-5000:])     # shown where a test fails


@contextmanager
def deployed(replicas: int) -> Iterator[str]:
    """Serve it as a host does, with several replicas; gives its address."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items()
                   if name != "EXPLORER_LIVE_SECONDS"}
    running = subprocess.Popen([sys.executable, ROOT / "deploy" / "run", str(replicas), "--port",
                                str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment)
    try:
        yield _answering(port, running)
    finally:
        running.terminate()
        if running.wait(60):
            raise RuntimeError("it did not end as it should")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
