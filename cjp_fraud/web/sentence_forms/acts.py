"""Why an act of a person was refused: on a case, a claim, a dispute, a letter, a measure, a contract."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    # parts that somebody took
    _("claimed"),
    _("released"),
    _("handed over"),
    _("put aside"),
    _("commented"),
    _("edited"),
    _("determined"),
    _("returned"),
    _("refused"),
    _("approved"),
    _("stated need"),
    _("withdrew"),
    _("ordered stop"),
    _("cleared stop"),
    _("let notice stand"),
    _("looked"),
    _("reaffirmed"),
    _("reinstated"),
    _("opened dispute"),
    _("narrowed"),
    _("held stages"),
    _("resumed stages"),
    _("ordered letter"),
    # who may
    _("%(name)s took part in this case (%(parts)s); somebody who took no part refuses"),
    _("%(name)s took part in this case; somebody who took no part refuses; return it instead"),
    _("the user %(name)s"),
    _("%(name)s's role %(role_named)s"),
    _("%(name)s's password"),
    _("%(name)s's account %(account)s"),
    _("%(name)s is not on record"),
    _("%(name)s is neither a reviewer nor an approver"),
    _("%(name)s is neither approver nor counsel"),
    _("%(name)s is neither an approver nor counsel"),
    _("%(name)s is neither counsel nor an approver"),
    _("%(name)s is neither approver, counsel nor reviewer"),
    _("%(name)s is neither reviewer, approver nor counsel"),
    _("%(name)s is not an admin; give --as ADMIN"),
    _("%(name)s is not an admin; give --as ADMIN (cjp-fraud users list shows who is)"),
    _("%(name)s has none of the roles %(listed_roles)s"),
    _("%(name)s has no role that reads cases"),
    _("%(name)s is disabled"),
    # reach
    _("the case lies outside of what %(name)s's role %(role_named)s is narrowed to"),
    _("case %(case)s lies outside of what %(name)s's roles are narrowed to"),
    _("case %(case)s (%(channel)s, %(place)s) lies outside of what %(name)s's roles are narrowed to"),
    _("tenant %(tenant)s lies outside of what %(name)s's roles are narrowed to"),
    _("the event concerns cases outside of what %(name)s's roles are narrowed to"),
    _("no case of this cause lies within what %(name)s's roles are narrowed to"),
    _("no case of this bulk dismissal lies within what %(name)s's roles are narrowed to"),
    _(
        "some of its cases lie outside of what %(name)s's role reviewer is narrowed to; whoever reaches all undoes it"
    ),
    _("case %(case)s"),
    # approvals
    _("it is %(state)s; only a %(state_2)s case can be approved"),
    _("it is %(state)s; only a determined case can be returned"),
    _("say why: what is to be changed"),
    _("it is %(state)s; there is no approved measure to be taken"),
    _("%(name)s has approved it already"),
    _(
        "a letter that went out since says that nothing is restricted before %(moment)s, and the proposed notice "
        "does not; return the proposal, and determine the case again"
    ),
    _("the proposal expired at %(moment)s; it must be determined again"),
    _("the proposal changed: %(digest)s was expected and %(digest_2)s stands; read it again"),
    _("it is %(state)s; only a determined case can be refused"),
    _("say why the finding does not hold"),
    _("%(name)s refused this finding at %(moment)s; it needs a further flag, ground or kind of evidence"),
    # emergencies
    _("it is %(state)s; only a determined case can be restricted in an emergency"),
    _("say why it cannot wait for an approval"),
    _("it was ordered in an emergency before; it needs an approval now"),
    _("it is %(state)s, and no emergency measure waits for an approval"),
    _("nobody approved it by %(moment)s; it ends by itself"),
    # findings
    _("say the tenant's part: victim, complicit or unknown"),
    _("name at least one ground that fits the flagged traffic, of %(kinds)s"),
    _(
        "the ground %(kind)s speaks of other traffic than what was flagged (%(streams)s); those that fit: %(kinds)s"
    ),
    _("not flags in force of this case: %(names)s"),
    _("no flag in force is named; a determination needs what spiked"),
    _("say the kind of measure too: %(kinds)s"),
    _("say the kind of measure too"),
    _("it is %(state)s; only dismissed, expired and withdrawn cases are opened again"),
    _("the tenant has an open case: case %(case)s"),
    _("the tenant has an open case already: case %(case)s"),
    _("it is %(state)s; only approved, noticed and notice_failed cases are withdrawn"),
    _("it is %(state)s; only a case in review is decided"),
    # claims
    _(
        "%(name)s holds it until %(until)s; ask %(name_2)s to hand it over, or wait until then (where that "
        "cannot wait, a reviewer releases it first)"
    ),
    _("%(name)s does not hold it; its holder or a reviewer may %(said)s"),
    _("hand it over"),
    _("put it aside"),
    _(
        "a case is put aside until a moment after now and within %(num)s days, in which it is back at the latest"
    ),
    _("%(said)s lies outside of what %(name)s's roles are narrowed to"),
    _("no episode %(id)s is on the overflow list; cjp-fraud cases list --overflow shows it"),
    _("no case %(id)s is on record; cjp-fraud cases list shows those that are"),
    # comments and mentions
    _("the comment has %(num)s characters; %(num_2)s at most"),
    _("character %(place)s of the comment is U+%(sign)s, which nobody sees; take it out"),
    _("it names %(num)s people with @, and %(num_2)s is the most"),
    _("@%(name)s may not see %(said)s: no role of theirs reads cases"),
    _("@%(name)s may not see %(said)s: their roles are narrowed to others"),
    _("nobody is called @%(name)s; write the name of a user, or leave the @ out"),
    _("a draft of more than %(num)s characters is not kept; shorten it"),
    # attachments
    _("%(file)s is empty; attach the file itself"),
    _(
        "%(file)s is of no kind that is taken: PDF, PNG, JPEG, GIF, WebP, WAV, MP3, Ogg, pcap, zip, gzip, office "
        "documents and plain text are; no programs"
    ),
    _("%(file)s holds %(content)s by its content, and such a name ends with %(ends)s; rename the file"),
    _(
        "the file is larger than %(num)s MB (CJP_FRAUD_ATTACHMENT_MEGABYTES); attach the part that the case rests on"
    ),
    _("the file has no name, or one that begins with a dot; rename it"),
    _("the file's name has %(num)s characters; %(num_2)s at most: rename it"),
    _("character %(place)s of the file's name is U+%(sign)s, which nobody sees; rename the file"),
    _("it has %(num)s attachment(s), and %(num_2)s is the most (CJP_FRAUD_ATTACHMENTS_PER_CASE)"),
    # the customer is asked
    _("the contract has no out-of-band contact"),
    _(
        "no out-of-band contact was on record and verified before the first flag, and whoever took the account "
        "may have entered it since"
    ),
    _("name the contact by its id: %(names)s"),
    _("say what is asked"),
    _("the customer was asked already; record the answer first"),
    _("it is %(state)s; an answer counts before the case is decided"),
    _("the customer was not asked, or has answered"),
    _("say what the answer is: %(kinds)s"),
    _("give the customer's words"),
    # bulk
    _("it could be undone until %(moment)s"),
    _("it was undone before its turn came"),
    _("it is no case of the event any more: detection has looked again, or the event was withdrawn"),
    _("the event is on record as %(kind)s, and %(kind_2)s was given"),
    _("the reasons were erased"),
    _("no case in the queue has the cause %(id)s; cjp-fraud bulk causes lists those there are"),
    _("no bulk dismissal %(id)s is on record; cjp-fraud bulk list shows them"),
    # disputes
    _("no fraud was ever determined on it, and nothing capped; there is nothing to dispute"),
    _("give the tenant's words"),
    _("no dispute %(id)s is on record; cjp-fraud disputes list shows them"),
    _("it was %(decided)s already"),
    _("give the reasons of the decision"),
    _("nothing in it can be disputed"),
    _("more than %(num)s characters"),
    _("the time in which it could be disputed is over"),
    # known events
    _("say in a few words what happens"),
    _("the words are %(num)s characters, and %(num_2)s at most"),
    _("moments need a zone and a year from %(year)s to %(year_2)s"),
    _("it must end after it begins"),
    _("it may last %(num)s days at most"),
    _("%(channel)s is no channel; they are %(names)s"),
    _("countries narrow an event of all tenants; leave them out where one tenant is named"),
    _("no known event %(id)s is on record; cjp-fraud known-events list shows them"),
    # second readings
    _("nothing was drawn under %(id)s; quality list names what waits"),
    _("it was read already"),
    _("say why (reasons)"),
    _("%(name)s has read the case or its tenant's page, and knows how it was decided"),
    _("no second reading %(id)s waits; it was read, or never drawn"),
    # views and shifts
    _("give the view a name of 1 to 80 characters"),
    _("%(name)s keeps %(num)s views; remove one"),
    _("%(name)s keeps no view %(id)s"),
    _("%(text)s is no place in the queue; give what the page before named as next, or nothing"),
    _("the page before was ordered by %(order)s; go on in the same order, or begin anew"),
    _("a page of %(num)s cases: give at least 1"),
    _("no handover %(id)s is on record; cjp-fraud shift handovers lists them"),
    _("%(name)s handed it over; the next lead takes it over"),
    _("%(name)s took it over already"),
    # stops
    _("give the reasons of the order"),
    _("a dispute decided for the tenant is never cleared; what is flagged later gets its own case"),
    _("no %(stop)s stands on %(said)s"),
    _("%(num)s stops stand; name one: %(names)s"),
    _("no notice %(id)s belongs to it"),
    # measures in force
    _(
        "it is %(state)s; only a measure in force can be narrowed. Uphold or reject the dispute, or withdraw the "
        "case and determine it again"
    ),
    _("it is %(state)s; a measure follows a notice"),
    _("it is %(state)s; only a suspended case is reaffirmed"),
    _("it is %(state)s; only a suspended case is reinstated"),
    _("it is %(state)s; only a measure in force has a cause to correct"),
    _("it is on record already that the cause is gone"),
    _("the contract states no lift rule; an approver lifts it: cjp-fraud measures reinstate"),
    _("it was ordered in an emergency and is not approved yet"),
    _("its cause is gone, as is on record; it is lifted"),
    _("its cause is gone, as is on record; it is not kept"),
    _("its end has passed; it lapses"),
    _("its review date %(moment)s has passed; it lapses"),
    _("it already runs to the end of the term or of the contract's longest duration"),
    _("%(name)s has reaffirmed it already; another approver must"),
    _("give fresh reasons, in %(num)s words or more: what you saw, and why the measure is still needed"),
    _("these reasons were given before; give fresh ones"),
    # stages
    _("it is being lifted in stages already; hold that plan, let it go on, or lift the measure at once"),
    _("it is held already"),
    _("it is not held"),
    _("it is %(state)s, and nothing of it is being lifted in stages"),
    _("say of each stage what stays restricted: the kind of measure and its scope"),
    _("it has %(num)s stages; %(num_2)s are the most"),
    _("stage %(num)s: %(said)s"),
    _("stage %(num)s is not narrower than stage %(num_2)s"),
    _("the measure ends by itself at %(moment)s; the full lift must come before"),
    _("it has no stage; without one, lift the measure at once"),
    _("%(text)s is no moment of a stage; write %(forms)s"),
    _("%(said)s does not come after %(said_2)s"),
    _("the full lift"),
    _("stage %(num)s"),
    # letters that a person orders
    _("it is %(state)s; a conditional warning goes out before the determination"),
    _("it is not known how a conditional warning is served"),
    _("no flag is in force; there is nothing to warn of"),
    _("it is %(state)s; a notice of breach is about an open case"),
    _("%(name)s determined the fraud; another person orders the notice of breach"),
    _("name the term of the contract that is not met"),
    _("it is not known how a notice of breach is served"),
    _("the contract states no cure period; say how many days the customer has (--cure-days)"),
    _("the contract states the cure period; leave --cure-days out"),
    _("the cure period is of 1 to 366 days"),
    _("no warning or notice of breach of it has that id"),
    _("it was withdrawn already"),
    _("the contract allows no conditional notice before the determination"),
    _("the notice terms of the contract are not on record"),
    _("whether a conditional notice may go out before the determination is %(said)s"),
    # the ledger of wrongful measures
    _("no measure was ever in force on it"),
    _("its measure is still in force; lift it first: cjp-fraud measures reinstate"),
    _("its measure is in the ledger already"),
    _("say what it goes back to: %(kinds)s"),
    _("no measure of it is in the ledger: cjp-fraud measures find-wrong"),
    _("line %(id)s of the ledger is of another case"),
    _("%(num)s lines of it are in the ledger, say which: %(names)s"),
    _("a credit is not below zero"),
    # contracts entered
    _("it is %(entry_state)s already"),
    _("it was entered more than %(num)s days ago; look at the contract and enter it again"),
    _("%(name)s entered it; a second person confirms"),
    _("its text was erased"),
    _("nothing was entered under %(id)s; contracts entries lists what waits"),
    # standing consents
    _("name the file that the customer signed"),
    _("give the SHA-256 of the signed file, 64 digits"),
    _("it is not valid any more"),
    _("%(name)s entered it; another person must confirm it"),
    _("somebody else has confirmed it"),
    _("it was ended"),
    _("it was ended before"),
    _("no standing consent %(id)s is on record (contracts consents TENANT)"),
    _(
        "the same consent was entered before and was ended; what the customer signed anew has a reference or "
        "days of its own"
    ),
    _("this very consent is on record with another signed file; name the new one by its reference"),
    # acts on measures
    _("read-back shows that the measure is still in force"),
    _("the measure lapses at %(moment)s unless the letter which says that it is kept leaves before"),
    _("the platform restricts nothing any more; reinstate the case, or determine it again"),
    _("it was changed meanwhile; cjp-fraud run-due tells the platform"),
    _("the platform has not changed the measure yet; cjp-fraud run-due tries again"),
    _("%(contacts)s contact(s) in %(intervals)s interval(s), %(flags)s interval(s) flagged since"),
    _(
        "the look %(id)s shows nothing unusual since (%(said)s, nothing over the usual level); say in %(num)s "
        "words or more why the measure is needed all the same: --although-quiet TEXT"
    ),
    _("read-back shows something else in force than what was ordered"),
    _("read-back shows nothing in force"),
    _("the platform does not confirm that emergency calls go through"),
    _("its end passed before it was in force"),
    # contracts entered
    _("page_sha256 %(text)s is no SHA-256: write 64 digits 0-9 a-f"),
    _("%(file)s cannot be loaded (nothing was stored): %(technical)s"),
    _("who runs the deployment is not known (hosting); it was not checked against the offer"),
    # letters and notices
    _("name the source: counsel's opinion, by its number or date"),
    _("a contradiction about a notice is resolved by a person"),
    _("the plan was approved in act and CJP_FRAUD_PLATFORM_MODE is observe: nothing leaves"),
    _("it has no page: nothing of it has left, or it was only observed"),
    _("no measure is proposed, and only a person can choose one for inbound traffic"),
    _("no dispute is on record"),
    _("a notice of breach needs the term of the contract and a moment: --term TEXT --cure-until WHEN"),
    _("no standing consent of this tenant is on record (contracts enter-consent)"),
    _("it is %(state)s; only a suspended case is looked at again"),
)
"""The more particular before the more general: the first that fits says it."""
