"""Runs a command on a terminal of its own, and types TYPED once the terminal shows UNTIL. Prints what it showed; ends as the command does."""

import os
import pty
import sys

until, typed, command = sys.argv[1].encode(), sys.argv[2].encode().decode("unicode_escape").encode(), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown = b""
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if typed and until in shown:
        os.write(terminal, typed)
        typed = b""
sys.stdout.buffer.write(shown)
sys.stdout.flush()
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
