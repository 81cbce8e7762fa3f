"""log_kill9.py PROGRAM DIRECTORY KILLS LOGS: several logs at a time, each with writers that are killed one after the other."""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

program, place, kills, logs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
KEPT_S = 1.0
MOST = 200  # lines at once
failures = []


def segments(log):
    return [name for name in os.listdir(log) if name.endswith(".srlog")] if os.path.isdir(log) else []


class Writer:
    """A writer of a log, and what it is given."""

    def __init__(self, log, first):
        self.log, self.first, self.next, self.given = log, first, first, []  # given: (number, when it was in the pipe)
        self.before = len(segments(log))
        command = [program, "log", "write", log, "--key", "logs", "--flush-ms", "200", "--segment-size", "64K"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.feeder = threading.Thread(target=self.feed)
        self.going, self.lag = True, 0.0
        self.feeder.start()

    def feed(self):
        chance = random.Random(self.next)
        while self.going and len(segments(self.log)) <= self.before:
            time.sleep(0.002)  # until it has a segment: before that it reads nothing
        try:
            while self.going:
                count = chance.choice((1, 1, 1, 10, MOST))
                text = b"".join(b"%d %s\n" % (self.next + i, b"x" * chance.randrange(100)) for i in range(count))
                assert self.process.stdin.write(text) == len(text)  # a pipe that blocks takes all of it
                now = time.monotonic()
                self.given += [(self.next + i, now) for i in range(count)]
                self.next += count
                pause = chance.choice((0, 0.001, 0.01, 0.05))
                time.sleep(pause)
                self.lag = max(self.lag, time.monotonic() - now - pause)  # on a busy machine nobody is on time
        except BrokenPipeError:
            pass

    def end(self, how):
        when = time.monotonic()
        self.going = False
        self.process.send_signal(how)
        status = self.process.wait()
        self.feeder.join()
        said = self.process.stderr.read()
        self.process.stdin.close()
        self.process.stderr.close()
        if how != signal.SIGKILL and status != 0:
            raise AssertionError(f"the writer ended with {status}: {said}")
        return when


def lines(log):
    out = subprocess.run([program, "log", "cat", log], stdout=subprocess.PIPE, check=True).stdout
    return [int(line.split(b" ", 1)[0]) for line in out.splitlines()]


def check(log, writers):
    there = lines(log)
    assert there == sorted(set(there)), "lines are out of order, or twice"
    kept, lag = set(there), max(writer.lag for writer, _ in writers)
    for n, (writer, killed) in enumerate(writers):
        of_it = [number for number, _ in writer.given]
        found = [number for number in of_it if number in kept]
        assert found == of_it[:len(found)], f"writer {n} left a gap"
        due = [number for number, when in writer.given if when < killed - KEPT_S - 2 * lag]
        assert len(found) >= len(due), f"writer {n} had line {due[-1]} for more than a second, and it ends with {found[-1:]}"
    # What was in the pipe when the writer was killed, and the time not taken yet, may be there.
    wrote = {number for writer, _ in writers for number in range(writer.first, writer.next + MOST)}
    assert kept <= wrote, "there are lines that nobody wrote"
    report = json.loads(subprocess.run([program, "log", "verify", log, "--from-start", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    ends = [segment["end"] for segment in report["segments"]]
    assert report["intact"] and report["entries"] == len(there), report
    assert ends.count("not closed") <= kills and ends[-1] == "stopped", ends
    return len(there), len(ends), ends.count("not closed")


def torture(log, seed):
    chance, writers, first = random.Random(seed), [], 1
    try:
        for _ in range(kills):
            writer = Writer(log, first)
            time.sleep(chance.choice((chance.uniform(0, 0.3), chance.uniform(1, 2))))
            writers.append((writer, writer.end(signal.SIGKILL)))
            first = writer.next + 5 * MOST  # what it did not get is not written again
        writer = Writer(log, first)
        time.sleep(0.5)
        writers.append((writer, writer.end(signal.SIGTERM)))
        print("# %s: %d lines, %d segments, %d of them cut off" % ((os.path.basename(log),) + check(log, writers)), file=sys.stderr)
    except Exception as e:
        failures.append(f"{log}: {e!r}")


seed = int(os.environ.get("SEED", time.time()))
print(f"# SEED={seed}", file=sys.stderr)
threads = [threading.Thread(target=torture, args=(os.path.join(place, f"log{i}"), seed + i)) for i in range(logs)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for failure in failures:
    print("FAILED:", failure, file=sys.stderr)
sys.exit(bool(failures))
