"""The warden of parsers: one process that has everything loaded, and forks a parser for each file.

Run as ``python -I -m storage.parsing.warden CONTROL``, a socket on which the application sends pairs of pipes. It never
reads from them: it forks, and what it forked confines itself and then reads.

Rule 1: one file, one process. What a file did to its parser dies with it, and meets nobody else's bytes.
Rule 2: the warden has no secret: its environment is empty, no descriptor but the control socket came with it, and it
left the network and root's rights before the first file. It ends when the application does: the socket closes.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable

from storage.parsing.confinement import Bounds, Filter, NoConfinement, confine, drop_privileges, leave_network

READY = b"ready"

Serve = Callable[[], None]


def main(control_fd: int, serve: Serve, bounds: Bounds) -> None:
    """Forks a parser, which runs ``serve``, for each pair of pipes, until nobody is left who could send one."""
    control = socket.socket(fileno=control_fd)
    try:
        filter = Filter()
        apart = leave_network()
        drop_privileges()
    except NoConfinement as cannot:
        control.send(str(cannot).encode())
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the application, which then leaves
    gc.freeze()
    control.send(READY + (b" apart" if apart else b""))
    while True:
        came, pipes, _, _ = socket.recv_fds(control, 1, 2)
        if not came:
            return
        if len(pipes) == 2 and os.fork() == 0:
            _parse(control, pipes, serve, filter, bounds)
        for each in pipes:
            os.close(each)


def _parse(control: socket.socket, pipes: list[int], serve: Serve, filter: Filter, bounds: Bounds) -> None:
    status = 1
    try:
        control.close()
        confine(pipes[0], pipes[1], filter, bounds)
        serve()
        status = 0
    finally:
        os._exit(status)


def command(control_fd: int) -> list[str]:
    """The command line of a warden."""
    return [sys.executable, "-I", "-m", "storage.parsing.warden", str(control_fd)]


if __name__ == "__main__":
    from storage.parsing.work import prepare, serve_one

    prepare()
    main(int(sys.argv[1]), serve_one, Bounds())
