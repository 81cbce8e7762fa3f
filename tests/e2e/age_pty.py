"""age_pty.py PASSPHRASE COMMAND...: runs it on a terminal of its own and answers what it asks for there. Its exit code is the command's."""
import os
import pty
import sys

child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        got = os.read(terminal, 4096)
    except OSError:  # nobody has the terminal any more
        break
    if not got:
        break
    seen += got
    if seen.rstrip().endswith(b":"):
        os.write(terminal, sys.argv[1].encode() + b"\n")
        seen = b""
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if status:
    sys.stderr.buffer.write(seen)
sys.exit(status)
