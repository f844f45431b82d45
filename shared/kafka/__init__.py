"""The only importer of kafka-python: topics, log ids, one that sends and waits, one that hears.

CloudEvents 1.0 in binary mode: the attributes are headers, the body is JSON. Only workers and
``deploy`` use this; a web process never talks to the broker.
"""

from shared.kafka.admin import Admin, OtherPartitionCount
from shared.kafka.clients import BrokerTrouble, TwinHasOurName, client_options, close_quietly
from shared.kafka.consumer import Consumer
from shared.kafka.groups import group_name, group_prefix
from shared.kafka.messages import Message, Missed, Outgoing, Place
from shared.kafka.producer import Producer
from shared.kafka.reading import read_all

__all__ = [
    "Admin",
    "BrokerTrouble",
    "Consumer",
    "Message",
    "Missed",
    "OtherPartitionCount",
    "Outgoing",
    "Place",
    "Producer",
    "TwinHasOurName",
    "client_options",
    "close_quietly",
    "group_name",
    "group_prefix",
    "read_all",
]
