"""Replacing the modules while another page is drawn, in a package of two slow modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import explorer.reloading

TWO_PAGES = """
import sys, threading, time

def page(name):
    try:
        from explorer.reloading import take_up_saved_files
        take_up_saved_files()
        from explorer.slow import key
        print(name, key)
    except ImportError as error:
        print(name, error)

first = threading.Thread(target=page, args=("first",))
first.start()
first.join()
with open(sys.argv[1], "a") as file:
    file.write("\\nkey = 'new'\\n")
del sys.modules["explorer.slow"]        # as where a page is the first to need it
pages = [threading.Thread(target=page, args=(name,)) for name in ("second", "third")]
sys.modules["explorer_lasting"].runs.add(pages[0])      # it has begun before the file was saved
def second():
    from explorer.slow import key
    print("second", key)
pages[0].run = second
for thread in pages:
    thread.start()
    time.sleep(0.2)
for thread in pages:
    thread.join()
"""


FIRST = """
import sys
from explorer.reloading import take_up_saved_files

take_up_saved_files("explorer.start")
with open(sys.argv[1], "a") as file:
    file.write("\\nkey = 'new'\\n")
take_up_saved_files("explorer.start")
print(sys.modules["explorer.start"].key)
"""


def test_what_every_page_begins_with_is_there_before_any_page_goes_on(tmp_path: Path) -> None:
    package = tmp_path / "explorer"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "start.py").write_text("key = 'old'\n")
    (package / "reloading.py").write_bytes(Path(explorer.reloading.__file__).read_bytes())
    done = subprocess.run([sys.executable, "-c", FIRST, package / "start.py"], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True, timeout=60,
                          capture_output=True, check=True)
    assert done.stdout.split() == ["new"]


def test_no_module_is_replaced_while_a_page_imports_it(tmp_path: Path) -> None:
    package = tmp_path / "explorer"
    package.mkdir()
    (package / "__init__.py").write_text("from explorer.slow import key\n")
    (package / "slow.py").write_text("import time\ntime.sleep(0.5)\nimport explorer.reloading\n"
                                     "time.sleep(0.5)\nkey = 'old'\n")
    (package / "reloading.py").write_bytes(Path(explorer.reloading.__file__).read_bytes())
    done = subprocess.run([sys.executable, "-c", TWO_PAGES, package / "slow.py"], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True, timeout=60,
                          capture_output=True, check=True)
    assert done.stdout.split() == ["first", "old", "second", "new", "third", "new"]


UNPICKLED = """
import pickle, sys, threading, time
from pathlib import Path

from explorer.reloading import take_up_saved_files
take_up_saved_files()
sent = pickle.dumps(sys.modules["explorer.second"].Sent())
file = Path(sys.argv[1])
file.write_text(file.read_text().replace("old", "new and longer"))

def receive():
    time.sleep(0.3)             # while the package is being imported
    print(type(pickle.loads(sent)).key)

thread = threading.Thread(target=receive)
thread.start()
take_up_saved_files()
thread.join()
"""


def test_what_another_process_sends_meanwhile_is_of_modules_that_are_whole(tmp_path: Path) -> None:
    package = tmp_path / "explorer"
    package.mkdir()
    (package / "__init__.py").write_text("import time\ntime.sleep(0.6)\n"
                                         "from explorer.second import Sent\n")
    (package / "second.py").write_text("from explorer import third\n"
                                       "class Sent:\n    key = third.key\n")
    (package / "third.py").write_text("key = 'old'\n")
    (package / "reloading.py").write_bytes(Path(explorer.reloading.__file__).read_bytes())
    done = subprocess.run([sys.executable, "-c", UNPICKLED, package / "third.py"], cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(tmp_path)}, text=True, timeout=60,
                          capture_output=True, check=False)
    assert done.stdout == "new and longer\n", done.stderr
