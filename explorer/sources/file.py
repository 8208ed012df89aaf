"""A class or a function of somebody's own Python file: `FILE.py:CALLABLE(width=2)`.

The file runs, with all that it does; only who starts the program names one (`linked.py`). Its
arguments are literals, which are read and never run.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from importlib import invalidate_caches
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

import torch
from torch import nn

from explorer.config import ConfigError
from explorer.language import Text
from explorer.sources.inputs import described, first_layer
from explorer.sources.source import Source, made_on, write_key
from explorer.tracing import Input

FORM = Text("FILE.py:CALLABLE, with its arguments where it has some: FILE.py:CALLABLE(width=2)")

_NAMED = re.compile(r"(?P<path>.+?\.py):(?P<name>\w+)(?P<arguments>\(.*\))?(?P<rest>&.*)?",
                    re.DOTALL)


def is_file(key: str) -> bool:
    """Whether a key names a file rather than a network of the catalogue or of a library."""
    return ".py:" in key or key.endswith(".py")


@dataclass(frozen=True, slots=True)
class NamedCallable:
    """What `FILE.py:CALLABLE(...)` says."""

    path: Path
    """Absolute."""
    name: str
    arguments: tuple[ast.expr, ...]
    keywords: tuple[ast.keyword, ...]

    @property
    def call(self) -> str:
        """As it is written in Python, without parentheses where there is nothing in them."""
        given = ", ".join(map(ast.unparse, [*self.arguments, *self.keywords]))
        return f"{self.name}({given})" if given else self.name

    @property
    def key(self) -> str:
        return f"{self.path}:{self.call}"

    @property
    def short(self) -> str:
        return f"{self.path.name}:{self.call}"


def split_file(key: str) -> tuple[NamedCallable, list[str]]:
    """A key as what it names, and the settings behind it.

    Raises `ConfigError` for what is not written so, and for arguments that are no literals.
    """
    found = _NAMED.fullmatch(key)
    if not found:
        raise ConfigError(Text("{key} does not name a network. Write {form}.",
                               key=repr(key[:200]), form=FORM))
    name, given = found["name"], found["arguments"] or "()"
    try:
        call = ast.parse(f"f{given}", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(given)
        for value in [*call.args, *(keyword.value for keyword in call.keywords)]:
            ast.literal_eval(value)
        if not all(keyword.arg for keyword in call.keywords):
            raise ValueError(given)
        named = NamedCallable(path=Path(os.path.abspath(os.path.expanduser(found["path"]))),
                              name=name, arguments=tuple(call.args), keywords=tuple(call.keywords))
        if "\n" in named.key or "\0" in named.key:
            raise ValueError(given)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise ConfigError(Text(
            "The arguments in {key} must be literals, such as numbers, texts, lists, True and "
            "None, first those without a name: {form}.", key=repr(key[:200]),
            form=f"{Path(found['path']).name}:{name}(3, width=2)")) from None
    return named, found["rest"].removeprefix("&").split("&") if found["rest"] else []


def file_source(named: NamedCallable, inputs: Sequence[Input] = ()) -> Source:
    """The source of what a file makes. Where no inputs are given they are those that its first
    layer takes, and it is built to see that.

    Raises `ConfigError` where the file cannot be imported or makes no network.
    """
    if not inputs:
        first = first_layer(_build(named, "meta"))
        if first is None:
            raise ConfigError(Text(
                "The input of {network} is not known: none of its layers tells. Give one, such as "
                "`--input 1x3x224x224`.", network=named.short), "input")
        inputs = [first[2]]
    return Source(key=write_key(named.key, [], inputs),
                  titled=lambda: f"{named.short} · {described(inputs)}", inputs=tuple(inputs),
                  build=lambda device: _build(named, device))


def _build(named: NamedCallable, device: str) -> nn.Module:
    """The network, or a `ConfigError` that says in which line of the file it ends."""
    with _lock:
        imported = _import(named.path)
        make = _find(imported.module, named)
        arguments = [ast.literal_eval(value) for value in named.arguments]
        keywords = {str(keyword.arg): ast.literal_eval(keyword.value)
                    for keyword in named.keywords}
        if signature := _signature(make):
            try:
                signature.bind(*arguments, **keywords)
            except TypeError as error:
                raise ConfigError(Text(
                    "{network} cannot be called: {why}. It is written {call}.",
                    network=named.short, why=str(error),
                    call=f"{named.path.name}:{named.name}{_asked(signature)}")) from None

        def made() -> nn.Module:
            network = make(*arguments, **keywords)
            if not isinstance(network, nn.Module):
                kind = type(network).__name__
                raise ConfigError(Text(
                    "{network} gives an {kind}, and must give a torch.nn.Module."
                    if kind[0] in "aeiouAEIOU" else
                    "{network} gives a {kind}, and must give a torch.nn.Module.",
                    network=named.short, kind=kind))
            return network

        try:
            with _beside(named.path, imported.helpers):
                return made_on(device, made)
        except (ConfigError, MemoryError, torch.OutOfMemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise ConfigError(Text("{network} fails: {why}.", network=named.short,
                                   why=_why(error, named.path))) from error


def _find(module: ModuleType, named: NamedCallable) -> Callable[..., Any]:
    found = vars(module).get(named.name)
    if isinstance(found, nn.Module):
        raise ConfigError(Text(
            "{network} is a network already. Name a class or a function that makes one, so that it "
            "can be made anew on any device.", network=named.short))
    if callable(found) and not named.name.startswith("__"):
        make: Callable[..., Any] = found
        return make
    there = [name for name, value in vars(module).items()
             if callable(value) and not name.startswith("_") and not isinstance(value, nn.Module)
             and getattr(value, "__module__", None) == module.__name__]
    near = get_close_matches(named.name[:80], there, n=3, cutoff=0.5)
    way_out = Text("Did you mean {near}?", near=", ".join(near)) if near else \
        Text("It has {there}.", there=", ".join(there[:10])) if there else \
        Text("It has none of its own.")
    raise ConfigError(Text("{path} has no class or function {name}. {way_out}", path=named.path,
                           name=repr(named.name[:80]), way_out=way_out))


def _signature(make: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(make)
    except (TypeError, ValueError):     # some have none
        return None


def _asked(signature: inspect.Signature) -> str:
    """The arguments that it takes, those that must be there to be filled in."""
    return "(" + ", ".join(
        f"{name}=..." if one.default is one.empty else f"{name}={one.default!r}"
        for name, one in signature.parameters.items()
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD))[:200] + ")"


# The import

_lock = RLock()


@dataclass
class ImportedFile:
    """A file that has been imported, under a name that nobody else has."""

    module: ModuleType
    stamp: object
    helpers: dict[str, ModuleType] = field(default_factory=dict)
    """Modules of its own directory that it has imported."""

    def changed(self) -> bool:
        return self.stamp != _stamp(self.module, self.helpers)


_imported: dict[Path, ImportedFile] = {}


def _import(path: Path) -> ImportedFile:
    """The file, imported when it is first asked for and where it has been saved since."""
    known = _imported.get(path)
    if known is not None and not known.changed():
        return known
    if not os.path.isfile(path):
        raise ConfigError(Text("There is no file {path}. Write {form}.", path=str(path)[:200],
                               form=FORM))
    name = f"opened_file_{sha256(str(path).encode()).hexdigest()[:16]}"
    loader = SourceFileLoader(name, str(path))
    spec = spec_from_loader(name, loader)
    assert spec
    module = module_from_spec(spec)
    helpers: dict[str, ModuleType] = {}
    _imported.pop(path, None)
    sys.modules[name] = module      # where dataclasses look for it
    try:
        # Not from the cache, which takes two versions of one second and one size for the same.
        code = loader.source_to_code(loader.get_data(str(path)), str(path))
        with _beside(path, helpers):
            exec(code, vars(module))
    except OSError as error:
        if error.filename != str(path):
            raise _no_import(error, path) from error
        raise ConfigError(Text("{path} cannot be read: {why}.", path=path,
                               why=error.strerror)) from None
    except (Exception, SystemExit) as error:
        raise _no_import(error, path) from error
    known = _imported[path] = ImportedFile(module, _stamp(module, helpers), helpers)
    return known


def forget_saved() -> bool:
    """Let go of the files that have been saved since they were imported; whether there are any."""
    saved = [path for path, file in [*_imported.items()] if file.changed()]
    for path in saved:
        _imported.pop(path, None)
    return bool(saved)


@contextmanager
def _beside(path: Path, helpers: dict[str, ModuleType]) -> Iterator[None]:
    """What stands in the directory of a file can be imported.

    `helpers` are the modules from there that the file has already; at the end they are put away,
    and those of another directory, by the same names, are other modules. What the file prints is
    not what the program was asked for.
    """
    directory, before, no_bytecode = str(path.parent), {*sys.modules}, sys.dont_write_bytecode
    sys.path.insert(0, directory)
    sys.dont_write_bytecode = True
    sys.modules.update({name: module for name, module in helpers.items() if name not in before})
    invalidate_caches()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = no_bytecode
        with suppress(ValueError):      # the file itself has taken it out
            sys.path.remove(directory)
        new = {*sys.modules} - before
        own = {name for name in new if "." not in name and _stands_in(sys.modules[name], directory)}
        for name in new:
            if name.partition(".")[0] in own:
                helpers[name] = sys.modules.pop(name)


def _stands_in(module: ModuleType, directory: str) -> bool:
    """Whether a module is a file or a package directly in a directory."""
    places = getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]
    return any(os.path.dirname(place) == directory for place in places)


def _stamp(module: ModuleType, helpers: dict[str, ModuleType]) -> object:
    """Time and size of its files, as they are saved."""
    found = []
    for one in [module, *helpers.values()]:
        with suppress(OSError, TypeError):
            status = os.stat(one.__file__ or "")
            found.append((one.__file__, status.st_mtime_ns, status.st_size))
    return found


def _no_import(error: BaseException, path: Path) -> ConfigError:
    return ConfigError(Text("{path} does not import: {why}.", path=path, why=_why(error, path)))


def _why(error: BaseException, path: Path) -> str | Text:
    """An exception in a clause, with the line of the file, or of one beside it, that it is from."""
    if isinstance(error, SyntaxError) and error.lineno:
        return Text("line {line} of {file}: {why}", line=error.lineno,
                    file=Path(error.filename or path).name, why=error.msg)
    words = next(iter(str(error).strip().splitlines()), "").rstrip(".")[:300]
    kind = Text("it calls sys.exit") if isinstance(error, SystemExit) else type(error).__name__
    clause = Text("{kind}: {words}", kind=kind, words=words) if words else kind
    own = [frame for frame in traceback.extract_tb(error.__traceback__)
           if Path(frame.filename).is_relative_to(path.parent)
           and not Path(frame.filename).is_relative_to(_OURS)
           and "site-packages" not in frame.filename]
    return Text("line {line} of {file}: {why}", line=own[-1].lineno,
                file=Path(own[-1].filename).name, why=clause) if own else clause


_OURS = Path(__file__).parents[1]
