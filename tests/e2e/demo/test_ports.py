"""A reserved port: nobody is given it by chance, and who is told its number can listen at it."""

from __future__ import annotations

import platform
import socket

import pytest

from demo import ports
from demo.ports import LOOPBACK

only_linux = pytest.mark.skipif(platform.system() != "Linux", reason="other systems let nobody share a reserved port")


def connects(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((LOOPBACK, port)) == 0


def test_nothing_listens_at_a_reserved_port() -> None:
    with ports.reserved() as port:
        assert not connects(port)


@only_linux
def test_a_reserved_port_is_taken_for_others() -> None:
    with ports.reserved() as port, socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
        other.bind((LOOPBACK, port))


@only_linux
def test_its_listener_comes_while_it_is_reserved_and_stays_when_it_no_longer_is() -> None:
    with ports.reserved() as port:
        listener = socket.create_server((LOOPBACK, port))  # sets SO_REUSEADDR, as every server we start does
        assert connects(port)
    with listener:
        assert connects(port)


def test_two_reservations_are_two_ports() -> None:
    with ports.reserved() as one, ports.reserved() as other:
        assert one != other
