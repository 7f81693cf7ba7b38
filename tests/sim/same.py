#!/usr/bin/env python3
"""The same seed is the same schedule: each model of sim leaves the same trail again and again,
while the machine is busy, in the race build, and traced; and other seeds leave other trails.

    same.py SIM SIM_RACE [--seeds N]
"""

import argparse
import os
import subprocess
import sys
import tempfile


def trail(program, model, seed, **env):
    """What one run of the model leaves, or dies with a message."""
    env = dict(os.environ, GOSHAWK_SEED=str(seed), GOSHAWK_DEBUG="preempt", **env)
    p = subprocess.run([program, f"--one={model}"], env=env, capture_output=True, text=True,
                       timeout=120, check=False)
    if p.returncode:
        sys.exit(f"FAIL GOSHAWK_DEBUG=preempt GOSHAWK_SEED={seed} {program} --one={model}\n"
                 f"{p.stdout}{p.stderr}")
    return p.stdout


class Busy:
    """Two processes that compute, while the block runs."""

    def __enter__(self):
        loop = [sys.executable, "-c", "while True: pass"]
        self.all = [subprocess.Popen(loop) for _ in range(2)]

    def __exit__(self, *_):
        for p in self.all:
            p.kill()
            p.wait()


def compare(model, seed, first, again, what):
    if again != first:
        sys.exit(f"FAIL {model} GOSHAWK_SEED={seed}: another schedule {what}\n{first}{again}")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("sim")
    ap.add_argument("sim_race")
    ap.add_argument("--seeds", type=int, default=8)
    args = ap.parse_args()
    models = subprocess.run([args.sim, "--list"], capture_output=True, text=True,
                            check=True).stdout.split()
    firsts = {(m, s): trail(args.sim, m, s) for m in models for s in range(args.seeds)}
    for (m, s), first in firsts.items():
        # the models race with each other, on purpose: also a report must not change the order
        raced = trail(args.sim_race, m, s, GORACE="exitcode=0 atexit_sleep_ms=0")
        compare(m, s, first, raced, "with -race")
    with tempfile.TemporaryDirectory() as folder:
        for (m, s), first in firsts.items():
            traced = trail(args.sim, m, s, GOSHAWK_TRACE=f"{folder}/a.gtrace")
            compare(m, s, first, traced, "when traced")
    with Busy():
        for (m, s), first in firsts.items():
            compare(m, s, first, trail(args.sim, m, s), "on a busy machine")
    for m in models:
        different = len({firsts[m, s] for s in range(args.seeds)})
        print(f"{m}: {different} schedules of {args.seeds} seeds, each the same in 4 ways")
    silent = [m for m in models if len({firsts[m, s] for s in range(args.seeds)}) == 1]
    if len(silent) > len(models) // 4:
        sys.exit(f"FAIL seeds make no difference to {', '.join(silent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
