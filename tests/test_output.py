"""What commands write, and how they end when they are stopped or cannot write."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.cli.output import write

SUMMARY = "summary", "mobilenetv3_small"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_as_any_other(tmp_path: Path) -> None:
    path, other = tmp_path / "new.txt", tmp_path / "other.txt"
    write("text", path)
    other.touch()
    assert path.read_text() == "text\n" and mode(path) == mode(other)
    assert sorted(tmp_path.iterdir()) == [path, other]


@pytest.mark.parametrize("bits", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "file.txt"
    path.write_text("older")
    path.chmod(bits)
    write("newer", path)
    assert path.read_text() == "newer\n" and mode(path) == bits


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    target, link, ahead = tmp_path / "target", tmp_path / "link", tmp_path / "ahead"
    target.write_text("older")
    link.symlink_to(target)
    ahead.symlink_to(tmp_path / "later")
    write("newer", link)
    write("new", ahead)
    assert link.is_symlink() and target.read_text() == "newer\n"
    assert ahead.is_symlink() and (tmp_path / "later").read_text() == "new\n"


def test_a_file_of_two_names_has_the_new_text_under_both(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("older and longer")
    other.hardlink_to(one)
    write("newer", one)
    assert other.read_text() == "newer\n" and one.samefile(other)


def test_a_read_only_file_is_not_written(command, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("older")
    path.chmod(0o444)
    code, out, err = command(*SUMMARY, "--output", str(path))
    assert (code, out) == (2, "") and "Permission denied" in err
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    path, read = tmp_path / "pipe", list[str]()
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write("text", path)
    reader.join(10)
    assert read == ["text\n"] and path.is_fifo()


def test_a_device_stays_a_device(command) -> None:
    assert command(*SUMMARY, "--output", os.devnull)[0] == 0
    assert Path(os.devnull).is_char_device()
    code, _, err = command(*SUMMARY, "--output", "/dev/full")
    assert code == 2 and "Cannot write /dev/full: No space left on device." in err
    assert Path("/dev/full").is_char_device()


def test_a_directory_is_no_file(command, tmp_path: Path) -> None:
    code, _, err = command(*SUMMARY, "--output", str(tmp_path))
    assert code == 2 and len(err.strip().splitlines()) == 1 and not list(tmp_path.iterdir())


def test_a_full_screen_is_said_in_a_line() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([sys.executable, "-m", "explorer", *SUMMARY], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: Cannot write the output: No space left on device."]


def test_who_has_seen_enough_ends_it_in_peace() -> None:
    done = subprocess.run(f"{sys.executable} -m explorer summary resnet152 | head -n 1",
                          shell=True, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


@pytest.mark.parametrize("after_s", [0.4, 1.0, 2.5])
def test_ctrl_c_prints_no_traceback(after_s: float) -> None:
    # In a session of its own, so that the signal reaches nothing else.
    process = subprocess.Popen(
        [sys.executable, "-m", "explorer", "time", "resnet18", "--budget", "60", "--device", "cpu"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT) and "Traceback" not in err, err
