"""Runs a program and watches its memory."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

POLL_SECONDS = 0.02


@dataclass
class Done:
    stdout: str
    resident_bytes: int
    """The most that was resident, mapped files among it."""
    own_bytes: int
    """The most of its own memory: what no file could give back."""
    others_cores: float
    """Cores that other programs kept busy meanwhile; what was measured beside them tells nothing."""


class Watch(threading.Thread):
    """Reads a process's own memory again and again until it is gone. Linux tells it; elsewhere it stays 0."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = f"/proc/{pid}/status"
        self.own_bytes = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(POLL_SECONDS):
            try:
                with open(self.path) as status:
                    for line in status:
                        if line.startswith("RssAnon:"):
                            self.own_bytes = max(self.own_bytes, int(line.split()[1]) * 1024)
                            break
            except OSError:
                return


def run(command):
    """Output and memory of `command`; ends the program with the command's own words if it fails."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        except OSError as error:
            sys.exit(f"error: cannot start `{command[0]}`: {error.strerror}")
        watch = Watch(child.pid)
        watch.start()
        began, busy = time.monotonic(), busy_seconds()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        elapsed, busy = time.monotonic() - began, busy_seconds() - busy
        watch.over.set()
        watch.join()
        said = []
        for file in (stdout, stderr):
            file.seek(0)
            said.append(file.read().decode(errors="replace"))
        if child.returncode:
            sys.exit(f"{said[1].strip()}\nerror: `{' '.join(command)}` ended with {child.returncode}")
        unit = 1 if sys.platform == "darwin" else 1024
        others = max(0.0, busy - usage.ru_utime - usage.ru_stime) / elapsed
        return Done(said[0], usage.ru_maxrss * unit, watch.own_bytes, others)


def busy_seconds():
    """Processor time of all programs since the machine started, and what a host took away; 0 where Linux does not tell it."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, interrupt, soft, stolen = map(int, file.readline().split()[1:9])
    except OSError:
        return 0.0
    return (user + nice + system + interrupt + soft + stolen) / os.sysconf("SC_CLK_TCK")


def say(text):
    """Tells a person what is going on; what programs read goes to standard output."""
    print(text, file=sys.stderr, flush=True)
