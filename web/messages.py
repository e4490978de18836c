"""Messages of the vault's errors that pages say in the visitor's language; the others are told by their code's advice.

Rule 1: the text is the vault's, letter for letter; where the vault counts, the count is its constant's.
Rule 2: a message with names and numbers in it is recognised by its form (``FORMS``), these in place of the braces.
"""

from __future__ import annotations

import re
from typing import Final

from web.i18n import Language, later

MESSAGES: Final = frozenset(
    {
        later("a correction has one file; choose one"),
        later("a correction needs a reason; give one"),
        later("a customer needs a name; give one"),
        later("a link can be used 1 to 1000 times"),
        later("a link lives from one minute to 90 days"),
        later("a pass code has 6 to 64 characters"),
        later("a record needs a class; choose one"),
        later("a record needs a title; give one"),
        later("an upload under this idempotency key is still under way; wait for it and ask again"),
        later("another site asked for this; open the page here and try again"),
        later("choose hours or days"),
        later("no customer is named; name some, or all that wait"),
        later("remark is longer than 200 characters, or more than a line"),
        later("lifetime must be a whole number from 1 to 2160"),
        later("login holds a control character; remove it"),
        later("login is empty; give one"),
        later("login is longer than 64 characters"),
        later("name holds a control character (a line break, say); remove it"),
        later("name holds a control character; remove it"),
        later("name is empty; give one"),
        later("name is longer than 200 characters; shorten it"),
        later("name is longer than 64 characters"),
        later("no file was chosen; choose at least one"),
        later("nobody is invited to that role"),
        later("nothing is named that is to be destroyed; name records or customers"),
        later("note holds a control character; remove it"),
        later("note is longer than 2000 characters; shorten it"),
        later("note is longer than 4000 characters; shorten it"),
        later("place is longer than 200 characters; shorten it"),
        later("reason is longer than 1000 characters; shorten it"),
        later("search for at most 200 characters"),
        later("sign-in name and password do not match"),
        later("the file has no name; give one"),
        later("the file's name holds a control character; rename the file"),
        later("the file's name is longer than 255 bytes; rename it"),
        later("the form ended early; send it again"),
        later("the form's token is missing or old; load the page anew and try again"),
        later("the note is longer than 4000 characters"),
        later("the pass code is wrong; ask the sender of the link for it"),
        later("the password is longer than 256 characters"),
        later("the password is shorter than 12 characters"),
        later("the upload ended before its last part; nothing was stored; send it again"),
        later("there is no such address"),
        later("there is no such customer; look the number up in the list"),
        later("there is no such link; look it up in the list"),
        later("there is no such record, or its content no longer exists"),
        later("there is no such record; look it up in the list"),
        later("there is no such role"),
        later("there is no such state"),
        later("there is nothing here for you"),
        later("this download has sent as many bytes as it may; open the link again"),
        later("this download was started more than 24 hours ago; open the link again"),
        later("this invitation was used or has expired; ask for a new one"),
        later("this is not a date; write it like 2026-03-31"),
        later("this link has been used as often as it may be; ask its sender for a new one"),
        later("this link has expired; ask its sender for a new one"),
        later("this link was withdrawn; ask its sender for a new one"),
        later("title holds a control character (a line break, say); remove it"),
        later("title is longer than 300 characters; shorten it"),
        later("too many wrong pass codes; wait 15 minutes and try again"),
        later("too many wrong tries; wait 15 minutes and try again"),
        later("too much is under way at once; try again in a few seconds"),
        later("the catalogue was not rebuilt, or its holds are confirmed; there is nothing to do"),
        later("there is no such destruction; look it up in the list"),
        later("this is not how many would be destroyed; type the number that stands above"),
        later("what would be destroyed has changed since it was shown; look at it again"),
        later("you have confirmed the holds already; a second person has to do it, too"),
        later("other destructions came first again and again; nothing was destroyed; try again"),
        later("a destruction needs two people; whoever has nobody else says --i-am-alone, which is logged"),
        later("uses_max must be a whole number from 1 to 1000"),
        later("what this link led to no longer exists; ask its sender"),
        later("your session has ended; sign in again"),
        later("a class needs a title in Chinese and one in English"),
        later("a class that is kept for ever has no months"),
        later("a class that needs two supervisors is never destroyed without a person"),
        later("a class without a period is kept for ever, and no other is; give a period, or 'keep'"),
        later("a code has 2 to 40 characters a-z, 0-9 and hyphens, and begins with a letter"),
        later("a rule needs a reason; say why it is to change"),
        later("choose one of those that are offered"),
        later("COMPLIANCE, which nobody can shorten, is for periods that a law sets; cite it"),
        later("nothing is named that is to be held; name records, customers, classes or words"),
        later("one of the numbers names no record; look it up in the list"),
        later("only destruction goes without a person; choose the action 'destroy'"),
        later("there is a class with this code already; open it, and propose a change there"),
        later("there is no such class; look it up in the schedule"),
        later("there is no such matter; look it up in the list"),
        later("this is not the class's code; type it as it stands above"),
        later("this is not the matter's number; type it as it stands above"),
        later("this proposal has been decided on already; look at the class again"),
        later("what the rule would change is not what was shown; look at it again"),
        later("a reviewer decides one of: destroy, extend, keep, reclassify, transfer"),
        later("an extension needs the day until which it lasts"),
        later("automatic expiry stopped for another reason meanwhile; look at it again"),
        later("name the class that it belongs to"),
        later(
            "nobody is alone here: two people can sign. Propose a disposal list with `strongroom disposition propose`, "
            "and let another person sign it"
        ),
        later("nothing is chosen; choose records, or all that are pending"),
        later("nothing is named that somebody objects to; name records"),
        later("nothing is named that was filed in error; name records"),
        later("place is empty; say why, or how"),
        later("method is empty; say why, or how"),
        later("reason is empty; say why, or how"),
        later("the day until which a record is left alone has to come yet"),
        later("the list has changed since it was shown; look at it again"),
        later("this is not the number that stands above; type it"),
        later("1 to 8 people approve a list; name the title of each"),
        later("you restricted this record; a second person has to lift that"),
        later("a box's number has 1 to 40 letters, digits, dots, slashes and hyphens"),
        later("a weight is 1 to 100000000 grams"),
        later("the destruction of paper has 2 to 5 different witnesses; name them"),
        later("this is not the record's number; type it as it stands above"),
        later("vendor is empty; give one"),
        later("you have proposed this release; a second person has to confirm it"),
    }
)

FORMS: Final = (
    later("{0} customers have not been told of list {1}; tell them, then say so with `strongroom notice tell`"),
    later("nobody waits to be told of list {0}"),
    later("this customer's notice of list {0} is told already; leave it out"),
    later("this customer's notice of list {0} is dropped already; leave it out"),
    later("class {0} proposes: {1}; say why it is destroyed instead"),
    later("list {0} has changed meanwhile; look at it again"),
    later("you have signed list {0} as its proposer; its {1} is somebody else"),
    later("you have signed list {0} as its approver; its {1} is somebody else"),
    later("you have signed list {0} as its supervisor; its {1} is somebody else"),
    later("list {0} is signed; object to a record, or cancel the list"),
    later("nothing on list {0} is pending; name the records to decide on again"),
    later("objections to list {0} may be made until {1}; execute it after that"),
    later("the last record of list {0} becomes due on {1}; execute it then"),
    later("everybody has signed list {0} already; execute it"),
    later("list {0} is executed by upkeep; nobody else does it"),
    later("the rule of class {0} has changed since list {1} was made; cancel it, and propose another"),
    later("{0} records of list {1} are pending, and silence never approves; decide on each first"),
    later("record {0} stands on list {1}; cancel that, or decide on it there"),
    later("record {0} may only be stored; have the restriction lifted first"),
    later("record {0} may only be stored already"),
    later("record {0} is not restricted"),
    later("the records are of classes {0}; make a list a class"),
    later("class {0} is retired already"),
    later("class {0} says so already; change something, or leave it as it is"),
    later("record {0} is destroyed already: a hold comes too late; leave it out"),
    later("record {0} is erasing already: a hold comes too late; leave it out"),
    later("the release of matter {0} is not proposed; propose it first"),
    later("matter {0} is released already; that is final"),
    later("version {0} of class {1} is proposed already; approve or withdraw it first"),
    later("version {0} of class {1} was proposed by you; somebody else has to approve it"),
    later("{0} records have class {1}; file them under another class first, or keep it for them"),
    later("{0} records of class {1} have a date for '{2}', which says nothing about '{3}'; make it a class of its own"),
)


def message_text(language: Language, message: str) -> str | None:
    """A message in the visitor's language, None where it has none."""
    if language.tag == "en" or message in MESSAGES:
        return language.text(message)
    for form, pattern in _PATTERNS:
        found = pattern.fullmatch(message)
        if found is not None:
            return language.text(form).format(*found.groups())
    return None


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d\\\}", "(.+?)", re.escape(form)))


_PATTERNS: Final = tuple((form, _pattern(form)) for form in FORMS)
