"""Alerts: what an owner is told of a night (`message`), in which form (`body`), and by which channel (`channels`)."""

from privacy_audit.alerts.channels import ChannelsMissingError, Delivery, channel_key, channel_urls, deliver
from privacy_audit.alerts.message import Line, Message, messages

__all__ = ["ChannelsMissingError", "Delivery", "Line", "Message", "channel_key", "channel_urls", "deliver", "messages"]
