"""Messages of the vault's errors that pages say in the visitor's language; the others are told by their code's advice.

Rule 1: the text is the vault's, letter for letter; where the vault counts, the count is its constant's.
"""

from __future__ import annotations

from typing import Final

from web.i18n import later

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
        later("uses_max must be a whole number from 1 to 1000"),
        later("what this link led to no longer exists; ask its sender"),
        later("your session has ended; sign in again"),
    }
)
