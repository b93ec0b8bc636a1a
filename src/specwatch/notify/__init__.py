"""Layer 5: tells a webhook what changed, outside the path of probing.

`Notifier` is a listener of the probing engine that only keeps books; a task of its own sends what they say is to be
told, in the JSON that Alertmanager gives to webhooks.
"""

from specwatch.notify.address import VARIABLE, Address, parse_address
from specwatch.notify.notifier import Notifier, Outlook, Pace
from specwatch.notify.story import Links
from specwatch.notify.webhook import Webhook

__all__ = ["VARIABLE", "Address", "Links", "Notifier", "Outlook", "Pace", "Webhook", "parse_address"]
