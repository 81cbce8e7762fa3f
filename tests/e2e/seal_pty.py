#!/usr/bin/env python3
"""seal_pty.py COMMAND...: runs it on a terminal of its own, prints what it wrote there and ends with its status."""
import os
import pty
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        text = os.read(terminal, 65536)
    except OSError:  # the other side is closed
        break
    if not text:
        break
    os.write(1, text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
