"""clang-tidy over the .cc files named on standard input, results cached by content.

A file is checked again when it, one of our headers that it reaches, its compile command, .clang-tidy or the
package list changed. Called by `./dev check` from the repository root, after a release build (the compile
commands and generated headers come from there). Exit code 1 when a file has findings.

Nine tenths of the time for one file go into the system headers that it includes. So files are checked together, as
one translation unit that includes them all. Where two of them use a name for two things, the second one moves to
another unit.
"""

import argparse
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache

TIDY = "clang-tidy-19"
BUILD = pathlib.Path("build/release")
CACHE = pathlib.Path("build/tidy")
UNIT_FILES = 32
PROOF = ("_test", "_bench", "_fuzz")  # their files come after the product's
INCLUDE = re.compile(rb'^#include "([^"]+)"', re.MULTILINE)
# A type, alias, function or constant that a file defines at its outermost level.
DEFINED = re.compile(
    rb"^(?!TEST|BENCHMARK)(?:(?:struct|class|enum|enum class) (\w+)|using (\w+) =|\w[\w:<>,&* ]*?[ &*](\w+)(?:[({;]| =))", re.M)
FINDING = re.compile(r"^(\S+):\d+:\d+: (?:fatal )?(error|warning): ", re.MULTILINE)
# What only GCC knows, and what differs from file to file: the name under which the replay calls a fuzz target.
LEFT_OUT = re.compile(
    r"-fvect-cost-model=.*|-Winvalid-pch|-Wno-maybe-uninitialized|-Werror|-g\d?|-DLLVMFuzzerTestOneInput=.*")
# The first two are said in passing, where a check would search the tree; the third is about libstdc++ itself. A local
# name of one file shadows nothing of its neighbours in a unit; what it shadows in its own GCC says.
CLANG_WARNINGS = ["-Wzero-as-null-pointer-constant", "-Wsuggest-override", "-Wno-deprecated-declarations", "-Wno-shadow"]


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


def read_flags() -> list[str]:
    """What our files are compiled with, all layers together, without what only GCC knows or what writes a file."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = iter(shlex.split(entry["command"]))
        next(word for word in words if "g++" in word)  # the compiler, after its launcher
        for word in words:
            if word in ("-o", "-c", "-x", "-include", "-isystem"):
                argument = next(words)
                if word == "-isystem":
                    flags[f"-isystem{argument}"] = None
            elif not LEFT_OUT.fullmatch(word):
                flags[word] = None
    return [*flags, *CLANG_WARNINGS]


def key(path: pathlib.Path, flags: list[str]) -> str:
    digest = hashlib.sha256("\0".join(flags).encode())
    for part in [pathlib.Path(".clang-tidy"), pathlib.Path("cmake/packages.txt"), *sorted(reach(path))]:
        digest.update(str(part).encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()


def in_units(files: list[pathlib.Path]) -> list[list[pathlib.Path]]:
    """Puts each file into the first unit with room where no other file defines one of its names."""
    units = []
    for path in files:
        names = {name for match in DEFINED.finditer(path.read_bytes()) for name in match.groups() if name}
        for unit, taken in units:
            if len(unit) < UNIT_FILES and not taken & names:
                unit.append(path)
                taken |= names
                break
        else:
            units.append(([path], names))
    return [unit for unit, _ in units]


def tidy(unit: list[pathlib.Path], flags: list[str]) -> list[tuple[list[pathlib.Path], str]]:
    """Each file of the unit once, in groups with the findings that concern the group."""
    root = pathlib.Path.cwd()
    source = CACHE / f"{hashlib.sha256(' '.join(map(str, unit)).encode()).hexdigest()[:16]}.cc"
    source.write_text("".join(f'#include "{path}"\n' for path in unit))
    done = subprocess.run([TIDY, "--quiet", str(source), "--", *flags], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [(unit, "")]
    found = [(kind, (root / path).resolve()) for path, kind in FINDING.findall(done.stdout)]
    wrong = {path.relative_to(root) for _, path in found if path.is_relative_to(root)}
    if len(unit) > 1 and "[clang-diagnostic-error]" in done.stdout:
        # The files do not compile together: those with errors apart from the rest, or each alone.
        apart = [path for path in unit if path in wrong]
        rest = [path for path in unit if path not in wrong]
        parts = [apart, rest] if apart and rest else [[path] for path in unit]
        return [result for part in parts for result in tidy(part, flags)]
    bad = [path for path in unit if reach(path) & wrong] or unit
    return [(bad, done.stdout.strip() or done.stderr.strip()), ([path for path in unit if path not in bad], "")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    flags = read_flags()
    CACHE.mkdir(parents=True, exist_ok=True)
    stamps, clean = {}, 0
    for path in (pathlib.Path(line.strip()) for line in sys.stdin if line.strip()):
        stamp = CACHE / key(path, flags)
        if stamp.exists():
            clean += 1
        else:
            stamps[path] = stamp
    print(f"clang-tidy: {clean} files unchanged and clean, {len(stamps)} to check", flush=True)

    began, at, bad = time.monotonic(), 0, 0
    files = sorted(stamps, key=lambda path: (path.stem.endswith(PROOF), path))
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for future in as_completed([pool.submit(tidy, unit, flags) for unit in in_units(files)]):
            for group, findings in future.result():
                at += len(group)
                if findings:
                    bad += len(group)
                    print(findings)
                else:
                    for path in group:
                        stamps[path].touch()
            print(f"[{at}/{len(stamps)}] {time.monotonic() - began:.0f} s  {bad} with findings", flush=True)
    print(f"clang-tidy: {bad} of {clean + len(stamps)} files have findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
