"""Real files of this machine through both doors: filed by HTTP and by the command, opened again by both.

Files are taken from the system's own folders, as many kinds as there are; every third gets a Chinese name. One large
file of random bytes is made. Digests are taken from the files themselves, by nothing of Strongroom's.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.benchmarks.frame import Measure, at_least, at_most
from tests.support.clients import Api, Command, digest_of
from tests.support.server import LOGIN, PASSWORD, served

MIB: Final = 1024 * 1024
SOURCES: Final = (
    "/usr/share",
    "/usr/lib",
    "/etc",
    "/usr/bin",
    sysconfig.get_path("purelib"),
    sysconfig.get_path("stdlib"),
)
FILE_MAX_BYTES: Final = 16 * MIB
SEEN_MAX: Final = 40_000
# The rare kinds that people bring first; then whatever else there is, in turns.
WANTED: Final = (
    ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".tif", ".webp", ".docx", ".zip", ".gz", ".xz", ".bz2", ".tar",
    ".whl", ".jar", ".so", ".ttf", ".ttc", ".txt", ".html", ".xml", ".json", ".conf", ".py", ".mo", ".db", "",
)  # fmt: skip
NAMES: Final = ("客户身份证复印件", "借款合同", "会议纪要（终稿）", "发票 2026年", "董事会决议", "扫描件")
CLIENTS: Final = 4
CLASS: Final = "correspondence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How much is filed. HTTP opens everything; of each door's records so many are also opened by the command."""

    files: int
    large_bytes: int
    opened_by_command: int


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it. ``trouble`` says each thing that is not as it must be."""

    files: int = 0
    size_bytes: int = 0
    kinds: int = 0
    chinese_names: int = 0
    filed: int = 0
    opened: int = 0
    differing: int = 0
    unequal_receipts: int = 0
    added_again: int = 0
    ails: Sequence[str] = ()
    seconds: Mapping[str, float]


def measure(quick: bool) -> list[Measure]:
    """At least 300 files and one of 2 GiB (quick: 60 files and one of 64 MiB)."""
    work = (
        Work(files=60, large_bytes=64 * MIB, opened_by_command=12)
        if quick
        else Work(files=320, large_bytes=2048 * MIB, opened_by_command=321)
    )
    with tempfile.TemporaryDirectory(prefix="strongroom-real-input-") as scratch:
        result = file_and_open(Path(scratch), work)
    gib = result.size_bytes / 1024**3
    return [
        at_least("real files, one large", work.files + 1, result.files),
        Measure(measure="kinds of files, by extension", goal="", figure=result.kinds),
        Measure(measure="files with Chinese names", goal="", figure=result.chinese_names),
        Measure(measure="size of all", goal="", figure=gib, unit="GiB"),
        at_least("filed, by HTTP and again by the command", 2 * result.files, result.filed),
        at_least("opened, by HTTP and by the command", 2 * result.files + 2 * work.opened_by_command, result.opened),
        at_most("digests that differ", 0, result.differing),
        at_most("receipts not declared = stored = hashed", 0, result.unequal_receipts),
        at_most("records added by the same batch run again", 0, result.added_again),
        at_most("findings of doctor --deep that are not ok", 0, len(result.ails)),
        *(Measure(measure=name, goal="", figure=taken, unit="s") for name, taken in result.seconds.items()),
    ]


def file_and_open(scratch: Path, work: Work) -> Result:
    """Files everything by both doors into a new vault, opens it by both, and compares."""
    folder = scratch / "papers 档案"
    gather(folder, work)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path: digest_of(path) for path in paths}
    seconds: dict[str, float] = {}
    result = Result(
        files=len(paths),
        size_bytes=sum(path.stat().st_size for path in paths),
        kinds=len({path.suffix for path in paths}),
        chinese_names=sum(not path.name.isascii() for path in paths),
        seconds=seconds,
    )

    def timed(name: str, act: Callable[[], None]) -> None:
        started = time.perf_counter()
        act()
        seconds[name] = time.perf_counter() - started

    with served(scratch / "home") as server, Api(server.url, server.sign_up()) as api:
        command = Command(home=server.home)
        command.login(LOGIN, PASSWORD)
        by_http: dict[Path, str] = {}
        by_command: dict[Path, str] = {}

        def add(path: Path) -> None:
            receipt = api.add(path, class_code=CLASS, key=f"http {digests[path][:8]} {path.relative_to(folder)!a}")
            result.unequal_receipts += (receipt["size_bytes"], receipt["sha256"]) != (
                path.stat().st_size,
                digests[path],
            )
            by_http[path] = receipt["id"]

        def file_by_http() -> None:
            with ThreadPoolExecutor(CLIENTS) as clients:
                list(clients.map(add, paths))

        def file_by_command() -> None:
            done = command.run("record", "add", folder, "--class", CLASS, "--batch", "real input", "--json")
            for line in done.document["files"]:
                path = Path(line["path"])
                result.unequal_receipts += not (
                    line["agrees"]
                    and line["declared"]["sha256"] == line["hashed"]["sha256"] == digests[path]
                    and line["declared"]["size_bytes"] == line["stored"]["size_bytes"] == path.stat().st_size
                )
                by_command[path] = line["record_id"]

        def opened_by(open_record: Callable[[str], str], records: Sequence[tuple[Path, str]], at_once: int) -> None:
            with ThreadPoolExecutor(at_once) as openers:
                for (path, _), digest in zip(
                    records, openers.map(open_record, [each for _, each in records]), strict=True
                ):
                    result.opened += 1
                    result.differing += digest != digests[path]

        timed(f"filed by HTTP, {CLIENTS} clients", file_by_http)
        timed("filed by the command, one batch", file_by_command)
        result.filed = len(by_http) + len(by_command)
        before = api.count()
        timed("the same batch run again", lambda: _again(command, folder, result))
        result.added_again += api.count() - before
        both = [*by_http.items(), *by_command.items()]
        timed("opened by HTTP", lambda: opened_by(api.digest, both, CLIENTS))
        step = max(1, len(paths) // work.opened_by_command)
        some = [
            *itertools.islice(itertools.islice(by_http.items(), 0, None, step), work.opened_by_command),
            *itertools.islice(itertools.islice(by_command.items(), 0, None, step), work.opened_by_command),
        ]
        timed(f"opened by {len(some)} commands, 2 at once", lambda: opened_by(command.digest, some, 2))
        timed("doctor --deep", lambda: setattr(result, "ails", command.ails()))
    return result


def _again(command: Command, folder: Path, result: Result) -> None:
    done = command.run("record", "add", folder, "--class", CLASS, "--batch", "real input", "--json")
    totals = done.document["totals"]
    result.added_again += totals["stored"] + (totals["already_there"] != result.files)


def gather(folder: Path, work: Work) -> None:
    """Copies real files of many kinds into a folder with folders, and makes the large one."""
    for number, source in enumerate(itertools.islice(_in_turns(), work.files)):
        chinese = number % 3 == 0
        name = f"{NAMES[number % len(NAMES)]}-{number:03}{source.suffix}" if chinese else f"{number:03} {source.name}"
        target = folder / f"box {number % 7}" / ("往来" if number % 2 else "in") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    block = os.urandom(8 * MIB)
    with (folder / "大文件.bin").open("wb") as large:
        for number in range(work.large_bytes // len(block)):
            large.write(number.to_bytes(8, "big") + block[8:])


def _in_turns() -> Iterator[Path]:
    """Files of this machine, one of each kind in turn."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for source in SOURCES:
        for path in itertools.islice(_walk(Path(source)), SEEN_MAX):
            suffix = ".so" if ".so." in path.name else path.suffix.lower()
            kinds[suffix if suffix in WANTED else ""].append(path)
    sorted_kinds = [sorted(kinds[kind], key=lambda path: path.name) for kind in WANTED if kinds[kind]]
    for turn in itertools.zip_longest(*sorted_kinds):
        yield from (path for path in turn if path is not None)


def _walk(root: Path) -> Iterator[Path]:
    """Regular files that everybody may read, not too large; links are not followed."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            try:
                facts = path.lstat()
            except OSError:
                continue
            readable = stat.S_ISREG(facts.st_mode) and facts.st_mode & stat.S_IROTH
            if readable and 0 < facts.st_size <= FILE_MAX_BYTES and os.access(path, os.R_OK):
                yield path
