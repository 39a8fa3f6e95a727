"""Alerts: who is told what of a night (`composing`), in which form (`body`), and by which channel (`channels`).

What was composed is kept as a letter until every channel has taken it; `merge` makes one message of several nights.
"""

from privacy_audit.notify.channels import Channel, ChannelsMissingError, Delivery, channels_of, deliver
from privacy_audit.notify.message import FindingNotice, Message, letter, load, run_failed
from privacy_audit.notify.message_merging import merge
from privacy_audit.notify.notices import messages

__all__ = [
    "Channel",
    "ChannelsMissingError",
    "Delivery",
    "FindingNotice",
    "Message",
    "channels_of",
    "deliver",
    "letter",
    "load",
    "merge",
    "messages",
    "run_failed",
]
