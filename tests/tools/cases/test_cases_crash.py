"""kill -9 at any moment of a write leaves the old case base or the new one, never half of one."""

import json
import subprocess
import sys

from consilium.tools.cases.base import CaseBase

# Kills a writer at its first, second, third, ... file operation, until one gets through; after each kill a fresh
# process reads the base. All of them are forked from one process, so that nothing is imported twice.
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.copyfile",
          "shutil.rmtree", "sqlite3.connect"}
folder = Path(sys.argv[1])

def in_child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

def write(deadly):
    base = CaseBase(folder)
    done = 0
    def hook(event, arguments):
        nonlocal done
        if event in EVENTS:
            done += 1
            if done == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    base.add([Case(id="new", text="a new case")], np.ones((1, 32), np.float32))
    base.remove(["c-0000"])

def read():
    base = CaseBase(folder)
    base.verify()
    snapshot = base.snapshot()
    entries = dict(snapshot.entries())
    assert list(entries) == list(snapshot.rows())
    ids = {case.id for case in entries.values()}
    states = {"old": ("new" not in ids, "c-0000" in ids, 100), "added": ("new" in ids, "c-0000" in ids, 101),
              "both": ("new" in ids, "c-0000" not in ids, 100)}
    (state,) = [name for name, (a, b, n) in states.items() if a and b and len(ids) == n]
    if "new" in ids:
        row = next(row for row, case in entries.items() if case.id == "new")
        assert (snapshot.vectors(np.array([row])) == 1).all()
    print(state, flush=True)

def restore():
    base = CaseBase(folder)
    base.remove(["new"])
    if not base.snapshot().by_id(["c-0000"]):
        base.add([Case(**json.loads(sys.argv[2]))], np.ones((1, 32), np.float32))

deadly = 0
while True:
    deadly += 1
    killed = in_child(lambda: write(deadly))
    assert killed in (0, -9), killed
    assert in_child(read) == 0
    assert in_child(restore) == 0
    if killed == 0:
        break
print(deadly)
"""


def test_a_kill_at_every_file_operation_of_a_write(filled, make_cases):
    first = json.dumps(make_cases(1)[0].model_dump(mode="json"))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(filled.workspace), first],
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    *states, points = done.stdout.split()
    assert int(points) > 20
    assert set(states) == {"old", "added", "both"}
    assert states == sorted(states, key=["old", "added", "both"].index)
    assert len(list(filled.workspace.glob("gen-*"))) == 1
    assert len(CaseBase(filled.workspace).snapshot()) == 100
