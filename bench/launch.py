"""Runs a program and prints what it used: ``python -I -S launch.py OUTPUT PROGRAM ARGUMENT...``.

This process is as small as Python can be, as Linux adds the memory of the parent at the start of a program to the
program's peak. It imports only modules that every Python has loaded already.
"""

import os
import sys
import time


def main() -> None:
    """Print the program's seconds, processor seconds, peak memory (in the system's unit) and exit status."""
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
