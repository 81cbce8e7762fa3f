"""A service for tests of the proxy: echo_service.py PATH [HOW]. It listens on a Unix socket and
sends back what comes; or, HOW being "hang", accepts and never reads."""
import socket
import sys
import threading
import time


def echo(c):
    try:
        while data := c.recv(65536):
            c.sendall(data)
        c.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    c.close()


def hang(c):
    time.sleep(3600)
    c.close()


s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1024)
how = hang if sys.argv[2:] == ["hang"] else echo
while True:
    connection, _ = s.accept()
    threading.Thread(target=how, args=(connection,), daemon=True).start()
