"""The ``strongroom`` command: its groups, and the one place where an error becomes a line and an exit code.

Rule 1: an error is one line, ``strongroom: <what is wrong and the way out>``; a traceback is shown only when asked for.
Rule 2: nothing heavy is imported here: ``strongroom --help`` answers at once.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

import click

from vault.cli import exits
from vault.cli.invocation import Invocation, speaking
from vault.cli.lazy import Entry, LazyGroup
from vault.errors import StrongroomError

_EXIT_CODES: Final = "\n".join(f"{code:>4}  {meaning}" for code, meaning in exits.TABLE)
_EPILOG: Final = f"""\b
Exit codes:
{_EXIT_CODES}

\b
Completion of commands and options by the TAB key:
  bash: eval "$(_STRONGROOM_COMPLETE=bash_source strongroom)"   in ~/.bashrc
  zsh:  eval "$(_STRONGROOM_COMPLETE=zsh_source strongroom)"    in ~/.zshrc
  fish: _STRONGROOM_COMPLETE=fish_source strongroom | source
"""

_RECORD: Final = {
    "add": Entry("vault.cli.filing:add", "Add files, and folders with all that is in them."),
    "list": Entry("vault.cli.records:list_records", "List records, newest first."),
    "show": Entry("vault.cli.records:show", "Show a record with its versions and its history."),
    "find": Entry("vault.cli.records:find", "Find records by words of their titles, names and numbers."),
    "open": Entry("vault.cli.opening:open_record", "Write a record's bytes to stdout or to a file."),
    "correct": Entry("vault.cli.correcting:correct", "Correct the bytes or the description; the original stays."),
    "file": Entry("vault.cli.correcting:file_record", "Confirm class and trigger (归档); the lock follows."),
    "report": Entry("vault.cli.reporting:show_reports", "Show what was found whenever a record was filed."),
    "work": Entry("vault.cli.quality:list_work", "List records that somebody should look at: a work list."),
    "restrict": Entry("vault.cli.restricting:restrict", "Let a record only be stored (封存)."),
    "lift": Entry("vault.cli.restricting:lift", "Lift a restriction; another person has to."),
    "unsettle": Entry("vault.cli.restricting:unsettle", "Say that debts which a record proves are not settled."),
    "settle": Entry("vault.cli.restricting:settle", "Say that they are settled."),
    "export": Entry("vault.cli.opening:export", "Write the sealed object with its key, for other tools."),
}
_CUSTOMER: Final = {
    "add": Entry("vault.cli.customers:add", "Add a customer."),
    "list": Entry("vault.cli.customers:list_customers", "List customers by number."),
    "show": Entry("vault.cli.customers:show", "Show a customer."),
}
_SCHEDULE: Final = {
    "list": Entry("vault.cli.schedules:list_rules", "List what governs each class, and what is proposed."),
    "show": Entry("vault.cli.schedules:show", "Show every version of a class's rule."),
    "propose": Entry("vault.cli.schedules:propose", "Propose a class, or another rule for one."),
    "preview": Entry("vault.cli.schedules:preview", "Show which records a rule would touch, and their new dates."),
    "approve": Entry("vault.cli.schedules:approve", "Put proposed rules in force; another person has to."),
    "withdraw": Entry("vault.cli.schedules:withdraw", "Take a proposed rule back."),
    "adopt": Entry("vault.cli.schedules:adopt", "Propose the classes of a set that ships."),
    "retire": Entry("vault.cli.schedules:retire", "Let no record take a class any more."),
}
_LINK: Final = {
    "create": Entry("vault.cli.links:create", "Make a link that lets somebody without an account open one record."),
    "list": Entry("vault.cli.links:list_links", "List links, newest first."),
    "revoke": Entry("vault.cli.links:revoke", "Withdraw a link, at once."),
}


def _group(name: str, summary: str, entries: dict[str, Entry]) -> LazyGroup:
    return LazyGroup(name, help=summary, entries=entries)


record = _group("record", "Add, find, open and correct records.", _RECORD)
customer = _group("customer", "The customers whose records are kept.", _CUSTOMER)
link = _group("link", "Signed links that open one record, for a time.", _LINK)
schedule = _group("schedule", "The rules that say how long classes are kept.", _SCHEDULE)
record_class = _group(
    "class",
    "The classes that records are filed under.",
    {"list": Entry("vault.cli.classes:list_classes", "List the classes.")},
)
person = _group(
    "person",
    "The people who work with the vault.",
    {
        "invite": Entry("vault.cli.people:invite", "Make a one-time address that lets somebody join."),
        "list": Entry("vault.cli.people:list_people", "List everybody, with their state."),
        "reset": Entry("vault.cli.people:reset", "Make a one-time address for a new password."),
        "recover": Entry("vault.cli.people:recover", "Let the one administrator in again who lost everything."),
        "deactivate": Entry("vault.cli.people:deactivate", "Shut somebody out, at once."),
        "reactivate": Entry("vault.cli.people:reactivate", "Let somebody in again."),
        "end-sessions": Entry("vault.cli.people:end_sessions", "End every session of somebody."),
    },
)
account = _group(
    "account",
    "Your own account: name, language, password, second factors, sessions.",
    {
        "show": Entry("vault.cli.account:show", "Show who you are here, and what you prove it with."),
        "change": Entry("vault.cli.account:change", "Change your name or your language."),
        "password": Entry("vault.cli.account:password", "Change your password."),
        "sessions": Entry("vault.cli.account:list_sessions", "List where you are signed in."),
        "end-session": Entry("vault.cli.account:end_session", "End one of your sessions, or all but this one."),
        "authenticator": Entry("vault.cli.account:authenticator", "Set up an authenticator app."),
        "recovery-codes": Entry("vault.cli.account:recovery_codes", "Make new recovery codes."),
        "remove-passkey": Entry("vault.cli.account:remove_passkey", "Take a passkey of yours away."),
    },
)
token = _group(
    "token",
    "API tokens for programs of yours.",
    {
        "create": Entry("vault.cli.tokens:create", "Make a token, and print it, this once."),
        "list": Entry("vault.cli.tokens:list_tokens", "List your tokens, newest first."),
        "revoke": Entry("vault.cli.tokens:revoke", "Revoke a token, at once."),
    },
)
webhook = _group(
    "webhook",
    "Webhooks: addresses outside that are told what happens.",
    {
        "add": Entry("vault.cli.webhooks:add", "Tell an address of events from now on."),
        "list": Entry("vault.cli.webhooks:list_webhooks", "List webhooks, newest first."),
        "show": Entry("vault.cli.webhooks:show", "Show a webhook's newest messages."),
        "test": Entry("vault.cli.webhooks:send_test", "Send a test message."),
        "resend": Entry("vault.cli.webhooks:resend", "Send a message again that was given up."),
        "end": Entry("vault.cli.webhooks:end", "End a webhook, at once."),
    },
)
people_group = _group(
    "group",
    "Groups: who is in them, and which roles they grant.",
    {
        "list": Entry("vault.cli.groups:list_groups", "List groups with what they grant."),
        "show": Entry("vault.cli.groups:show", "Show who is in a group, and what it grants."),
        "people": Entry("vault.cli.groups:list_people", "List everybody with their id."),
        "add": Entry("vault.cli.groups:add", "Make a group."),
        "grant": Entry("vault.cli.groups:grant", "Let a group give a role on a class, or on all."),
        "revoke": Entry("vault.cli.groups:revoke", "Take back what a group grants."),
        "join": Entry("vault.cli.groups:join", "Add somebody to a group."),
        "leave": Entry("vault.cli.groups:leave", "Take somebody out of a group, or yourself."),
    },
)
oidc = _group(
    "oidc",
    "Sign-in by an outside provider of OpenID Connect.",
    {
        "show": Entry("vault.cli.oidc:show", "Show what is set up, mapped and bound."),
        "check": Entry("vault.cli.oidc:check", "Ask the provider what it is."),
        "map": Entry("vault.cli.oidc:map_group", "Let a group of the provider be one here."),
        "unmap": Entry("vault.cli.oidc:unmap_group", "End a mapping."),
        "bind": Entry("vault.cli.oidc:bind", "Say what the provider calls somebody."),
        "unbind": Entry("vault.cli.oidc:unbind", "Let the provider sign somebody in no more."),
    },
)
task = _group(
    "task",
    "What waits for whom.",
    {"list": Entry("vault.cli.tasks:list_tasks", "List what waits for you.")},
)
agreement = _group(
    "agreement",
    "The confidentiality agreement, signed before sensitive records open.",
    {
        "show": Entry("vault.cli.gates:show_agreement", "Show it, and whether you signed it."),
        "sign": Entry("vault.cli.gates:sign_agreement", "Sign the text that you read."),
        "publish": Entry("vault.cli.gates:publish_agreement", "Put another version in force."),
        "signatures": Entry("vault.cli.gates:list_signatures", "List who signed which version."),
    },
)
training = _group(
    "training",
    "Training and its test, passed before sensitive records open.",
    {
        "show": Entry("vault.cli.gates:show_training", "Show the material, and until when you have passed."),
        "take": Entry("vault.cli.gates:take_test", "Take the test."),
        "publish": Entry("vault.cli.gates:publish_course", "Put another version in force."),
        "attempts": Entry("vault.cli.gates:list_attempts", "List who took the test."),
    },
)
loan = _group(
    "loan",
    "Loans of records of important classes.",
    {
        "ask": Entry("vault.cli.gates:ask_loan", "Ask to borrow a record."),
        "list": Entry("vault.cli.gates:list_loans", "List your loans, and what waits for you."),
        "grant": Entry("vault.cli.gates:grant_loan", "Lend what somebody else asked for."),
        "refuse": Entry("vault.cli.gates:refuse_loan", "Refuse, with a reason."),
        "return": Entry("vault.cli.gates:give_back", "Give a record back."),
    },
)
review = _group(
    "review",
    "Permission reviews: what nobody keeps is taken back.",
    {
        "start": Entry("vault.cli.accessreviews:start", "Begin a review."),
        "list": Entry("vault.cli.accessreviews:list_reviews", "List reviews."),
        "show": Entry("vault.cli.accessreviews:show", "Show a review with the last use of each item."),
        "decide": Entry("vault.cli.accessreviews:decide", "Keep items, or take them back."),
        "report": Entry("vault.cli.accessreviews:report", "What a review came to, as JSON or CSV."),
    },
)
alarm = _group(
    "alarm",
    "Early warning: what stands out of what people open.",
    {
        "list": Entry("vault.cli.alarms:list_alarms", "List alarms."),
        "suspended": Entry("vault.cli.alarms:list_suspended", "List who is suspended."),
        "settle": Entry("vault.cli.alarms:settle", "Say what an alarm was."),
        "suspend": Entry("vault.cli.alarms:suspend", "Let somebody open nothing any more."),
        "lift": Entry("vault.cli.alarms:lift", "Let them open records again."),
        "rule": Entry("vault.cli.alarms:rule", "Show the rule, or set another."),
    },
)
permission = _group(
    "permission",
    "The one table of what each role may do.",
    {"list": Entry("vault.cli.groups:list_permissions", "Show the table.")},
)
destruction = _group(
    "destruction",
    "Destroy records and customers, for ever.",
    {
        "preview": Entry("vault.cli.destruction:show_preview", "Show exactly what would be destroyed."),
        "run": Entry("vault.cli.destruction:run", "Destroy the keys of records, and of whole customers."),
        "list": Entry("vault.cli.destruction:list_batches", "List destructions, newest first."),
        "show": Entry("vault.cli.destruction:show", "Show a destruction and how far it came."),
        "resume": Entry("vault.cli.destruction:resume", "Finish what was begun and cut off."),
    },
)
paper = _group(
    "paper",
    "Paper originals: their boxes, and their end.",
    {
        "keep": Entry("vault.cli.paper:keep", "Say in which box a record's paper is."),
        "show": Entry("vault.cli.paper:show", "Show where a record's paper is."),
        "list": Entry("vault.cli.paper:list_box", "List what is in a box."),
        "destroy": Entry("vault.cli.paper:destroy", "Say how a destroyed record's paper was destroyed."),
    },
)
label = _group(
    "label",
    "Labels of files and boxes.",
    {"print": Entry("vault.cli.labels:print_labels", "Print labels as PDF.")},
)
certificate = _group(
    "certificate",
    "Certificates of destruction, for those outside.",
    {
        "list": Entry("vault.cli.certificates:list_certificates", "List certificates, newest first."),
        "show": Entry("vault.cli.certificates:show", "Show a certificate, checked."),
        "export": Entry("vault.cli.certificates:export", "Write a certificate into a file, as JSON or PDF."),
        "verify": Entry("vault.cli.certificates:verify", "Check a certificate that somebody holds out."),
        "names": Entry("vault.cli.certificates:names", "Show the names behind a certificate's ids."),
        "issue": Entry("vault.cli.certificates:issue", "Issue what is due now."),
    },
)
hold = _group(
    "hold",
    "Legal holds: matters that freeze records.",
    {
        "place": Entry("vault.cli.holds:place", "Place a hold on records, customers, classes, or words."),
        "add": Entry("vault.cli.holds:add", "Add to the scope of a matter."),
        "list": Entry("vault.cli.holds:list_matters", "List matters, newest first."),
        "show": Entry("vault.cli.holds:show", "Show a matter and what it holds."),
        "propose-release": Entry("vault.cli.holds:propose_release", "Propose to release a matter."),
        "withdraw-release": Entry("vault.cli.holds:withdraw_release", "Take a proposed release back."),
        "release": Entry("vault.cli.holds:release", "Release a matter that another person proposed to release."),
        "mirror": Entry("vault.cli.holds:mirror_now", "Set the legal holds in the store now."),
    },
)
disposition = _group(
    "disposition",
    "Disposal lists: proposed, reviewed, signed, executed.",
    {
        "list": Entry("vault.cli.disposition:list_lists", "List disposal lists, newest first."),
        "show": Entry("vault.cli.disposition:show", "Show a list, its records, and who signed."),
        "transfers": Entry("vault.cli.disposition:transfers", "List records that are to be handed over."),
        "propose": Entry("vault.cli.disposition:propose", "List what is due, or what was filed in error."),
        "review": Entry("vault.cli.disposition:review", "Decide on records of a list."),
        "sign": Entry("vault.cli.disposition:sign", "Sign a list in the part that is next."),
        "object": Entry("vault.cli.disposition:object_to", "Take records off a list, with a reason."),
        "execute": Entry("vault.cli.disposition:execute", "Destroy what stands on an approved list."),
        "cancel": Entry("vault.cli.disposition:cancel", "Cancel an open list."),
        "resume": Entry("vault.cli.disposition:resume", "Let automatic expiry go on after it paused."),
    },
)
notice = _group(
    "notice",
    "Notices of destruction: who is told, and that they were.",
    {
        "list": Entry("vault.cli.notices:list_notices", "List notices, newest first."),
        "show": Entry("vault.cli.notices:show", "Show what a notice says."),
        "tell": Entry("vault.cli.notices:tell", "Say that customers were told of a list."),
    },
)
keeper = _group(
    "keeper",
    "The keepers of the root key.",
    {
        "status": Entry("vault.cli.keeper:status", "Show how each keeper stands."),
        "add": Entry("vault.cli.keeper:add", "Add a keeper: a sealed file, a PKCS#11 token, a TPM."),
        "remove": Entry("vault.cli.keeper:remove", "Destroy what a keeper holds, and remove it."),
        "rotate": Entry("vault.cli.keeper:rotate", "Replace the root key."),
        "share": Entry("vault.cli.keeper:share", "Print recovery shares of a keeper's unlock secret."),
        "recover": Entry("vault.cli.keeper:recover", "Open a keeper with recovery shares, and unlock it anew."),
    },
)
backup = _group(
    "backup",
    "Copies of everything but the root keys.",
    {
        "run": Entry("vault.cli.backup:run", "Take a backup: copy what is new, dump the catalogue."),
        "list": Entry("vault.cli.backup:list_backups", "List the backups, newest first."),
        "verify": Entry("vault.cli.backup:verify", "Read a whole backup again and say what is wrong with it."),
    },
)
audit = _group(
    "audit",
    "The log: read it, prove and check it, take it away.",
    {
        "tail": Entry("vault.cli.audit:tail", "Show the newest entries."),
        "search": Entry("vault.cli.audit:search", "Find entries by what they tell."),
        "prove": Entry("vault.cli.audit:prove", "Prove that an entry is in the published log."),
        "verify": Entry("vault.cli.audit:verify", "Check the whole log, and the catalogue against it."),
        "checks": Entry("vault.cli.audit:checks", "Show the checks that were made, and their verdicts."),
        "export": Entry("vault.cli.audit:export", "Write the log into a folder that is checked without the vault."),
        "keys": Entry("vault.cli.audit:keys", "Show the log's verifier keys."),
        "rotate-key": Entry("vault.cli.audit:rotate_key", "Put a new signing key in force, signed by the old one."),
    },
)
fonds = _group(
    "fonds",
    "The companies of the vault.",
    {
        "add": Entry("vault.cli.fonds:add", "Add a fonds, with keys, people and a log of its own."),
        "list": Entry("vault.cli.fonds:list_fonds", "List the fonds of the vault."),
        "rename": Entry("vault.cli.fonds:rename", "Say what the company of a fonds is called."),
    },
)
upkeep = _group(
    "upkeep",
    "The work that the vault does by itself.",
    {"run": Entry("vault.cli.upkeep:run", "Do now what is due.")},
)

_ENTRIES: Final = {
    "init": Entry("vault.cli.home:init", "Make the home: keys, catalogue and object store."),
    "serve": Entry("vault.cli.home:serve", "Serve the pages and do upkeep, until stopped."),
    "login": Entry("vault.cli.people:login", "Sign in; commands then act as you."),
    "logout": Entry("vault.cli.people:logout", "Sign out."),
    "doctor": Entry("vault.cli.home:doctor", "Check that everything is as it must be."),
    "record": Entry("vault.cli.main:record", "Add, find, open and correct records."),
    "customer": Entry("vault.cli.main:customer", "The customers whose records are kept."),
    "class": Entry("vault.cli.main:record_class", "The classes that records are filed under."),
    "schedule": Entry("vault.cli.main:schedule", "The rules that say how long classes are kept."),
    "link": Entry("vault.cli.main:link", "Signed links that open one record, for a time."),
    "account": Entry("vault.cli.main:account", "Your own account."),
    "token": Entry("vault.cli.main:token", "API tokens for programs of yours."),
    "person": Entry("vault.cli.main:person", "The people who work with the vault."),
    "group": Entry("vault.cli.main:people_group", "Groups: who is in them, and which roles they grant."),
    "oidc": Entry("vault.cli.main:oidc", "Sign-in by an outside provider of OpenID Connect."),
    "task": Entry("vault.cli.main:task", "What waits for whom."),
    "agreement": Entry("vault.cli.main:agreement", "The confidentiality agreement."),
    "training": Entry("vault.cli.main:training", "Training and its test."),
    "loan": Entry("vault.cli.main:loan", "Loans of records of important classes."),
    "review": Entry("vault.cli.main:review", "Permission reviews: what nobody keeps is taken back."),
    "alarm": Entry("vault.cli.main:alarm", "Early warning: what stands out of what people open."),
    "permission": Entry("vault.cli.main:permission", "The one table of what each role may do."),
    "destruction": Entry("vault.cli.main:destruction", "Destroy records and customers, for ever."),
    "certificate": Entry("vault.cli.main:certificate", "Certificates of destruction, for those outside."),
    "disposition": Entry("vault.cli.main:disposition", "Disposal lists: proposed, reviewed, signed, executed."),
    "notice": Entry("vault.cli.main:notice", "Notices of destruction: who is told, and that they were."),
    "label": Entry("vault.cli.main:label", "Labels of files and boxes."),
    "paper": Entry("vault.cli.main:paper", "Paper originals: their boxes, and their end."),
    "hold": Entry("vault.cli.main:hold", "Legal holds: matters that freeze records."),
    "fonds": Entry("vault.cli.main:fonds", "The companies of the vault."),
    "keeper": Entry("vault.cli.main:keeper", "The keepers of the root key."),
    "backup": Entry("vault.cli.main:backup", "Take, list and verify backups."),
    "restore": Entry("vault.cli.backup:restore", "Restore a backup, led forward to what was destroyed since."),
    "rebuild": Entry("vault.cli.backup:rebuild", "Make the catalogue again from the object store and the root."),
    "drill": Entry("vault.cli.backup:drill", "Prove that the newest backup comes back."),
    "audit": Entry("vault.cli.main:audit", "The log: read it, prove and check it, take it away."),
    "webhook": Entry("vault.cli.main:webhook", "Webhooks: addresses outside that are told what happens."),
    "upkeep": Entry("vault.cli.main:upkeep", "The work that the vault does by itself."),
}


class _Root(LazyGroup):
    """The command itself; a reader of its output who goes away is no error."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            outcome = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Keep the interpreter from flushing into the closed pipe once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return exits.READER_GONE
        return outcome


@click.group(cls=_Root, entries=_ENTRIES, epilog=_EPILOG)
@click.option("--home", type=click.Path(path_type=Path), help="The vault's home folder, in place of STRONGROOM_HOME.")
@click.option("--fonds", metavar="CODE", help="The fonds that is meant, in place of STRONGROOM_FONDS; else the first.")
@click.option("--debug", is_flag=True, envvar="STRONGROOM_DEBUG", help="Show where an unexpected error came from.")
@click.version_option(package_name="strongroom", message="%(prog)s %(version)s")
@speaking
@click.pass_obj
def cli(invocation: Invocation, home: Path | None, fonds: str | None, debug: bool) -> None:
    """Strongroom, a records vault: keeps records sealed, shows them to those who may see them.

    Data goes to stdout, talk to stderr. Every command takes --json.
    """
    invocation.debug = debug
    if home is not None:
        invocation.settings_given["home"] = home.absolute()
    if fonds is not None:
        invocation.settings_given["fonds"] = fonds


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process with its exit code."""
    invocation = Invocation()
    signal.signal(signal.SIGTERM, _end)
    sys.excepthook = _Unexpected(invocation)
    sys.exit(run_command(invocation, arguments))


def run_command(invocation: Invocation, arguments: Sequence[str] | None = None) -> int:
    """Runs one command; gives its exit code. Errors that nobody foresaw go on to the caller."""
    speech = invocation.speech
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    speech.json = "--json" in given
    try:
        outcome = cli.main(args=given, prog_name="strongroom", standalone_mode=False, obj=invocation)
    except StrongroomError as error:
        code = exits.code_of(error)
        speech.error(error.code, error.message, exit_code=code)
        return code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return exits.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "strongroom"
        message = f"{error.format_message()} (see `{path} --help`)"
        speech.error("usage", message, exit_code=exits.USAGE)
        return exits.USAGE
    except click.ClickException as error:
        speech.error("usage", error.format_message(), exit_code=exits.USAGE)
        return exits.USAGE
    except (click.Abort, KeyboardInterrupt):
        speech.error("interrupted", "interrupted", exit_code=exits.INTERRUPTED)
        return exits.INTERRUPTED
    return outcome if isinstance(outcome, int) else exits.OK


def _end(number: int, frame: FrameType | None) -> None:
    """On SIGTERM: unwinds, so that what was begun is given up in order and the store is left."""
    raise SystemExit(exits.TERMINATED)


class _Unexpected:
    """Tells an error that nobody foresaw: one line with a reference to the place; the traceback on demand."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if self._invocation.debug:
            traceback.print_exception(kind, error, trace)
        frames = traceback.extract_tb(trace)
        place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "start"
        # The message of a foreign error may hold personal data; its kind and the place it came from do not.
        steps = "|".join(f"{frame.name}:{frame.lineno}" for frame in frames)
        reference = hashlib.sha256(f"{kind.__name__}|{steps}".encode()).hexdigest()[:8]
        message = (
            f"an unexpected error ({kind.__name__} at {place}, reference {reference}); what was acknowledged is safe; "
            "run it again with `strongroom --debug ...` and report what it shows"
        )
        self._invocation.speech.error("unexpected", message, exit_code=exits.BROKEN)
