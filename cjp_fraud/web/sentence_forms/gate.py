"""What the gate answers: why a measure may not begin yet, or not any more."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    _("gate point %(point)s: %(said)s"),
    # what is on record
    _("what is on record was not compared with the audit log"),
    _("a named flag is not as it stood when the evidence was frozen; it was changed since"),
    _("no named flag of this case is in force with an excess in a quantity of use"),
    _("%(num)s of the named flags are not in force, or not of use"),
    _("no evidence is frozen"),
    _("the frozen evidence does not match its digest in the proposal"),
    # the determination
    _("no determination is on record"),
    _("the determination is not of fraud"),
    _("a later determination is on record"),
    _("nobody is on record as having determined it"),
    _("who determined it is not a reviewer"),
    _("the determination has no reasons"),
    _("the determination names no ground of the catalogue"),
    _("the determination names a ground that is not in the catalogue"),
    _("the tenant's part is not said"),
    _("the determination has no time"),
    _("the determination is dated in the future"),
    # the proposal and its mode
    _("no proposal is on record"),
    _("it is not known when the proposal was drawn up"),
    _("the proposal's bytes do not match its digest; it was changed after it was drawn up"),
    _("the contract data or addresses are not those of the proposal; it must be determined again"),
    _("the proposal was drawn up in mode %(said)s; only act restricts"),
    _("the mode in force is %(said)s; only act restricts"),
    _("observe"),
    _("act"),
    _("unknown"),
    # the approval
    _("the approval has no time"),
    _("it is not known who determined the fraud; another person must approve"),
    _("it is not known since when %(name)s may approve"),
    _("%(name)s is not counsel"),
    _("%(name)s is not %(held_role)s"),
    _("no approver's approval is on record"),
    _("the approval is dated in the future"),
    # the order in an emergency
    _("nobody is on record as having ordered the emergency measure"),
    _("the emergency order has no time"),
    _("the emergency order is of another version of the proposal"),
    _("the emergency order does not say why it could not wait"),
    _("counsel has marked no ground without prior notice under which all grounds of the determination fall"),
    _("it is not known when the emergency order was given"),
    _("the emergency order is dated in the future"),
    _("nobody approved the emergency measure by %(moment)s; it ends by itself"),
    _(
        "in an emergency one reviewer takes the narrowest measure alone, and %(kinds)s could meet what was seen"
    ),
    _(
        "%(name)s ordered the emergency measure of case %(case)s, which nobody approved by %(moment)s; until "
        "%(moment_2)s another reviewer must order the tenant's next one, or somebody who took no part approves "
        "the proposal"
    ),
    _(
        "nobody approved the emergency measure of case %(case)s, which ended at %(moment)s; the tenant's next one "
        "needs a flag of traffic after that, or somebody who took no part approves the proposal"
    ),
    _(
        "nobody approved %(count)s emergency measures of the tenant that ended in the last 24 hours; somebody who "
        "took no part must approve the proposal"
    ),
    # the contract and its term
    _("the contract position is not known"),
    _("the governing document's right to suspend has not been read"),
    _("the governing document gives no right to suspend for fraudulent use"),
    _("the deployment is not one that the provider runs"),
    _("it is not known who runs the deployment (clause 3)"),
    _("the deployment is %(said)s, so the provider does not run it (clause 3)"),
    _("%(product)s %(said)s: the provider processes no data of it (clause 3)"),
    _("hosted by a partner"),
    _("on the customer's premises"),
    _("it is not known which document governs"),
    _("it is not known whether the term is proven"),
    _("the term is not running"),
    _("it is not known whether a feed changed the contract data"),
    _(
        "the feed %(feed)s changed the contract data, and neither counsel nor a second approver, somebody who "
        "neither took part in the case nor approved in it, has confirmed it since (tenants confirm)"
    ),
    # the notice and its terms
    _("it is not known whether the notice terms were read"),
    _("the notice terms of the contract are not known"),
    _("no notice was served"),
    _("the notice was only observed, not sent"),
    _("the notice was withdrawn"),
    _("it is not known when the notice was planned"),
    _("the notice is not the one that was approved"),
    _("the notice is not known to be in the contract's language"),
    _("the account may have been taken over, and the notice does not go to every address of the contract"),
    _("no dispatch of a notice is on record"),
    _("every method of serving that the contract permits has failed"),
    _("it is not known whether the notice has failed"),
    _("the contract's notice is not complete"),
    _("the contract lets the measure follow from %(moment)s on"),
    _("it is not known what else was sent on the case"),
    _("%(said)s states that nothing is restricted before %(moment)s"),
    _("the notice states that nothing is restricted before %(moment)s"),
    _("the conditional warning lets the measure follow from %(moment)s on"),
    _("the contract's enforcement windows are not known for this time"),
    _("the contract's enforcement windows let a measure begin from %(moment)s on"),
    _("%(said)s is the notice that the contract asks for"),
    _("the contract names %(kind)s as a measure without notice"),
    _("the contract's ground without prior notice: %(ground)s"),
    _("the %(letter)s of %(moment)s"),
    _("the %(letter)s"),
    # stops
    _("stops cannot be read"),
    _("contradictions cannot be read"),
    _("%(said)s (stop %(id)s)"),
    _("a dispute was decided for the tenant"),
    _("counsel ordered a stop"),
    _("a dispute is filed, and the contract says that filing stops (dispute %(id)s)"),
    _("a report that notice %(id)s did not arrive is not resolved by a person"),
    # the end of the measure
    _("no measure is proposed"),
    _("the measure has no end"),
    _("the measure would outlive the contract's longest duration"),
    _("the measure has no review date"),
    _("the notice that was sent states no end of the measure"),
    _("the end that the notice states (%(moment)s) has passed; withdraw the case and determine it again"),
    # still needed
    _("the earliest permitted moment is not known"),
    _("approval and notice are stale since %(moment)s"),
    _(
        "no flag in the last 24 hours, and nobody has said again that it is needed (measures apply --needed-because)"
    ),
    # what must follow what
    _("%(said)s (%(moment)s) comes before %(said_2)s (%(moment_2)s)"),
    _("the determination"),
    _("the proposal"),
    _("the approval"),
    _("the emergency order"),
    _("the plan of the notice"),
    _("the dispatch of the notice"),
    _("the moment from which the contract's notice lets the measure follow"),
    _("the measure's order"),
    _("the read-back that shows the measure in force"),
    _("the read-back that shows nothing in force any more"),
    # a cap that the customer has signed
    _("the frozen traffic does not match its digest"),
    _("the frozen traffic shows no more charged in an hour than the customer has signed"),
    _("no standing consent of the customer is on record"),
    _("the standing consent does not match its digest; it was changed after it was entered"),
    _("the digest of the file that the customer signed is not on record"),
    _("who entered the standing consent is not counsel"),
    _("the standing consent is not valid now"),
    _("the standing consent was ended"),
    _("no second person has confirmed the standing consent"),
    _("who confirmed the standing consent is neither counsel nor an approver"),
    _("one person entered and confirmed the standing consent"),
    _("the cap has no end"),
    _("the cap's end has come"),
    _("the cap would outlast what was signed"),
    _("the breach is not of the last hour"),
    _("the cap restricts something else than what was signed"),
    # how early a measure can be
    _("no notice is needed beforehand: %(said)s"),
)
"""The more particular before the more general: the first that fits says it."""
