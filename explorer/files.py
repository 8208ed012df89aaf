"""A file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path


def write_file(content: bytes, path: Path) -> None:
    """A new file, or an ordinary one of the person's own, is replaced by one that is whole. What
    else stands there is written into, as `cp` does: a device, a pipe, a file of several names.

    Raises `OSError`.
    """
    path = Path(os.path.realpath(path))     # where a link leads to, so that the link stays
    try:
        there = path.stat()
    except FileNotFoundError:
        _replace(content, path, 0o666 & ~_umask())
        return
    if not (stat.S_ISREG(there.st_mode) and there.st_nlink == 1 and there.st_uid == os.geteuid()
            and os.access(path.parent, os.W_OK)):
        path.write_bytes(content)
        return
    if not there.st_mode & 0o222:       # which root could write all the same
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with path.open("r+b"):
        pass
    _replace(content, path, stat.S_IMODE(there.st_mode))


def _replace(content: bytes, path: Path, mode: int) -> None:
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(part, mode)
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
