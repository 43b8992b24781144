"""Runs the unit tests (two binaries at a time) and the end-to-end tests, and counts test cases.

Called by ./dev from the repository root. The last line is `N passed, N failed[, N skipped]`; the exit code
is 1 when something failed and when nothing ran. A test binary that dies counts as one failed case, named
after the test it was in.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

BINARY_LIMIT_S = 900  # a sanitizer run of the slowest layer stays far below
E2E_LIMIT_S = 1500

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    # Names of libraries of others that leak by themselves; ours are never listed.
    "LSAN_OPTIONS": "print_suppressions=0:suppressions=tests/lsan.supp",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    # gRPC and Abseil are not built for it: calls out of them (memcpy, epoll) tell nothing about our code.
    "TSAN_OPTIONS": "second_deadlock_stack=1:halt_on_error=0:ignore_noninstrumented_modules=1",
}


@dataclass
class Count:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.failed)} failed{skipped}"


EVENT = re.compile(r"\[ +(RUN|OK|FAILED|SKIPPED) +\] ([\w/.-]+)")


def read_gtest(output: str) -> tuple[Count, list[str], str | None]:
    """Counts the cases of one binary's output. Returns the text of each failed case, and the case it died in."""
    count, failures, running, text = Count(), [], None, []
    for line in output.splitlines():
        event = EVENT.search(line)
        kind = event[1] if event else ""
        if kind == "RUN":
            running, text = event[2], []
        elif running and kind == "OK":
            count.passed, running = count.passed + 1, None
        elif running and kind == "SKIPPED":
            count.skipped, running = count.skipped + 1, None
        elif running and kind == "FAILED":
            count.failed.append(running)
            failures.append("\n".join([f"FAILED {running}", *text]))
            running = None
        elif running:
            text.append(line)
    return count, failures, running


def run_binary(binary: str, test_filter: str) -> tuple[Count, list[str], str]:
    command = [binary, "--gtest_color=no"] + ([f"--gtest_filter=*{test_filter}*"] if test_filter else [])
    began = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BINARY_LIMIT_S,
                              stdin=subprocess.DEVNULL, env={**SANITIZER_OPTIONS, **os.environ}, check=False)
        output, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace"), f"time limit of {BINARY_LIMIT_S} s"
    except OSError as error:
        output, code = str(error), "cannot start"
    count, failures, died_in = read_gtest(output)
    name = pathlib.Path(binary).name
    if code != 0 and (died_in or not count.failed):
        # A crash, a sanitizer report, a leak found at exit: the binary's word counts, not its OK lines.
        where = died_in or f"{name} (at exit)"
        count.failed.append(where)
        lines = output.splitlines()
        start = max((at for at, line in enumerate(lines) if died_in and "[ RUN " in line), default=0)
        end = "\n".join(lines[start:][-80:])
        failures.append(f"FAILED {where}: {name} ended with {code}; its last output:\n{end}")
    return count, failures, f"{name}: {count}, {time.monotonic() - began:.1f} s"


def run_unit(preset: str, test_filter: str) -> Count:
    total = Count()
    binaries = pathlib.Path(f"build/{preset}/tests.txt").read_text().split()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for count, failures, line in pool.map(lambda binary: run_binary(binary, test_filter), binaries):
            total.add(count)
            if failures or count.passed or not test_filter:
                print("\n\n".join([*failures, line]), flush=True)
    return total


def run_e2e(test_filter: str) -> Count:
    report = pathlib.Path("build/e2e.xml")
    report.unlink(missing_ok=True)
    command = ["build/venv/bin/python", "-m", "pytest", "tests/e2e", "-q", "--tb=short", f"--junitxml={report}"] + (["-k", test_filter] if test_filter else [])
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(pathlib.Path("build/pycache").resolve())}
    print("end-to-end tests:", flush=True)
    try:
        code = subprocess.run(command, env=env, timeout=E2E_LIMIT_S, stdin=subprocess.DEVNULL, check=False).returncode
    except subprocess.TimeoutExpired:
        code = f"time limit of {E2E_LIMIT_S} s"
    count = Count()
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                count.failed.append(name)
            elif case.find("skipped") is not None:
                count.skipped += 1
            else:
                count.passed += 1
    nothing_selected = code == 5  # pytest's own code for that; total() judges it
    if code != 0 and not count.failed and not nothing_selected:
        count.failed.append(f"pytest ended with {code}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="release")
    parser.add_argument("--kinds", default="unit e2e")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()

    total = Count()
    if "unit" in options.kinds:
        total.add(run_unit(options.preset, options.filter))
    if "e2e" in options.kinds:
        total.add(run_e2e(options.filter))
    for name in total.failed:
        print(f"failed: {name}")
    if total.passed + len(total.failed) == 0:
        print(f"no test ran (filter '{options.filter}')" if options.filter else "no test ran")
    print(total)
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
