"""clang-tidy over the .cc files named on standard input, results cached by content.

A file is checked again when it, one of our headers that it reaches, its compile command, .clang-tidy or the
package list changed. Called by `./dev check` from the repository root, after a release build (the compile
commands and generated headers come from there). Exit code 1 when a file has findings.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache

TIDY = "clang-tidy-19"
BUILD = pathlib.Path("build/release")
CACHE = pathlib.Path("build/tidy")
INCLUDE = re.compile(rb'^#include "([^"]+)"', re.MULTILINE)


@cache
def reach(path: pathlib.Path) -> frozenset[pathlib.Path]:
    """The file and every header of ours that it includes, directly or not."""
    found, queue = {path}, [path]
    while queue:
        for name in INCLUDE.findall(queue.pop().read_bytes()):
            header = pathlib.Path(name.decode())
            if header not in found and header.exists():
                found.add(header)
                queue.append(header)
    return frozenset(found)


def key(path: pathlib.Path, command: str) -> str:
    digest = hashlib.sha256(command.encode())
    for part in [pathlib.Path(".clang-tidy"), pathlib.Path("cmake/packages.txt"), *sorted(reach(path))]:
        digest.update(str(part).encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()


def tidy(path: pathlib.Path) -> str:
    """The findings, empty when there are none."""
    command = [TIDY, "-p", str(BUILD), "--quiet", str(path)]
    if path.stem.endswith(("_test", "_bench")):
        # Four fifths of the time of a test file goes into paths through GoogleTest's macros.
        command.append("--checks=-clang-analyzer-*")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return done.stdout.strip() or done.stderr.strip() or f"{path}: {TIDY} ended with {done.returncode}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    root = pathlib.Path.cwd()
    commands = {entry["file"]: entry["command"]
                for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    CACHE.mkdir(parents=True, exist_ok=True)
    todo, clean = {}, 0
    for path in sorted(pathlib.Path(line.strip()) for line in sys.stdin if line.strip()):
        command = commands.get(str(root / path))
        if command is None:
            continue  # not built (a fuzz target): nothing says how to compile it
        stamp = CACHE / key(path, command)
        if stamp.exists():
            clean += 1
        else:
            todo[path] = stamp
    print(f"clang-tidy: {clean} files unchanged and clean, {len(todo)} to check", flush=True)

    bad, began = 0, time.monotonic()
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        running = {pool.submit(tidy, path): path for path in todo}
        for at, future in enumerate(as_completed(running), 1):
            path, findings = running[future], future.result()
            if findings:
                bad += 1
                print(findings, flush=True)
            else:
                todo[path].touch()
            print(f"[{at}/{len(todo)}] {time.monotonic() - began:.0f} s  {path}{'  FINDINGS' if findings else ''}",
                  flush=True)
    print(f"clang-tidy: {bad} of {clean + len(todo)} files have findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
