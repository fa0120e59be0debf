"""Status codes in what servers say: enhanced codes (RFC 3463), replies (RFC 5321), and words for neither."""

from __future__ import annotations

import re
from typing import Final

_ENHANCED = re.compile(
    r"(?:(?<![\w.\-/:@])|(?<=\b[245]\d\d-)|(?<=[:;#=(\[<\"']))([245])\.(\d{1,3})\.(\d{1,3})(?![\d\w@/]"
    r"|\.\d|-\d)"
)
_REPLY = re.compile(
    r"(?:^[\s>*\-<\"'|]{0,12}"
    r"|[:(\[#;\"'>=]\s{0,3}"
    r"|(?:code|error|status|\b(?:reply|replied|response|said|returned|responded|reason)|エラー)"
    r"[\s:=#-]{1,4})"
    r"([45][0-7]\d)(?=[\s\-:,;.)\]#<]|$)(?!\.\d)",
    re.IGNORECASE | re.MULTILINE,
)

_FIELD = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])")

_STILL_TRIED = re.compile(
    r"warning message only|do(?:es)? not need to re-?send|not need to take any action"
    r"|will (?:continue to )?(?:be )?(?:re-?tr(?:y|ied)|tr(?:y|ied) again|keep trying|attempt)"
    r"|will continue (?:to be made|trying|to try|to attempt)|will keep (?:re)?trying|still (?:trying"
    r"|being tried|in (?:the )?queue)"
    r"|attempts? will continue|has been delayed|have been delayed|(?:is|was) delayed"
    r"|temporary problem delivering"
    r"|delayed mail|delivery (?:has been )?delayed|delivery delay|not (?:yet )?been delivered (?:yet|so far)"
    r"|has not yet been delivered|not a permanent (?:error|failure)"
    r"|wird weiter(?:hin)? versucht|nouvelle tentative|se volver\w* a intentar|再送を試み|遅延し",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(
    r"\(dela(?:y|yed)\)|\bdelay(?:ed)?\b|still (?:being )?retr|warning: (?:message|could not)|delayed \d|"
    r"verz[öo]ger|retard[ée]",
    re.IGNORECASE,
)
_GAVE_UP = re.compile(
    r"giv(?:e|ing|en) up|(?:fail|reject|refus|disabl|discontinu|terminat|expir|suspend)\w*|permanent"
    r"|fatal|unrecoverable"
    r"|undeliver\w*|undelivr\w*|(?:cannot|can't|could\s+not|couldn't|unable\s+to|not\s+be|did\s+not"
    r"|not)\s+(?:\w+\s+){0,3}?"
    r"(?:be\s+)?(?:deliver|reach|sen[dt]|found|find|accept|relay|process|exist|listed)\w*"
    r"|returned (?:mail|to sender)|failure|no such|unknown|invalid|over\s?quota|mailbox (?:is )?full"
    r"|quota|denied|blocked"
    r"|not (?:a )?(?:valid|exist|found|known|listed|reach)\w*|aborted|does(?:n't| not) exist|non[- ]delivery"
    r"|unzustellbar|nicht (?:\w+ ){0,4}(?:zugestellt|vorhanden|erreich)\w*|non (?:remis|distribu)\w*|impossible"
    r"|no (?:se )?(?:ha )?(?:podido|pudo|puede)\w*|rechazad|inconnue?|desconocid\w*|não (?:p[ôo]de|existe)"
    r"|non (?:è )?(?:stato )?(?:possibile|consegnat)\w*|не (?:может|удалось|доставлен|существует)\w*|無効"
    r"|不明|失敗|拒否"
    r"|できません|エラー|届けられません|存在しません|見つかりません|送信できませんでした|配信不能",
    re.IGNORECASE,
)


def status_of_field(value: str) -> str | None:
    """Return the code at the beginning of a ``Status`` field; None: it holds none."""
    match = _FIELD.match(value)
    return match[1] if match else None


def code_in(text: str) -> str | None:
    """Return the first status of a failure that a text gives: enhanced, else the class of a reply as ``X.0.0``."""
    for match in _ENHANCED.finditer(text):
        if match[1] != "2":
            return f"{match[1]}.{int(match[2])}.{int(match[3])}"
    reply = _REPLY.search(text)
    return f"{reply[1][0]}.0.0" if reply else None


_HOSTS_WERE_DOWN = re.compile(
    r"hosts? ha(?:s|ve) been failing|retry time(?:out| not) (?:exceeded|reached)"
    r"|no action is required on your part",
    re.IGNORECASE,
)


def class_by_words(text: str, action: str) -> str | None:
    """Return ``X.0.0`` where words tell the class and nothing nearer (RFC 3463: other undefined status)."""
    if action == "failed" and _HOSTS_WERE_DOWN.search(text):
        return NOT_KNOWN_NEARER["delayed"]  # persistent, and transient all the same
    return NOT_KNOWN_NEARER.get(action)


def says_it_is_still_tried(subject: str, text: str) -> bool:
    """Whether a notice tells of a delay, not of a failure."""
    return _STILL_TRIED.search(text) is not None or _DELAY_SUBJECT.search(subject) is not None


def says_it_failed(text: str) -> bool:
    """Whether words tell that something did not arrive."""
    return _GAVE_UP.search(text) is not None


NOT_KNOWN_NEARER: Final = {"failed": "5.0.0", "delayed": "4.0.0"}
"""Action → status where words give the class and nothing nearer (RFC 3463, section 3.1: other undefined status)."""
