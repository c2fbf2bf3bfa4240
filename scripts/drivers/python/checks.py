"""What every driver program has: named checks, counted at the end."""

import os
import sys
import traceback


class Checks:
    """Runs checks and counts them."""

    def __init__(self, driver):
        self.driver, self.passed, self.failed = driver, 0, 0

    def run(self, name, check, *args):
        try:
            check(*args)
        except Exception:  # a failing check is reported, and the next one runs
            self.report(name, traceback.format_exc())
        else:
            self.report(name, None)

    async def run_async(self, name, check, *args):
        try:
            await check(*args)
        except Exception:
            self.report(name, traceback.format_exc())
        else:
            self.report(name, None)

    def report(self, name, trace):
        if trace:
            self.failed += 1
            print(trace, end="")
        else:
            self.passed += 1
        print(f"{'FAIL ' if trace else 'ok   '} {self.driver}: {name}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def server():
    """Host and port of the server under test."""
    return os.environ["LAMINAR_HOST"], int(os.environ["LAMINAR_PORT"])
