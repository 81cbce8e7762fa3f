#!/usr/bin/env python3
"""A name server for tests of ACME: every name is at 127.0.0.1, TXT records are those of a file.

acme_dns.py PORT FILE: each line of FILE is "NAME VALUE". Over UDP only; one thread.
"""
import socket
import struct
import sys

A, CNAME, TXT, AAAA = 1, 5, 16, 28


def question(message):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind, = struct.unpack(">H", message[at + 1:at + 3])
    return ".".join(labels).lower(), kind, message[12:at + 5]


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data


def records(name, kind, path):
    if kind == A and not name.startswith("none."):
        return [record(A, bytes([127, 0, 0, 1]))]
    if kind != TXT:
        return []
    with open(path, encoding="ascii") as f:
        lines = [line.split() for line in f]
    return [record(TXT, bytes([len(v)]) + v.encode()) for n, v in lines if n.lower() == name]


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", int(sys.argv[1])))
    print("ready", flush=True)
    while True:
        message, sender = s.recvfrom(4096)
        name, kind, asked = question(message)
        answers = records(name, kind, sys.argv[2])
        head = message[:2] + struct.pack(">HHHHH", 0x8180, 1, len(answers), 0, 0)
        s.sendto(head + asked + b"".join(answers), sender)


main()
