"""What is said of a contract: its term, its documents, its notice terms, and what binds a measure."""

from __future__ import annotations

from typing import Final

from cjp_fraud.catalogues import _

FORMS: Final = (
    # the term
    _("the term is not proven; not on record: %(listed)s"),
    _("its first day (term_from of the tenants file)"),
    _("its end (term_to of the tenants file)"),
    _("a notice of provisioning with its date"),
    _("the part that the notice of provisioning is about"),
    _("the proof of the notice of provisioning"),
    _("the term is not proven: the notice of provisioning has no date (%(given)s)"),
    _("the term is not proven: %(said)s"),
    _("a notice of provisioning of %(day)s, before %(year)s, proves nothing"),
    _("the notice of provisioning is dated %(day)s, which is still to come: it was not given yet"),
    _("the notice of provisioning is dated %(day)s, after the end of the term"),
    _("write %(whole)s, or the part that was provisioned in words (at least two letters)"),
    _(
        "an id has at least 4 characters, 3 of them letters or digits with a digit among them, and nothing else "
        "but . _ / -"
    ),
    _("one character repeated is no id of a document"),
    _("a date alone is no id of a document; write the id under which the document lies"),
    _("write file:PATH, a document beside the tenants file, or dms:ID, its id in a document system"),
    # the notice terms
    _("the notice clause has not been read"),
    _("the notice clause of %(document)s has not been read"),
    _("the notice terms cannot be served: %(technical)s"),
    _("of the notice terms these have not been read: %(places)s"),
    _("the contract does not state how a suspension is noticed; counsel enters what applies instead"),
    _("step %(step)s of the notice: %(said)s"),
    _("this deployment does not serve by %(method)s"),
    _("this deployment makes no notice of the form %(form)s (%(method)s)"),
    _("the contract's language is %(tag)s and there is no letter in it; there are %(tags)s"),
    _("there is nobody to be served"),
    _(
        "no %(method)s address of role %(role)s is in force (step %(step)s); where it was erased, enter it "
        "again: cjp-fraud tenants load"
    ),
    # which document governs
    _("no document governs on %(day)s; entered are %(documents)s"),
    _("of %(document)s nobody has read %(said)s; counsel enters it"),
    _("the longest suspension"),
    _("whether filing a dispute stops a measure"),
    _(
        "the service was bought inside the plan %(plan)s, whose own offer description governs it, and that one "
        "is not entered (kind offer_description, with its plan)"
    ),
    _(
        "%(said)s overlap from %(day)s %(said_2)s: %(document)s and %(document_2)s; enter the last day of one, "
        "or which of them is of another kind"
    ),
    _("on"),
    _("until %(day)s"),
    _("two documents"),
    _("two documents of the kind %(named_kind)s"),
    _(
        "no document covers the days between %(document)s, which ends %(day)s, and %(document_2)s, which begins "
        "%(day_2)s; enter what held in between%(rest)s"
    ),
    _(" as one of this kind"),
    _(
        "amendments %(document)s and %(document_2)s of %(document_3)s are both effective %(day)s; enter which "
        "follows the other"
    ),
    _(
        "supplements %(document)s and %(document_2)s of %(document_3)s overlap from %(day_or_ever)s; enter the "
        "last day of one"
    ),
    _("the documents of the contract cannot be read: %(technical)s"),
    # what binds a measure beside its notice
    _("the contract asks for the narrowest measure: a wider one needs its reason"),
    _("%(said)s, %(said_2)s (measures corrected)"),
    _("the measure may last until its cause is corrected"),
    _("the measure is lifted promptly once its cause is gone"),
    _("the measure is lifted once the customer has resolved its cause"),
    _("at once"),
    _("within %(said)s"),
    _("a measure lasts %(said)s at most, and lapses by itself"),
    _("a dispute that is filed stops a measure, also one in force"),
    _("a dispute that is only filed stops no measure"),
    _("governing law: %(law)s"),
    _("the customer serves the provider by: %(how)s"),
    _("a conditional notice may go out before the determination (cases warn), %(said)s"),
    _("and is then the notice that the measure needs"),
    _("and does not take the place of the notice that the measure needs"),
    _("on the ground %(ground)s no prior notice is needed; the customer is told %(said)s"),
    _("within %(said)s after"),
    _("%(num)s calendar days"),
    _("%(num)s days"),
    _("%(num)s business days"),
    _("%(num)s clear days"),
    # the offer
    _("the offer version is not known (offer_version); %(said)s"),
    _("countries, features, purchase model and deployment were not checked"),
    _("offer version %(version)s is not in the catalogue (%(known)s); %(said)s"),
    _("in which countries offer %(version)s is sold is not known; countries were not checked"),
    _("the tenant's country is not known; whether offer %(version)s is sold there was not checked"),
    _("offer %(version)s is not sold in %(country)s (clause 2.5)"),
    _("offer %(version)s excludes %(feature)s in %(country)s (clause 2.5), and it is in use"),
    _("whether offer %(version)s excludes feature %(feature)s in %(where)s is not known"),
    _("by which models agents of offer %(version)s are bought is not known; it was not checked"),
    _("how the agents were bought is not known (purchase_model); it was not checked"),
    _("agents of offer %(version)s are bought %(models)s, and these were bought %(model)s (clause 1)"),
    _("of which deployments offer %(version)s lets data be processed is not known; it was not checked"),
    _("offer %(version)s lets no data of %(product)s, be processed (clause 3)"),
    _("whether data of %(product)s, are processed under offer %(version)s is not known"),
    # the entries of the contract view
    _("right: %(label)s"),
    _("notice terms"),
    _("notice terms (%(document)s)"),
    _("not_read"),
    _("read"),
    _("%(source)s line %(line)s"),
    _("%(source)s, entered by %(id)s"),
    _("%(source)s, entered by %(id)s, confirmed by %(id_2)s"),
    _("all"),
)
"""The more particular before the more general: the first that fits says it."""
