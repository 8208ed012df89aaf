"""Runs files of code in a process that has PyTorch and nothing of this program.

Started by `Alone`: a line of JSON for each question, a line of JSON for each answer.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
from typing import Any

import torch


class Alone:
    """That process, from outside."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-I", __file__], text=True, cwd="/",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, question: str, **given: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"question": question, **given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["answer"]

    def close(self) -> None:
        self.process.communicate()


def make(code: str, network: str) -> torch.nn.Module:
    names: dict[str, Any] = {"__name__": "net"}
    exec(compile(code, "net.py", "exec"), names)
    made: torch.nn.Module = names[network]().eval()
    return made


def keys(code: str, network: str) -> list[Any]:
    """Key, shape and dtype of all in its state, in order."""
    with torch.device("meta"):
        made = make(code, network)
    return [[key, list(tensor.shape), str(tensor.dtype)]
            for key, tensor in made.state_dict().items()]


def output(code: str, network: str, saved: str) -> bool:
    """Whether it gives what ours gives, with the weights of ours."""
    made, there = make(code, network), torch.load(saved)
    made.load_state_dict(there["state"])
    if there["training"]:
        torch.manual_seed(0)
        made.train()
    return same(made(there["input"]), there["output"])


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return [*one] == [*other] and all(same(one[name], other[name]) for name in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other)


def shapes(code: str, network: str, shape: list[int]) -> dict[str, list[int]]:
    """Of what each of its children gives."""
    found = {}
    with torch.device("meta"):
        made = make(code, network)
        for name, child in made.named_children():
            child.register_forward_hook(
                lambda _, __, given, name=name: found.update({name: list(given.shape)}))
        made(torch.rand(shape))
    return found


def printed(code: str) -> str:
    """What it prints where it is run."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "net.py", "exec"), {"__name__": "__main__"})
    return out.getvalue()


def main() -> None:
    assert importlib.util.find_spec("explorer") is None
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"answer": globals()[question.pop("question")](**question)}
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
