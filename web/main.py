"""Starts the pages: opens the vault, serves it, looks after upkeep, stops cleanly. The one module here that may wire.

    serve(settings, announce=print)

1. Open the vault (``storage.assembly``), making what is missing.
2. Until the first person exists, make the first administrator's one-time link; every start makes a new one.
3. Bind the address, then announce it: what is announced answers. A start that finds the home served there already
   announces that, and ends.
4. Serve until SIGINT or SIGTERM; running requests get ``GRACE_S`` to end. Upkeep stops, the vault closes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final, TextIO

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from storage.assembly import open_vault
from storage.fondshomes import codes_of, require_home
from storage.serving import ServedAt, marked_as_served, served_at
from storage.settings import Settings
from vault.errors import SettingsWrong, StrongroomError
from vault.groups import FOUNDING
from vault.ids import FondsCode
from vault.workflows import indexing, people, upkeep
from vault.workflows.vault import Vault
from web.application import create_application
from web.connections import HEAD_WITHIN_S, patient_for
from web.contents import AnswerBrokenOff
from web.frontdoor import places_of
from web.hall import Hall
from web.neighbours import Neighbours

UPKEEP_EVERY_S: Final = 15.0
INDEX_EVERY_S: Final = 0.4
INDEX_AGAIN_S: Final = 15.0
GRACE_S: Final = 20
UPKEEP_GRACE_S: Final = 5.0
BACKLOG: Final = 2048
WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared with, not listened on

FONDS_EVERY_S: Final = 15.0
"""How often it is looked for fonds that were added, or did not open."""

Unlock = Callable[[Settings], Settings]
"""Adds to settings what only a person at the terminal can give."""
Announce = Callable[["Serving"], None]
Progress = Callable[[str], None]

log = structlog.get_logger("strongroom.web")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What people need to begin. ``welcome_url`` is the first administrator's link, None once there are people."""

    address: str
    welcome_url: str | None


def say_progress(message: str) -> None:
    """Says on stderr what is being done."""
    sys.stderr.write(f"strongroom: {message}\n")
    sys.stderr.flush()


def say_where(serving: Serving) -> None:
    """Says on stdout where the pages are, and how the first administrator begins."""
    sys.stdout.write(f"Strongroom is at {serving.address}\n")
    if serving.welcome_url is not None:
        sys.stdout.write(f"First administrator, once, within 24 hours: {serving.welcome_url}\n")
    sys.stdout.flush()


def serve(
    settings: Settings,
    *,
    announce: Announce = say_where,
    progress: Progress = say_progress,
    log_to: TextIO | None = None,
    unlock: Unlock = lambda settings: settings,
) -> None:
    """Serves the vault of these settings, with every fonds, until it is told to stop (SIGINT, SIGTERM).

    Where this home is served at this address already, it says so and is done.
    Raises ``SettingsWrong`` when the address cannot be had, and what ``open_vault`` raises.
    """
    configure_logs(log_to if log_to is not None else sys.stderr)
    running = served_at(settings.home)
    if running is not None and running.listen == settings.listen:
        progress(f"it runs already, as process {running.pid}; stop that one to start it anew")
        announce(Serving(address=running.address, welcome_url=None))
        return
    with ExitStack() as stack:
        stack.enter_context(terminating_as_interrupt())
        require_home(settings)
        vault = stack.enter_context(open_vault(settings, create=True, progress=progress))
        listening = stack.enter_context(bound_socket(settings))
        origin = settings.public_url or _address_of(settings, listening)
        address = origin + settings.path_prefix
        stack.enter_context(
            marked_as_served(settings.home, ServedAt(listen=settings.listen, address=address, pid=os.getpid()))
        )
        neighbours = Neighbours()
        application = _application(settings, vault, neighbours)
        hall = Hall(application)
        if settings.fonds is not None:
            hall.open(settings.path_prefix, application)
        stack.enter_context(running_upkeep(vault))
        stack.enter_context(following_index(vault))
        further = stack.enter_context(opened_beside(settings, vault, hall, neighbours, origin=origin, unlock=unlock))
        # What is there by now stays: the collector need not look through it again and again.
        gc.freeze()
        announce(Serving(address=address, welcome_url=_welcome_url(vault, address)))
        for another in further:
            progress(f"{another} is open")
        run_server(make_server(hall, behind_proxy=settings.public_url is not None), listening)
        progress("stopping")


@contextmanager
def opened_beside(
    settings: Settings, first: Vault, hall: Hall, neighbours: Neighbours, *, origin: str, unlock: Unlock
) -> Iterator[Sequence[str]]:
    """The further fonds of a vault, open for the duration of the block; gives the addresses of those open at once.

    A thread opens what is added, and tries again what did not open: one that is away keeps no other from opening. The
    links of their first administrators are made by whoever adds them: another one here would end those.
    """
    opened: dict[FondsCode, ExitStack] = {}
    said: dict[FondsCode, str] = {}
    codes = codes_of if settings.fonds is None else _no_codes
    stopping = threading.Event()

    def look(unlock: Unlock) -> list[str]:
        return [
            address
            for code in codes(settings)
            if code not in opened and (address := try_opening(unlock(settings.of_fonds(code)), code)) is not None
        ]

    def try_opening(its: Settings, code: FondsCode) -> str | None:
        with ExitStack() as stack:
            try:
                vault = stack.enter_context(open_vault(its, create=True, beside=first))
                address = f"{origin}{its.path_prefix}"
                served = ServedAt(listen=its.listen, address=address, pid=os.getpid())
                stack.enter_context(marked_as_served(its.home, served))
                application = _application(its, vault, neighbours)
                stack.enter_context(running_upkeep(vault))
                stack.enter_context(following_index(vault))
            except StrongroomError as error:
                if said.get(code) != error.message:  # that it is away as it was is no news
                    said[code] = error.message
                    log.warning("fonds-not-open", fonds=code, code=error.code, message=error.message)
                hall.close(its.path_prefix)
                return None
            except Exception as exc:  # noqa: BLE001 - a defect in one fonds; the others are served
                log.error("unexpected", job="fonds", type=type(exc).__qualname__, places=places_of(exc))
                hall.close(its.path_prefix)
                return None
            opened[code] = stack.pop_all()
            hall.open(its.path_prefix, application)
            return address

    def keep_looking() -> None:
        while not stopping.wait(FONDS_EVERY_S):
            with suppress(StrongroomError):
                look(lambda its: its)

    at_once = look(unlock)
    thread = threading.Thread(target=keep_looking, name="fonds", daemon=True)
    thread.start()
    try:
        yield at_once
    finally:
        stopping.set()
        thread.join(UPKEEP_GRACE_S)
        for stack in opened.values():
            stack.close()


def _no_codes(settings: Settings) -> Sequence[FondsCode]:
    """A fonds that is served alone has none beside it."""
    return ()


def _application(settings: Settings, vault: Vault, neighbours: Neighbours) -> Starlette:
    return create_application(
        vault,
        public_url=settings.public_url,
        hosts=_hosts(settings),
        prefix=settings.path_prefix,
        neighbours=neighbours,
    )


def make_server(
    application: ASGIApp, *, behind_proxy: bool = False, head_within_s: float = HEAD_WITHIN_S
) -> uvicorn.Server:
    """The server. Forwarded addresses are believed behind a proxy on this machine only: guesses are counted by them."""
    return uvicorn.Server(
        uvicorn.Config(
            application,
            loop="uvloop",
            http=patient_for(head_within_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=behind_proxy,
            timeout_graceful_shutdown=GRACE_S,
            backlog=BACKLOG,
        )
    )


def run_server(server: uvicorn.Server, listening: socket.socket) -> None:
    """Runs it on a socket that is bound already, until a signal."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        try:
            runner.run(server.serve(sockets=[listening]))
        except KeyboardInterrupt:
            # uvicorn has stopped cleanly by then and raises the signal once more for whoever waits for it.
            return


@contextmanager
def terminating_as_interrupt() -> Iterator[None]:
    """Within the block SIGTERM unwinds like Ctrl-C, so that everything opened is closed, also while starting."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def bound_socket(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket. Raises ``SettingsWrong``."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as exc:
            raise SettingsWrong(
                f"the pages cannot listen on {settings.listen}: {exc.strerror}; name another by STRONGROOM_LISTEN"
            ) from exc
        listening.listen(BACKLOG)
        listening.setblocking(False)
        yield listening
    finally:
        listening.close()


@contextmanager
def running_upkeep(vault: Vault, *, every_s: float = UPKEEP_EVERY_S) -> Iterator[None]:
    """Threads that run what is due, for the duration of the block: one for all, and one for each duty that may last, so
    that nothing waits for it."""
    stopping = threading.Event()
    together = frozenset(job.name for job in upkeep.duties(vault) if not job.aside)

    def look_after() -> None:
        said: dict[str, str] = {}
        starting = True
        while not stopping.is_set():
            _run_due(vault, said, only=together, starting=starting)
            starting = False
            stopping.wait(every_s)

    def look_aside(name: str) -> None:
        said: dict[str, str] = {}
        rung = False
        while not stopping.is_set():
            _run_due(vault, said, only=frozenset({name}), rung=rung)
            rung = vault.bell.answer(name, every_s)

    threads = [
        threading.Thread(target=look_after, name="upkeep", daemon=True),
        *(
            threading.Thread(target=look_aside, args=(job.name,), name=job.name, daemon=True)
            for job in upkeep.duties(vault)
            if job.aside
        ),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        vault.bell.end()
        # A step that waits for a part that is away may be left alone: each may be done again.
        until = time.monotonic() + UPKEEP_GRACE_S
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _run_due(
    vault: Vault, said: dict[str, str], *, only: frozenset[str], starting: bool = False, rung: bool = False
) -> None:
    try:
        for run in upkeep.run_due(vault, only=only, starting=starting, rung=rung):
            outcome = run.outcome.text if run.outcome is not None else ""
            if run.unexpected is not None:
                kind, places = type(run.unexpected).__qualname__, places_of(run.unexpected)
                log.error("unexpected", job=run.job, type=kind, places=places)
            if said.get(run.job) != outcome:  # what came of a duty as it did the last time is no news
                said[run.job] = outcome
                log.info("upkeep", job=run.job, outcome=outcome)
    except StrongroomError as error:
        log.warning("upkeep-failed", code=error.code, message=error.message)


@contextmanager
def following_index(vault: Vault, *, every_s: float = INDEX_EVERY_S) -> Iterator[None]:
    """A thread that keeps the search index up to the catalogue, for the duration of the block."""
    stopping = threading.Event()

    def follow() -> None:
        while not stopping.is_set():
            try:
                indexing.keep_following(vault, stopping.wait, every_s=every_s)
            except StrongroomError as error:
                log.warning("index-waits", code=error.code, message=error.message)
                stopping.wait(INDEX_AGAIN_S)
            except Exception as exc:  # noqa: BLE001 - a defect in it; pages say that the index is behind
                log.error("unexpected", job="index", type=type(exc).__qualname__, places=places_of(exc))
                stopping.wait(INDEX_AGAIN_S)

    thread = threading.Thread(target=follow, name="index", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(UPKEEP_GRACE_S)


def configure_logs(stream: TextIO) -> None:
    """One line of JSON an event. Frameworks may say warnings and errors; their request lines stay out (paths)."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    for name in ("uvicorn.error", "uvicorn.asgi", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    logging.getLogger("uvicorn.error").addFilter(_expected)


def _expected(record: logging.LogRecord) -> bool:
    """Broken-off answers are logged by the front door, without a traceback; whatever else fails shows its type only."""
    kind = record.exc_info[0] if isinstance(record.exc_info, tuple) else None
    if kind is not None and issubclass(kind, AnswerBrokenOff):
        return False
    if kind is not None:
        record.msg, record.args = f"{record.getMessage().strip()} ({kind.__name__})", ()
        record.exc_info = record.exc_text = None
    return True


def _welcome_url(vault: Vault, address: str) -> str | None:
    with vault.catalogue.read() as tx:
        if tx.people.any():
            return None
    token = people.invite(vault, people.operator(vault), FOUNDING)
    return f"{address}/welcome/{token}"


def _address_of(settings: Settings, listening: socket.socket) -> str:
    port = int(listening.getsockname()[1])
    host = "127.0.0.1" if settings.host in WILDCARDS else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _hosts(settings: Settings) -> set[str]:
    """Names that requests may give besides loopback and the public address: the interface, and this machine's own name
    where every interface is listened on."""
    if settings.host in WILDCARDS:
        return {socket.gethostname(), socket.getfqdn()}
    return {f"[{settings.host}]" if ":" in settings.host else settings.host}
