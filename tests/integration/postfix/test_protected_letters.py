"""Letters over TLS to a real Postfix, and signed ones that Postfix hands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.model import Outcome
from tests.dkim_keys import a_dkim_key, verifies
from tests.mail_routes import MailRoute, ServedByMail

NoticeTo = Callable[..., ServedByMail]


def test_a_letter_goes_over_tls_to_a_server_whose_certificate_is_trusted_and_its_queue_id_is_kept(
    notice_to: NoticeTo, route: MailRoute, certificate: Path
) -> None:
    served = notice_to("notices@acme.example", smtp_security="starttls", smtp_ca_file=certificate)
    served.dispatch()
    [attempt] = served.record().attempts
    assert attempt.smtp is not None
    assert (attempt.outcome, attempt.smtp.certificate_verified) == (Outcome.SENT, True)
    assert f"{attempt.smtp.queue_id}: client=" in route.ours.log
    served.collect()
    assert b"with ESMTPS id" in route.theirs.messages("notices")[0]
    assert served.rungs() == [(DeliveryStatus.DELIVERED, False, True)]


def test_nothing_leaves_to_a_server_whose_certificate_nobody_vouches_for(
    notice_to: NoticeTo, route: MailRoute
) -> None:
    served = notice_to("notices@acme.example", smtp_security="starttls")
    served.dispatch()
    assert [attempt.outcome for attempt in served.record().attempts] == [Outcome.DEFERRED]
    assert route.theirs.messages("notices") == []
    assert "is not served yet" in served.dispatch().waiting_for[0]


def test_a_signed_letter_verifies_as_it_lies_in_the_customers_mailbox(
    notice_to: NoticeTo, route: MailRoute, tmp_path: Path
) -> None:
    key = a_dkim_key()
    key_file = tmp_path / "dkim.pem"
    key_file.write_bytes(key.pem)
    key_file.chmod(0o600)
    served = notice_to(
        "notices@acme.example",
        row={"language": "ja"},
        dkim_key_file=key_file,
        dkim_selector=key.selector,
    )
    served.dispatch()
    served.collect()
    smtp = served.record().attempts[0].smtp
    assert smtp is not None
    assert smtp.dkim_name is not None
    assert smtp.dkim_record is not None
    [arrived] = route.theirs.messages("notices")
    assert b"Received: from mx.provider.example" in arrived
    assert verifies(arrived, smtp.dkim_name, smtp.dkim_record)
    assert not verifies(arrived.replace(b"acme", b"acne"), smtp.dkim_name, smtp.dkim_record)
    assert served.rungs() == [(DeliveryStatus.DELIVERED, False, True)]
