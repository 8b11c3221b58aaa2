#!/usr/bin/env python3
"""Fenceline from Python, by way of its C interface: fenceline_example.py DIRECTORY

Needs nothing but libfenceline.so.0 where the loader finds it (LD_LIBRARY_PATH, or an installation
in the system's directories).
"""
import ctypes
import sys
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_void_p

fenceline = ctypes.CDLL("libfenceline.so.0")


class Operation(ctypes.Structure):
    """fenceline_operation: a put, or a delete where the value is None."""

    _fields_ = [
        ("key", c_char_p),
        ("key_length", c_size_t),
        ("value", c_char_p),
        ("value_length", c_size_t),
    ]


Visitor = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t)


def declare(name, *arguments, result=c_int):
    function = getattr(fenceline, name)
    function.argtypes, function.restype = arguments, result
    return function


last_error = declare("fenceline_last_error", result=c_char_p)
open_store = declare("fenceline_open", c_char_p, c_void_p, POINTER(c_void_p))
close = declare("fenceline_close", c_void_p)
put = declare("fenceline_put", c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)
get = declare(
    "fenceline_get", c_void_p, c_char_p, c_size_t, c_void_p, c_size_t, POINTER(c_size_t)
)
write = declare("fenceline_write", c_void_p, POINTER(Operation), c_size_t, c_int)
scan = declare(
    "fenceline_scan",
    *(c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, c_int, c_size_t, Visitor, c_void_p),
)


def check(result):
    """Returns whether the key was there; raises what the library calls an error."""
    if result < 0:
        raise OSError(last_error().decode())
    return result == 0


store = c_void_p()
check(open_store(sys.argv[1].encode(), None, ctypes.byref(store)))

check(put(store, b"sky", 3, b"blue", 4))

operations = (Operation * 3)(
    (b"grass", 5, b"green", 5), (b"sun", 3, b"yellow", 6), (b"sky", 3, None, 0)
)
check(write(store, operations, len(operations), True))  # all or nothing, and durable

buffer, length = ctypes.create_string_buffer(100), c_size_t()
for key in (b"grass", b"sky"):
    if check(get(store, key, len(key), buffer, len(buffer), ctypes.byref(length))):
        print(key.decode(), "is", buffer.raw[: length.value].decode())
    else:
        print(key.decode(), "is not there")


@Visitor
def show(_context, key, key_length, value, value_length):
    print(ctypes.string_at(key, key_length), ctypes.string_at(value, value_length))
    return 0


check(scan(store, None, 0, None, 0, 0, 10, show, None))  # ascending, from the first key
check(close(store))

# Prints:
#   grass is green
#   sky is not there
#   b'grass' b'green'
#   b'sun' b'yellow'
