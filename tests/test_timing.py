"""Timed passes are real ones of a small network; no test asserts how long one takes."""

import gc
import math
import os
import pickle
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from explorer.config import ConfigError
from explorer.language import spoken
from explorer.networks.catalogue import configure
from explorer.pipeline import summarise
from explorer.sources import Named, Source, find_source, source_of
from explorer.sources.key import to_key
from explorer.timing import (
    Choices,
    Timing,
    TimingError,
    available,
    batches,
    jobs,
    prediction,
    process,
    protocol,
    queue_length,
    resolve,
    submit,
    submit_batches,
    submit_layers,
    time_forward,
)
from explorer.tracing import Input, TraceError

SMALL = configure("mobilenetv3_small", input_size=32, width=0.25)
ROOT = Path(__file__).parents[1]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def worker_pid() -> int:
    return process.measuring_process("cpu").submit(os.getpid).result()


def when_built(monkeypatch: pytest.MonkeyPatch, make: Callable[[], nn.Module]) -> None:
    """What is timed is the network that `make` gives; what is traced, on meta, stays as it is."""
    def find(key: str) -> Source:
        source = find_source(key)
        return replace(source, build=lambda device: source.build(device) if device == "meta"
                       else make())

    monkeypatch.setattr(protocol, "find_source", find)


def begun(future: Future[Timing]) -> None:
    """Wait until a call is running."""
    while not (future.running() or future.done()):
        time.sleep(0.01)


# What a timing says.

@pytest.fixture(scope="module")
def timing() -> Timing:
    return time_forward(SMALL, "cpu", budget_s=0.3)


def test_statistics_are_ordered(timing: Timing) -> None:
    assert 0 < timing.p10_s <= timing.median_s <= timing.p90_s
    assert timing.n >= 1
    assert timing.first_s > 0
    assert timing.started_s < timing.finished_s <= time.time()
    assert timing.images_per_second == 1 / timing.median_s


def test_images_per_second_counts_the_batch() -> None:
    timing = time_forward(SMALL.replace(batch_size=4), "cpu", budget_s=0.1)
    assert timing.images_per_second == 4 / timing.median_s


def test_conditions_stand_beside_the_figure(timing: Timing) -> None:
    assert (timing.key, timing.device) == (to_key(SMALL), "cpu")
    conditions = timing.conditions
    assert conditions.torch == torch.__version__
    assert (conditions.dtype, conditions.layout) == ("float32", "contiguous")
    assert conditions.threads == \
        process.measuring_process("cpu").submit(torch.get_num_threads).result()
    assert conditions.device_name
    assert conditions.cuda is conditions.driver is conditions.tf32 is None
    assert conditions.flush_denormal
    assert not (conditions.training or conditions.compiled or conditions.cuda_graph)
    assert timing.compile_s is timing.measured_bytes is None
    assert timing.predicted_bytes > summarise(SMALL).totals.param_bytes
    assert asdict(timing)["conditions"]["threads"] == conditions.threads
    assert pickle.loads(pickle.dumps(timing)) == timing


@pytest.mark.parametrize("network", [SMALL, to_key(SMALL), source_of(SMALL)],
                         ids=lambda network: type(network).__name__)
def test_a_network_is_named_in_any_way(network: Named) -> None:
    assert time_forward(network, "cpu", budget_s=0.05).key == to_key(SMALL)


def test_a_summary_that_is_there_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    summary, of_four = summarise(SMALL), summarise(SMALL.replace(batch_size=4))
    made = []
    monkeypatch.setattr(jobs, "summarise", lambda source, **_: made.append(source) or summary)
    waiting = [submit(SMALL, "cpu", 0.05, summary=summary),
               submit_layers(SMALL, "cpu", 0.05, summary=summary),
               submit_batches(SMALL, "cpu", 0.05, batches=[2], summary=summary)]
    assert [job.result().key for job in waiting] == [to_key(SMALL)] * 3
    assert made == []
    # Whether four images fit says nothing of one.
    submit_batches(SMALL.replace(batch_size=4), "cpu", 0.05, batches=[1], summary=of_four).result()
    assert made == [source_of(SMALL)]


def test_a_pass_longer_than_the_budget_is_timed_once_after_the_first() -> None:
    timing = time_forward(SMALL, "cpu", budget_s=1e-6)
    assert timing.n == timing.passes_per_sample == 1
    assert timing.p10_s == timing.median_s == timing.p90_s


def test_a_pass_too_short_to_be_timed_is_timed_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    when_built(monkeypatch, nn.Identity)
    timing = protocol.measure(to_key(SMALL), "cpu", 0.1, Choices())
    assert timing.passes_per_sample > 1
    assert timing.median_s < timing.first_s


class Sleeper(nn.Module):
    """Takes 100 ms at first, 20 ms from then on, and notes the mode that it is called in."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[bool, bool]] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02 if self.calls else 0.1)
        self.calls.append((self.training, torch.is_inference_mode_enabled()))
        return images


def test_passes_are_timed_one_by_one_without_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = Sleeper().eval()
    when_built(monkeypatch, lambda: sleeper)
    timing = protocol.measure(to_key(SMALL), "cpu", 1, Choices())
    assert timing.first_s >= 0.1
    assert timing.p10_s >= 0.02
    assert timing.n < len(sleeper.calls) - 1    # a warm-up lies between
    assert set(sleeper.calls) == {(False, True)}
    assert gc.isenabled()


def test_activations_that_fade_do_not_slow_a_pass() -> None:
    tiny = process.measuring_process("cpu").submit(
        eval, "__import__('torch').full((4096,), 1e-20).mul(1e-20).count_nonzero().item()")
    assert tiny.result() == 0


# Devices.

def test_the_cpu_is_always_there() -> None:
    assert available()[-1] == "cpu"
    assert resolve("auto") == available()[0]
    assert resolve(" CPU ") == "cpu"


@pytest.mark.parametrize("device", ["tpu", "cuda:99", ""])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(TimingError) as error:
        submit(SMALL, device)
    there = " or ".join(available())
    assert str(error.value) == \
        f"`device` must be auto or {there} on this machine; got {device!r}."


def test_names_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert available()[:2] == ("cuda:0", "cuda:1")
    assert resolve("auto") == resolve("cuda") == "cuda:0"
    assert resolve("cuda:1") == "cuda:1"


@needs_cuda
def test_cuda() -> None:
    timing = time_forward(SMALL, "cuda", budget_s=0.3)
    assert timing.device == "cuda:0"
    assert timing.conditions.device_name == torch.cuda.get_device_name(0)
    assert timing.conditions.cuda == torch.version.cuda


@needs_cuda
def test_cuda_out_of_memory_is_a_sentence_and_the_process_lives_on() -> None:
    with pytest.raises(TimingError, match="GB are free on cuda:0"):
        time_forward(configure("vgg19", batch_size=4096, input_size=2048), "cuda")
    assert time_forward(SMALL, "cuda", budget_s=0.1).n >= 1


@needs_cuda
def test_the_server_has_no_cuda_context() -> None:
    code = ("import torch; from explorer.timing import time_forward; "
            "from explorer.networks.catalogue import configure; "
            "time_forward(configure('mobilenetv3_small'), 'cuda', 0.1); "
            "assert not torch.cuda.is_initialized()")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


# What is refused before it runs.

@pytest.mark.parametrize("budget_s", [0, -1, math.nan, math.inf])
def test_a_budget_of_nothing(budget_s: float) -> None:
    with pytest.raises(TimingError, match="`budget_s` must be more than 0 seconds"):
        submit(SMALL, "cpu", budget_s)


def test_too_large_for_the_memory_is_refused_before_a_process_starts(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_processes", {})
    with pytest.raises(TimingError) as error:
        time_forward(configure("vgg19", batch_size=4096, input_size=2048), "cpu")
    assert process._processes == {}
    message = str(error.value)
    assert message.startswith("The forward pass of vgg19&input_size=2048&batch_size=4096 needs ")
    assert "GB are free on cpu. Lower `batch_size` or `input_size`." in message


def test_a_refusal_is_said_in_the_language_of_who_reads_it() -> None:
    with pytest.raises(TimingError) as error:
        time_forward(configure("vgg19", batch_size=4096, input_size=2048), "cpu")
    sent = pickle.loads(pickle.dumps(error.value))
    with spoken("zh"):
        assert "内存" in str(sent) and "needs" not in str(sent)
    assert str(sent) == str(error.value)


def test_the_process_checks_the_memory_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "free_bytes", lambda device: 1e6)
    with pytest.raises(TimingError, match=r"needs about 0\.6 GB of memory; 0\.0 GB are free"):
        protocol.measure("vgg16", "cpu", 1, Choices())


def test_an_input_that_is_too_small_is_refused() -> None:
    with pytest.raises(TraceError, match="The smallest `input_size` that works is 32"):
        submit(configure("vgg16", input_size=1), "cpu")


@pytest.mark.parametrize("error", [
    MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
])
def test_out_of_memory_in_the_middle_is_a_sentence(
        error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def build() -> nn.Module:
        raise error

    when_built(monkeypatch, build)
    with pytest.raises(TimingError, match=r"^The forward pass of vgg11 ran out of memory on cpu: "
                                          r"it was predicted to need 0\.\d GB, and [\d,.]+ GB were "
                                          "free. Lower `batch_size` or `input_size`.$"):
        protocol.measure("vgg11", "cpu", 1, Choices())


@pytest.mark.parametrize(("membership", "folder", "files"), [
    ("0::/", ".", ("memory.max", "memory.current", "inactive_file")),
    ("0::/system.slice/explorer.service/inner", "system.slice/explorer.service",
     ("memory.max", "memory.current", "inactive_file")),
    ("5:devices:/\n4:memory:/docker/1234", "memory",
     ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
])
def test_the_limit_of_a_container_counts(
        membership: str, folder: str, files: tuple[str, str, str], tmp_path: Path) -> None:
    cgroup = tmp_path / "cgroup"
    cgroup.write_text(membership)
    group = tmp_path / "mount" / folder
    group.mkdir(parents=True)
    limit, used, cached = files
    (group / used).write_text("700")
    (group / "memory.stat").write_text(f"anon 600\n{cached} 100\n")
    (group / limit).write_text("max")
    assert prediction._control_group_free(cgroup, tmp_path / "mount") == math.inf
    (group / limit).write_text("1000")
    assert prediction._control_group_free(cgroup, tmp_path / "mount") == 1000 - 700 + 100


def test_no_container_no_limit(tmp_path: Path) -> None:
    assert prediction._control_group_free(tmp_path / "absent") == math.inf


# The measuring process.

def test_it_is_another_process_without_streamlit() -> None:
    assert worker_pid() != os.getpid()
    worker = process.measuring_process("cpu")
    loaded = worker.submit(eval, "'streamlit' in __import__('sys').modules")
    assert loaded.result() is False


def test_what_a_library_prints_is_no_outcome() -> None:
    assert process.measuring_process("cpu").submit(print, "to standard error").result() is None


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_is_replaced() -> None:
    pid = worker_pid()
    running = submit(SMALL.replace(input_size=224), "cpu", budget_s=30)
    waiting = submit(SMALL, "cpu", budget_s=0.05)
    begun(running)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(TimingError, match=r"^The measuring process on cpu died .*: run again.$"):
        running.result(timeout=10)
    assert waiting.result(timeout=30).n >= 1
    assert worker_pid() != pid


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_that_died_while_idle_is_not_noticed() -> None:
    os.kill(worker_pid(), signal.SIGKILL)
    dead = process.measuring_process("cpu")._process
    assert dead
    dead.wait(timeout=5)
    assert time_forward(SMALL, "cpu", budget_s=0.05).n >= 1


def test_runs_do_not_overlap() -> None:
    with ThreadPoolExecutor(10) as threads:
        timings = list(threads.map(lambda _: time_forward(SMALL, "cpu", budget_s=0.1), range(10)))
    timings.sort(key=lambda timing: timing.started_s)
    for before, after in pairwise(timings):
        assert before.finished_s <= after.started_s


def test_a_run_that_waits_can_be_cancelled() -> None:
    running = submit(SMALL, "cpu", budget_s=0.5)
    first, second = submit(SMALL, "cpu"), submit(SMALL, "cpu", budget_s=0.05)
    begun(running)
    assert [run.place for run in (running, first, second)] == [0, 1, 2]
    assert queue_length("cpu") == 3
    assert first.cancel()
    assert [run.place for run in (running, first, second)] == [0, None, 1]
    assert queue_length("cpu") == 2
    with pytest.raises(CancelledError):
        first.result()
    assert running.result().n >= 1
    assert second.result().n >= 1


def test_a_run_that_is_under_way_can_be_cancelled_and_its_process_stays(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 60)    # it stops by itself, however busy the machine
    pid = worker_pid()
    running, waiting = submit(SMALL, "cpu", budget_s=60), submit(SMALL, "cpu", budget_s=0.05)
    while running.progress is None or not running.progress.samples:
        time.sleep(0.01)
    assert str(running.progress.phase) == "measuring"
    assert 0 < running.progress.share < 1
    assert running.cancel()
    with pytest.raises(CancelledError):
        running.result(timeout=10)
    assert running.cancelled() and not running.cancel()
    assert waiting.result(timeout=30).n >= 1
    assert worker_pid() == pid


def test_a_run_that_does_not_stop_is_killed_with_its_process() -> None:
    pid = worker_pid()
    asleep = process.measuring_process("cpu").submit(time.sleep, 60)
    begun(asleep)
    assert asleep.cancel() and asleep.cancel()
    with pytest.raises(CancelledError):
        asleep.result(timeout=10)
    assert time_forward(SMALL, "cpu", budget_s=0.05).n >= 1
    assert worker_pid() != pid


def test_a_run_that_is_cancelled_while_its_process_starts_leaves_it_to_start() -> None:
    with process.MeasuringProcess("cpu") as cold:
        first = cold.submit(protocol.measure, to_key(SMALL), "cpu", 60, Choices())
        begun(first)
        while cold._process is None:
            time.sleep(0.001)
        started = cold._process.pid
        assert first.cancel()
        assert cold.submit(os.getpid).result(timeout=60) == started
    assert first.cancelled()


def test_batch_sizes_come_one_by_one_and_one_that_does_not_fit_is_refused() -> None:
    run = submit_batches(SMALL.replace(input_size=2048), "cpu", 0.2, batches=[1, 4096, 2])
    seen = set()
    while not run.done():
        seen.add(len(run.progress.points) if run.progress else 0)
        time.sleep(0.01)
    one, refused, two = run.result().points
    assert 0 in seen and seen & {1, 2}      # a refusal may come before the next look
    assert (one.batch_size, two.batch_size) == (1, 2)
    assert one.timing and two.timing and two.timing.batch_size == 2
    assert refused.timing is None and refused.refused
    why = str(refused.refused)
    assert "GB are free" in why or "ran out of memory" in why


def test_batch_sizes_double_until_a_pass_takes_longer_than_its_budget() -> None:
    points = submit_batches(SMALL.replace(input_size=128), "cpu", 0.02).result().points
    assert [point.batch_size for point in points] == [2 ** i for i in range(len(points))]
    assert all(point.timing and point.timing.median_s <= 0.02 for point in points[:-1])


@pytest.mark.parametrize("size", [0, -1, 4097])
def test_a_batch_size_that_cannot_be(size: int) -> None:
    with pytest.raises(ConfigError, match="`batch_size` must be"):
        submit_batches(SMALL, "cpu", batches=[1, size])


def test_batch_sizes_of_what_has_no_knob_for_them() -> None:
    stranger = Source(key="stranger", titled=lambda: "Stranger", inputs=(Input((1, 3, 32, 32)),),
                      build=lambda device: nn.Identity())
    with pytest.raises(TimingError, match="`batch_size`"):
        submit_batches(stranger, "cpu", batches=[1, 2])
    assert batches.with_batch(source_of(SMALL), 4).input_shape == (4, 3, 32, 32)


def test_cold_and_warm() -> None:
    with process.MeasuringProcess("cpu") as cold:
        timings = [cold.submit(protocol.measure, to_key(SMALL), "cpu", 0.1, Choices())
                   for _ in range(2)]
    assert all(timing.result().n >= 1 for timing in timings)


def test_after_an_error_that_breaks_the_device_another_process_goes_on() -> None:
    pid = worker_pid()
    worker = process.measuring_process("cpu")
    with pytest.raises(torch.AcceleratorError):
        worker.submit(exec, "import torch; raise torch.AcceleratorError('device-side assert')"
                      ).result()
    assert worker_pid() != pid


def test_what_a_function_raises_comes_back() -> None:
    worker = process.measuring_process("cpu")
    pid = worker_pid()
    with pytest.raises(ZeroDivisionError) as error:
        worker.submit(eval, "1 / 0").result()
    assert "in work" in error.value.__notes__[0]
    assert worker_pid() == pid


def test_shutdown_runs_what_waits_and_takes_no_more() -> None:
    with process.MeasuringProcess("cpu") as worker:
        pids = [worker.submit(os.getpid) for _ in range(2)]
    assert pids[0].result() == pids[1].result()
    with pytest.raises(RuntimeError):
        worker.submit(os.getpid)


# Scripts without a guard, as a notebook's cells and what `streamlit run` is given.

SCRIPT = """
print("once", flush=True)
import os, signal, sys
from explorer.networks.catalogue import configure
from explorer.timing import process, submit
pid = process.measuring_process("cpu").submit(os.getpid).result()
print(pid, flush=True)
jobs = [submit(configure("mobilenetv3_small"), "cpu", budget_s=60) for _ in range(3)]
while not jobs[0].running(): pass
if sys.argv[1] == "killed": os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", [
    "exits", pytest.param("killed", marks=pytest.mark.skipif(sys.platform == "win32",
                                                             reason="no SIGKILL"))])
def test_the_process_ends_with_its_parent(how: str, tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), how], capture_output=True, text=True,
                          check=False, timeout=45, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stderr == ""
    once, pid = done.stdout.split()
    assert once == "once"
    for _ in range(100):
        # Killed, its parent leaves it to the system, which may take its time to forget it.
        if not psutil.pid_exists(int(pid)) or \
                psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail("the measuring process outlives its parent")


# Prediction.

def test_seconds_follow_what_was_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "_rates", {"cpu": 30e9, "cuda": 1e12})
    summary = summarise(configure("resnet50"))
    for device, rate, caches in (("cpu", 30e9, 8e6), ("cuda:1", 1e12, 8e6)):
        per_byte = 1 / (5e9 if device == "cpu" else 300e9)
        expected = 0.0
        for layer in summary.layers:
            moved = layer.activation_bytes + 4 * (
                layer.params + sum(math.prod(shape) for shape in layer.input_shapes))
            expected += max((layer.macs or 0) / rate, 20e-6,
                            moved * per_byte if moved > caches else 0)
        assert prediction.predict_seconds(summary, device) == pytest.approx(expected)
    for _ in range(20):    # passes of 50 ms
        prediction.learn_rate(summary, "cpu", seconds=0.05)
    assert prediction.predict_seconds(summary, "cpu") == pytest.approx(0.05, rel=0.01)


def test_a_small_network_teaches_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "_rates", {"cpu": 30e9, "cuda": 1e12})
    small = summarise(SMALL)
    prediction.learn_rate(small, "cpu", seconds=1e-3)
    assert prediction._rates["cpu"] == 30e9
    assert prediction.predict_seconds(small, "cpu") == pytest.approx(
        small.totals.layers * 20e-6, rel=0.05)


def test_large_activations_are_predicted_though_little_is_computed() -> None:
    """Two cores took 9.8 s for it; its multiply-adds alone would be 0.8 s."""
    summary = summarise("mobilenetv3_small&width=0.125&depth=0.125&blocks=1-1-1-1-1"
                        "&input_size=512&batch_size=768")
    assert prediction.predict_seconds(summary, "cpu") > 4


def test_median_and_deciles_are_those_of_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [float(sample) for sample in range(1, 12)]
    monkeypatch.setattr(protocol, "_sample", lambda *_: (1, samples))
    timing = protocol.measure(to_key(SMALL), "cpu", 0.01, Choices())
    assert (timing.p10_s, timing.median_s, timing.p90_s) == (2, statistics.median(samples), 10)
    assert timing.n == 11
    assert replace(timing, batch_size=12).images_per_second == 2
