"""Starts the pages: opens the vault, serves it, looks after upkeep, stops cleanly. The one module here that may wire.

    serve(settings, announce=print)

1. Open the vault (``storage.assembly``), making what is missing.
2. Until the first person exists, make the first administrator's one-time link; every start makes a new one.
3. Bind the address, then announce it: what is announced answers. A start that finds the home served there already
   announces that, and ends.
4. Serve until SIGINT or SIGTERM; running requests get ``listening.GRACE_S`` to end. Upkeep stops, the vault closes.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, TextIO

import structlog
from starlette.applications import Starlette

from storage.assembly import open_vault
from storage.fondshomes import codes_of, require_home
from storage.keeper.configured import secrets_to_ask
from storage.serving import ServedAt, marked_as_served, served_at
from storage.settings import Settings
from vault.errors import StrongroomError
from vault.groups import FOUNDING
from vault.ids import FondsCode
from vault.workflows import people
from vault.workflows.vault import Vault
from web.application import create_application
from web.frontdoor import places_of
from web.hall import Hall
from web.listening import address_of, bound_socket, hosts_of, make_server, run_server, terminating_as_interrupt
from web.neighbours import Neighbours
from web.tending import GRACE_S, Tending, tended
from web.texts import Texts
from web.weblog import configure_logs

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
        # While the store starts; the thread ends with the loading.
        early = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="texts"))
        texts = early.submit(Texts.load)
        early.shutdown(wait=False)
        vault = stack.enter_context(open_vault(settings, create=True, progress=progress))
        listening = stack.enter_context(bound_socket(settings.host, settings.port))
        origin = settings.public_url or address_of(settings.host, listening)
        address = origin + settings.path_prefix
        stack.enter_context(
            marked_as_served(settings.home, ServedAt(listen=settings.listen, address=address, pid=os.getpid()))
        )
        neighbours = Neighbours()
        application = _application(settings, vault, neighbours, texts.result())
        hall = Hall(application)
        if settings.fonds is not None:
            hall.open(settings.path_prefix, application)
        tending = stack.enter_context(tended(vault, settings.fonds))
        further = stack.enter_context(opened_beside(settings, vault, hall, neighbours, origin=origin, unlock=unlock))
        # What is there by now stays: the collector need not look through it again and again.
        gc.freeze()
        # All are told at once that the end has come, so that the waits for them do not add up.
        stack.callback(tending.tell)
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

    A thread opens what is added, and tries again what did not open: one that is away keeps no other from opening. None
    is made here: what is empty may wait for its backup. The links of their first administrators are made by whoever
    adds them: another one here would end those.
    """
    opened: dict[FondsCode, tuple[ExitStack, Tending]] = {}
    said: dict[FondsCode, str] = {}
    codes = codes_of if settings.fonds is None else _no_codes
    stopping = threading.Event()

    def look(unlock: Unlock) -> list[str]:
        return [
            address
            for code in codes(settings)
            if code not in opened and (address := try_opening(settings.of_fonds(code), code, unlock)) is not None
        ]

    def try_opening(its: Settings, code: FondsCode, unlock: Unlock) -> str | None:
        with ExitStack() as stack:
            try:
                # Made by ``fonds add`` alone: what is found empty may wait for its backup.
                vault = stack.enter_context(open_vault(unlock(its), renew=True, beside=first))
                address = f"{origin}{its.path_prefix}"
                served = ServedAt(listen=its.listen, address=address, pid=os.getpid())
                stack.enter_context(marked_as_served(its.home, served))
                application = _application(its, vault, neighbours)
                tending = stack.enter_context(tended(vault, code))
            except StrongroomError as error:
                message = error.message + _way_out(its)
                if said.get(code) != message:  # that it is away as it was is no news
                    said[code] = message
                    log.warning("fonds-not-open", fonds=code, code=error.code, message=message)
                hall.close(its.path_prefix)
                return None
            except Exception as exc:  # noqa: BLE001 - a defect in one fonds; the others are served
                log.error("unexpected", job="fonds", fonds=code, type=type(exc).__qualname__, places=places_of(exc))
                hall.close(its.path_prefix)
                return None
            if stopping.is_set():
                return None
            opened[code] = stack.pop_all(), tending
            hall.open(its.path_prefix, application)
            return address

    def keep_looking() -> None:
        while not stopping.wait(FONDS_EVERY_S):
            with suppress(StrongroomError):
                look(lambda its: its)

    thread = threading.Thread(target=keep_looking, name="fonds", daemon=True)
    try:
        at_once = look(unlock)
        thread.start()
        yield at_once
    finally:
        stopping.set()
        for _, tending in list(opened.values()):
            tending.tell()
        if thread.ident is not None:
            thread.join(GRACE_S)
        with ExitStack() as every:
            for stack, _ in list(opened.values()):
                every.push(stack)


def _no_codes(settings: Settings) -> Sequence[FondsCode]:
    """A fonds that is served alone has none beside it."""
    return ()


def _way_out(settings: Settings) -> str:
    """What else is said of a fonds that did not open: a person is asked at the start only. What was typed then is not
    tried again, as wrong PINs lock a token."""
    with suppress(StrongroomError):
        if names := ", ".join(source.at for source in secrets_to_ask(settings.keepers())):
            return (
                f"; the passphrase or PIN of its keeper is typed at the start ({names}): stop the server, and start it "
                "in a terminal, which asks for it"
            )
    return ""


def _application(settings: Settings, vault: Vault, neighbours: Neighbours, texts: Texts | None = None) -> Starlette:
    return create_application(
        vault,
        public_url=settings.public_url,
        hosts=hosts_of(settings.host),
        prefix=settings.path_prefix,
        neighbours=neighbours,
        texts=texts,
    )


def _welcome_url(vault: Vault, address: str) -> str | None:
    with vault.catalogue.read() as tx:
        if tx.people.any():
            return None
    token = people.invite(vault, people.operator(vault), FOUNDING)
    return f"{address}/welcome/{token}"
