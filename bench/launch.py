"""Starts a program and says what it took: ``python -I -S launch.py OUTPUT PROGRAM ARGUMENT...``.

As small a process as Python can be: Linux counts what the parent held when it started a program among the program's own
peak of memory. Imports nothing that is not there anyway.
"""

import os
import sys
import time


def main() -> None:
    """Prints seconds, processor seconds, peak (the system's unit) and exit status of the program."""
    output, *command = sys.argv[1:]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    sys.stdout.write(f"{seconds} {cpu} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}\n")


main()
