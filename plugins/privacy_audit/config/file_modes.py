"""Who may read what an audit writes: its user and its group, nobody else.

Reports list what is broken in which table. The umask of the process does not decide that: files are made 0640 and
folders 0750, so that an api-server in the same group reads what a worker wrote.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

FILE = 0o640
FOLDER = 0o750
_UMASK = 0o027


@contextmanager
def for_the_group() -> Iterator[None]:
    """Files made inside are 0640, folders 0750, whatever the umask of the process is. Holds for all its threads."""
    before = os.umask(_UMASK)
    try:
        yield
    finally:
        os.umask(before)
