#!/usr/bin/env python3
"""scan_memory.py PID PATTERNS: looks for byte strings in a process's memory.

PATTERNS is a file of lines "name hex". Each is searched as it is and byte-reversed (as bignums keep it). Prints "locked N" and
"ordinary N": how many of the finds were in locked mappings (the secure heap) and how many elsewhere.
"""
import re
import sys

pid, patterns = sys.argv[1], []
for line in open(sys.argv[2]):
    name, text = line.split()
    data = bytes.fromhex(text)
    patterns += [(name, data[:32]), (name, data[-32:]), (name + " reversed", data[::-1][:32])]

mappings, current = [], None
for line in open(f"/proc/{pid}/smaps"):
    head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ", line)
    if head:
        current = [int(head[1], 16), int(head[2], 16), head[3], False]
        mappings.append(current)
    elif line.startswith("VmFlags:"):
        current[3] = " lo" in line

found = {True: 0, False: 0}
with open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for start, end, access, locked in mappings:
        if "r" not in access or "w" not in access:
            continue
        try:
            memory.seek(start)
            data = memory.read(end - start)
        except OSError:
            continue
        for name, pattern in patterns:
            at = data.find(pattern)
            if at >= 0:
                found[locked] += 1
                if not locked:
                    print(f"# {name} at {start + at:#x}", file=sys.stderr)
print(f"locked {found[True]}\nordinary {found[False]}")
