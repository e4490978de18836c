"""All shelves of one transaction."""

from __future__ import annotations

from storage.catalogue.accessreviews import SqlReviewShelf
from storage.catalogue.agreements import SqlAgreementShelf
from storage.catalogue.answers import SqlAnswerShelf
from storage.catalogue.attempts import SqlAttemptShelf
from storage.catalogue.audit import SqlAuditShelf
from storage.catalogue.batches import SqlBatchShelf
from storage.catalogue.borrowing import SqlLoanShelf
from storage.catalogue.certificates import SqlCertificateShelf
from storage.catalogue.challenges import SqlChallengeShelf
from storage.catalogue.credentials import SqlCredentialShelf
from storage.catalogue.customers import SqlCustomerShelf
from storage.catalogue.deliveries import SqlDeliveryShelf
from storage.catalogue.derived import SqlDerivedShelf
from storage.catalogue.described import SqlDescribedRecords
from storage.catalogue.disposals import SqlDisposalShelf
from storage.catalogue.extents import SqlExtentShelf
from storage.catalogue.figures import SqlFigureShelf
from storage.catalogue.filingreports import SqlFilingReportShelf
from storage.catalogue.fonds import SqlFondsShelf
from storage.catalogue.groups import SqlGroupShelf
from storage.catalogue.holds import SqlHoldShelf
from storage.catalogue.identities import SqlIdentityShelf
from storage.catalogue.intents import SqlIntentShelf
from storage.catalogue.jobs import SqlJobShelf
from storage.catalogue.links import SqlLinkShelf
from storage.catalogue.logchecks import SqlLogCheckShelf
from storage.catalogue.notices import SqlNoticeShelf
from storage.catalogue.openings import SqlOpeningShelf
from storage.catalogue.outbox import SqlOutboxShelf
from storage.catalogue.paper import SqlPaperShelf
from storage.catalogue.pauses import SqlPauseShelf
from storage.catalogue.people import SqlPersonShelf
from storage.catalogue.processes import SqlProcessShelf
from storage.catalogue.rebuilds import SqlRebuildShelf
from storage.catalogue.recentsearches import SqlRecentSearchShelf
from storage.catalogue.resets import SqlResetShelf
from storage.catalogue.rows import Rows
from storage.catalogue.savedviews import SqlSavedViewShelf
from storage.catalogue.schedules import SqlScheduleShelf
from storage.catalogue.sessions import SqlSessionShelf
from storage.catalogue.tokens import SqlTokenShelf
from storage.catalogue.training import SqlTrainingShelf
from storage.catalogue.trees import SqlTreeShelf
from storage.catalogue.uploads import SqlUploadShelf
from storage.catalogue.watching import SqlWatchShelf
from storage.catalogue.webhooks import SqlWebhookShelf


class SqlTransaction:
    """``vault.shelves.Transaction`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def fonds(self) -> SqlFondsShelf:
        return SqlFondsShelf(self._rows)

    @property
    def extents(self) -> SqlExtentShelf:
        return SqlExtentShelf(self._rows)

    @property
    def intents(self) -> SqlIntentShelf:
        return SqlIntentShelf(self._rows)

    @property
    def records(self) -> SqlDescribedRecords:
        return SqlDescribedRecords(self._rows)

    @property
    def customers(self) -> SqlCustomerShelf:
        return SqlCustomerShelf(self._rows)

    @property
    def people(self) -> SqlPersonShelf:
        return SqlPersonShelf(self._rows)

    @property
    def filing_reports(self) -> SqlFilingReportShelf:
        return SqlFilingReportShelf(self._rows)

    @property
    def derived(self) -> SqlDerivedShelf:
        return SqlDerivedShelf(self._rows)

    @property
    def saved_views(self) -> SqlSavedViewShelf:
        return SqlSavedViewShelf(self._rows)

    @property
    def recent_searches(self) -> SqlRecentSearchShelf:
        return SqlRecentSearchShelf(self._rows)

    @property
    def figures(self) -> SqlFigureShelf:
        return SqlFigureShelf(self._rows)

    @property
    def groups(self) -> SqlGroupShelf:
        return SqlGroupShelf(self._rows)

    @property
    def reviews(self) -> SqlReviewShelf:
        return SqlReviewShelf(self._rows)

    @property
    def watching(self) -> SqlWatchShelf:
        return SqlWatchShelf(self._rows)

    @property
    def agreements(self) -> SqlAgreementShelf:
        return SqlAgreementShelf(self._rows)

    @property
    def training(self) -> SqlTrainingShelf:
        return SqlTrainingShelf(self._rows)

    @property
    def loans(self) -> SqlLoanShelf:
        return SqlLoanShelf(self._rows)

    @property
    def links(self) -> SqlLinkShelf:
        return SqlLinkShelf(self._rows)

    @property
    def answers(self) -> SqlAnswerShelf:
        return SqlAnswerShelf(self._rows)

    @property
    def attempts(self) -> SqlAttemptShelf:
        return SqlAttemptShelf(self._rows)

    @property
    def openings(self) -> SqlOpeningShelf:
        return SqlOpeningShelf(self._rows)

    @property
    def outbox(self) -> SqlOutboxShelf:
        return SqlOutboxShelf(self._rows)

    @property
    def processes(self) -> SqlProcessShelf:
        return SqlProcessShelf(self._rows)

    @property
    def jobs(self) -> SqlJobShelf:
        return SqlJobShelf(self._rows)

    @property
    def audit(self) -> SqlAuditShelf:
        return SqlAuditShelf(self._rows)

    @property
    def trees(self) -> SqlTreeShelf:
        return SqlTreeShelf(self._rows)

    @property
    def batches(self) -> SqlBatchShelf:
        return SqlBatchShelf(self._rows)

    @property
    def log_checks(self) -> SqlLogCheckShelf:
        return SqlLogCheckShelf(self._rows)

    @property
    def webhooks(self) -> SqlWebhookShelf:
        return SqlWebhookShelf(self._rows)

    @property
    def deliveries(self) -> SqlDeliveryShelf:
        return SqlDeliveryShelf(self._rows)

    @property
    def rebuilds(self) -> SqlRebuildShelf:
        return SqlRebuildShelf(self._rows)

    @property
    def schedules(self) -> SqlScheduleShelf:
        return SqlScheduleShelf(self._rows)

    @property
    def holds(self) -> SqlHoldShelf:
        return SqlHoldShelf(self._rows)

    @property
    def certificates(self) -> SqlCertificateShelf:
        return SqlCertificateShelf(self._rows)

    @property
    def disposals(self) -> SqlDisposalShelf:
        return SqlDisposalShelf(self._rows)

    @property
    def pauses(self) -> SqlPauseShelf:
        return SqlPauseShelf(self._rows)

    @property
    def notices(self) -> SqlNoticeShelf:
        return SqlNoticeShelf(self._rows)

    @property
    def papers(self) -> SqlPaperShelf:
        return SqlPaperShelf(self._rows)

    @property
    def sessions(self) -> SqlSessionShelf:
        return SqlSessionShelf(self._rows)

    @property
    def challenges(self) -> SqlChallengeShelf:
        return SqlChallengeShelf(self._rows)

    @property
    def identities(self) -> SqlIdentityShelf:
        return SqlIdentityShelf(self._rows)

    @property
    def credentials(self) -> SqlCredentialShelf:
        return SqlCredentialShelf(self._rows)

    @property
    def tokens(self) -> SqlTokenShelf:
        return SqlTokenShelf(self._rows)

    @property
    def resets(self) -> SqlResetShelf:
        return SqlResetShelf(self._rows)

    @property
    def uploads(self) -> SqlUploadShelf:
        return SqlUploadShelf(self._rows)
