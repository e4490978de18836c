"""The catalogue as the vault sees it: one shelf a noun, all reached through one transaction.

    with catalogue.write() as tx:      # one durable transaction; commits when the block ends, rolls back on an error
        tx.records.add(record)
        tx.audit.append(entry)
    with catalogue.read() as tx:       # a consistent snapshot; writing through it is an error
        ...

Rule 1: when ``write()`` has been left without an error, everything in it is durable.
Rule 2: shelves raise only errors of ``vault.errors``: ``CatalogueUnavailable`` when the database does not answer, is
full or stays locked; ``AlreadyExists`` where a uniqueness rule is broken; ``CatalogueBroken`` where another rule is.
Rule 3: lists page by key. ``after`` is the last key of the page before; a page holds at most ``limit``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from vault.shelves.accessreviews import ReviewShelf
from vault.shelves.agreements import AgreementShelf
from vault.shelves.answers import AnswerShelf
from vault.shelves.attempts import AttemptShelf
from vault.shelves.audit import AuditShelf
from vault.shelves.batches import BatchShelf
from vault.shelves.borrowing import LoanShelf
from vault.shelves.certificates import CertificateShelf
from vault.shelves.challenges import ChallengeShelf
from vault.shelves.credentials import CredentialShelf
from vault.shelves.customers import CustomerShelf
from vault.shelves.derived import DerivedShelf
from vault.shelves.disposals import DisposalShelf
from vault.shelves.extents import ExtentShelf
from vault.shelves.figures import FigureShelf
from vault.shelves.filingreports import FilingReportShelf
from vault.shelves.fonds import FondsShelf
from vault.shelves.groups import GroupShelf
from vault.shelves.holds import HoldShelf
from vault.shelves.identities import IdentityShelf
from vault.shelves.intents import IntentShelf
from vault.shelves.jobs import JobShelf
from vault.shelves.links import LinkShelf
from vault.shelves.logchecks import LogCheckShelf
from vault.shelves.notices import NoticeShelf
from vault.shelves.openings import OpeningShelf
from vault.shelves.outbox import OutboxShelf
from vault.shelves.paper import PaperShelf
from vault.shelves.pauses import PauseShelf
from vault.shelves.people import PersonShelf
from vault.shelves.processes import ProcessShelf
from vault.shelves.rebuilds import RebuildShelf
from vault.shelves.recentsearches import RecentSearchShelf
from vault.shelves.records import RecordFilter, RecordShelf
from vault.shelves.resets import ResetShelf
from vault.shelves.savedviews import SavedViewShelf
from vault.shelves.schedules import ScheduleShelf
from vault.shelves.sessions import SessionShelf
from vault.shelves.tokens import TokenShelf
from vault.shelves.training import TrainingShelf
from vault.shelves.trees import TreeShelf
from vault.shelves.uploads import UploadShelf
from vault.shelves.watching import WatchShelf
from vault.shelves.webhooks import DeliveryShelf, WebhookShelf

__all__ = ["Catalogue", "RecordFilter", "Transaction"]


class Transaction(Protocol):
    """All shelves of one transaction."""

    @property
    def fonds(self) -> FondsShelf: ...
    @property
    def extents(self) -> ExtentShelf: ...
    @property
    def intents(self) -> IntentShelf: ...
    @property
    def records(self) -> RecordShelf: ...
    @property
    def customers(self) -> CustomerShelf: ...
    @property
    def people(self) -> PersonShelf: ...
    @property
    def resets(self) -> ResetShelf: ...
    @property
    def tokens(self) -> TokenShelf: ...
    @property
    def sessions(self) -> SessionShelf: ...
    @property
    def credentials(self) -> CredentialShelf: ...
    @property
    def identities(self) -> IdentityShelf: ...
    @property
    def challenges(self) -> ChallengeShelf: ...
    @property
    def links(self) -> LinkShelf: ...
    @property
    def groups(self) -> GroupShelf: ...
    @property
    def reviews(self) -> ReviewShelf: ...
    @property
    def watching(self) -> WatchShelf: ...
    @property
    def agreements(self) -> AgreementShelf: ...
    @property
    def training(self) -> TrainingShelf: ...
    @property
    def loans(self) -> LoanShelf: ...
    @property
    def answers(self) -> AnswerShelf: ...
    @property
    def attempts(self) -> AttemptShelf: ...
    @property
    def openings(self) -> OpeningShelf: ...
    @property
    def outbox(self) -> OutboxShelf: ...
    @property
    def processes(self) -> ProcessShelf: ...
    @property
    def jobs(self) -> JobShelf: ...
    @property
    def audit(self) -> AuditShelf: ...
    @property
    def log_checks(self) -> LogCheckShelf: ...
    @property
    def webhooks(self) -> WebhookShelf: ...
    @property
    def deliveries(self) -> DeliveryShelf: ...
    @property
    def rebuilds(self) -> RebuildShelf: ...
    @property
    def trees(self) -> TreeShelf: ...
    @property
    def batches(self) -> BatchShelf: ...
    @property
    def holds(self) -> HoldShelf: ...
    @property
    def certificates(self) -> CertificateShelf: ...
    @property
    def notices(self) -> NoticeShelf: ...
    @property
    def papers(self) -> PaperShelf: ...
    @property
    def schedules(self) -> ScheduleShelf: ...
    @property
    def disposals(self) -> DisposalShelf: ...
    @property
    def pauses(self) -> PauseShelf: ...
    @property
    def filing_reports(self) -> FilingReportShelf: ...

    @property
    def derived(self) -> DerivedShelf: ...

    @property
    def saved_views(self) -> SavedViewShelf: ...
    @property
    def recent_searches(self) -> RecentSearchShelf: ...
    @property
    def figures(self) -> FigureShelf: ...
    @property
    def uploads(self) -> UploadShelf: ...


class Catalogue(Protocol):
    """The database. Every method may be called from any thread."""

    def write(self) -> AbstractContextManager[Transaction]:
        """One durable transaction (rule 1)."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """One consistent snapshot."""
        ...
