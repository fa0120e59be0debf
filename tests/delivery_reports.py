"""Delivery reports as mail servers write them (RFC 3464), for tests."""

from __future__ import annotations

from typing import Final

from cjp_fraud.notices.reports.addresses import xtext

_STATUS: Final = {"delivered": "2.0.0", "relayed": "2.0.0", "expanded": "2.0.0", "delayed": "4.4.1"}


def a_report(
    sent_to: str,
    action: str,
    *,
    envid: str | None = None,
    original: str | None = None,
    further: tuple[str, ...] = (),
) -> bytes:
    """Return a report of ``action``, and of ``further`` ones for other recipients."""
    per_message = ["Reporting-MTA: dns; mx.acme.example"]
    if envid is not None:
        per_message.append(f"Original-Envelope-Id: {envid}")
    groups = ["\r\n".join(per_message)]
    for each in (action, *further):
        status = _STATUS.get(each.lower(), "5.1.1")
        group = ["Final-Recipient: rfc822; someone@acme.example", f"Action: {each}", f"Status: {status}"]
        if original is not None:
            group.insert(0, f"Original-Recipient: rfc822;{xtext(original)}")
        groups.append("\r\n".join(group))
    fields = "\r\n\r\n".join(groups)
    return (
        "From: MAILER-DAEMON@mx.acme.example\r\n"
        f"To: {sent_to}\r\n"
        "Subject: Delivery Status Notification\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}\r\n\r\n"
        "--b--\r\n"
    ).encode()
