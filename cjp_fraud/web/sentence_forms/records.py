"""What the audit log says against itself and against the rows on record, and where its signed heads stand."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    _("entry %(entry)s (%(action)s): the act wrote no row of %(table)s, and must have"),
    _("%(row)s: its words do not match its sha256; they were changed"),
    _("%(table)s %(row)s is named by entry %(entry)s (%(action)s) and not on record: it was removed"),
    _("entry %(entry)s (%(action)s): moves the case from %(before)s, but the log left it %(left)s"),
    _("%(row)s: its %(content)s does not match its %(column)s; it was changed"),
    _("%(row)s: its %(content)s is gone, but it was not erased; it was taken away"),
    _("%(row)s has no entry in the log that names it: the row was slipped in, or the entry was removed"),
    _("%(row)s says who made it, but the entry that names it first is of %(author)s"),
    _("%(row)s was erased, and no entry %(action)s of the log names it: it was taken away"),
    _("%(row)s: it was erased, but has its %(content)s again; somebody put it there"),
    _(
        "%(row)s is not as entry %(entry)s (%(action)s), the newest that names it, left it: it was changed since"
    ),
    _("%(row)s cannot be read (%(technical)s): it was edited behind the application"),
    _("cases %(id)s: its rows cannot be read (%(technical)s); they were changed"),
    _("%(where)s: expected entry %(entry)s; entries are missing or out of order"),
    _("%(where)s: its fields do not match its digest; it was changed after it was written"),
    _("%(where)s: is dated after it was recorded"),
    _("%(where)s: was recorded before the entry that it follows"),
    _("%(where)s: does not follow from entry %(entry)s"),
    _("%(where)s: its link digest is wrong"),
    _(
        "the head %(digest)s that was kept elsewhere is not in the chain: the log was written anew, entries were "
        "removed at its end, or the head is another database's"
    ),
    _(
        "no entry of the log names the key %(key)s, which signs its heads: the key was replaced, or the log was "
        "written anew"
    ),
    _("the trigger %(trigger)s, which keeps the log append-only, is not there or switched off"),
    _(
        "audit_entries_of_rows does not say that entry %(entry)s names the row %(row)s: it was removed behind "
        "the application"
    ),
    _("entry %(entry)s makes the home again, which is made once"),
    _(
        "entry %(entry)s moves the clock of a home whose clock is not simulated: what was done since then may "
        "have been dated at will"
    ),
    _(
        "entry %(entry)s has the digest %(digest)s, but the head signed on %(moment)s says %(digest_2)s%(rest)s: "
        "the log was written anew since"
    ),
    _(" (%(num)s later heads contradict it too)"),
    _(
        "the log ends with entry %(entry)s, but a head signed on %(moment)s is of entry %(entry_2)s: entries "
        "were removed at its end"
    ),
    _(
        "%(place)s lies beside the database and is no second place: whoever rewrites the log can remove the "
        "heads too. Set CJP_FRAUD_HEADS_URL to a place where this machine can only add files"
    ),
    _(
        "there is no head of this home in %(place)s: they were removed, or the place is new. Bring them back, "
        "or, if the place is new, put the first one there: cjp-fraud init"
    ),
    _(
        "%(said)s: it was not kept yet, or newer heads were removed from %(place)s; cjp-fraud run-due keeps the "
        "next one"
    ),
    _("no head was signed since the measure of entry %(entry)s (%(action)s)"),
    _("no head was signed since %(moment)s"),
    _("the home's key is %(key)s, not the one that was given: the key was replaced"),
    _("reader %(number)s"),
    # keys and heads
    _(
        "is signed with key %(key)s…, and the key that counts is %(key_2)s: the key was replaced, or the head is "
        "another home's"
    ),
    _("its signature does not fit: it was changed after it was signed"),
    _("it is no signed head: not JSON"),
    _("it cannot be read (%(technical)s)"),
    _("%(file)s in %(place)s: %(said)s"),
    _("%(file)s is no Ed25519 key; put it back from a backup"),
    _("it is no Ed25519 public key"),
    _("it is no public key in PEM (-----BEGIN PUBLIC KEY-----)"),
    _(
        "there is no public key in %(place)s that the head of the log could be verified with; put it back from a "
        "backup, or run: cjp-fraud init"
    ),
    _(
        "there is no key at %(place)s that signs the head of the log; put it back from a backup, or make a new "
        "one: cjp-fraud init"
    ),
    _("the key %(file)s cannot be read: %(technical)s"),
    _("%(file)s is no private key in PEM without a password; put it back from a backup"),
    _("the public key %(file)s cannot be used: %(said)s"),
    _(
        "the second place of signed heads is not there: %(place)s. Bring it back (a disk that is not mounted, a "
        "folder that was removed), or set CJP_FRAUD_HEADS_URL and make it: cjp-fraud init"
    ),
    _("the second place of signed heads, %(place)s: %(technical)s"),
    _("%(file)s cannot be read: %(technical)s; name the file of a public key"),
    _("the head is not signed: %(said)s. See cjp-fraud audit verify"),
    # clocks
    _(
        "%(said)s shows %(moment)s, but the newest entry of the audit log was recorded at %(moment_2)s: nothing "
        "is recorded backwards; set the clock right and run again"
    ),
    _(
        "the act is dated %(moment)s, but %(said)s shows %(moment_2)s: nothing is recorded that lies in the "
        "future; set the clocks right and run again"
    ),
    _(
        "the act is dated %(moment)s, but %(said)s shows %(moment_2)s: an act is recorded when a person does it, "
        "and cannot be dated back"
    ),
    _("this machine's clock"),
    _("the simulated clock"),
    _("the database server's clock"),
)
"""The more particular before the more general: the first that fits says it."""
