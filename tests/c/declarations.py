"""Loads include/ottla.cdef.h with cffi, as a binding would, and sends records through the library.

Usage: declarations.py DECLARATIONS LIBRARY BROKERS; on standard input the name and size of each structure in C.
"""

import struct
import sys

import cffi

declarations, library, brokers = sys.argv[1:]
ffi = cffi.FFI()
with open(declarations, encoding="utf-8") as file:
    ffi.cdef(file.read())
lib = ffi.dlopen(library)

# Every function is in the library, and every structure has the size that it has in C.
functions = [name for name in dir(lib) if name.startswith("ottla_")]
assert len(functions) > 90, functions
for name in functions:
    assert getattr(lib, name) != ffi.NULL, name
sizes = dict(line.split() for line in sys.stdin)
assert len(sizes) > 15, sizes
for name, size in sizes.items():
    assert ffi.sizeof(name) == int(size), (name, size, ffi.sizeof(name))
assert lib.OTTLA_ERR_CLOSED == -4 and lib.OTTLA_FLAT_VALUE == 8


def call(function, *arguments):
    error = ffi.new("ottla_error **")
    code = function(*arguments, error)
    if code != lib.OTTLA_ERR_OK:
        raise RuntimeError(ffi.string(lib.ottla_error_message(error[0])))


def flat(tag, value):
    """A record in flat form, for the topic with index 0."""
    flags = lib.OTTLA_FLAT_VALUE
    return struct.pack("=QqiIiiIIi", tag, 0, 0, flags, 0, len(value), 0, 0, 0) + value


config = lib.ottla_config_new()
call(lib.ottla_config_set, config, b"bootstrap.servers", brokers.encode())
assert lib.ottla_config_set_poll(config, ffi.NULL, ffi.NULL, ffi.NULL) == lib.OTTLA_ERR_OK
try:
    call(lib.ottla_config_set, config, b"acks", b"many")
    raise AssertionError("acks=many was taken")
except RuntimeError as error:
    assert b"acks" in error.args[0], error
producer, topic = ffi.new("ottla_producer **"), ffi.new("ottla_topic **")
call(lib.ottla_producer_new, config, producer)
lib.ottla_config_free(config)
producer = producer[0]
call(lib.ottla_producer_topic, producer, b"from-python", topic)
topic = topic[0]

records = b"".join(flat(tag, b"value %d" % tag) for tag in range(1, 101))
accepted, consumed = ffi.new("size_t *"), ffi.new("size_t *")
call(lib.ottla_producer_send_flat, producer, ffi.new("ottla_topic *[]", [topic]), 1, records, len(records), 100,
     ffi.NULL, accepted, consumed)
assert (accepted[0], consumed[0]) == (100, len(records))
call(lib.ottla_producer_flush, producer, 20000, 0)
reports, count, tags = ffi.new("ottla_report *[8]"), ffi.new("size_t *"), []
while len(tags) < 100:
    call(lib.ottla_producer_poll, producer, 20000, reports, 8, count)
    assert 1 <= count[0] <= 8
    for report in reports[0:count[0]]:
        batch = lib.ottla_report_batch(report)
        assert batch.code == lib.OTTLA_ERR_OK and ffi.string(batch.topic) == b"from-python"
        tags += [entry.tag for entry in batch.entries[0:batch.count]]
        lib.ottla_report_free(report)
assert sorted(tags) == list(range(1, 101))
call(lib.ottla_producer_flush, producer, 20000, lib.OTTLA_FLUSH_POLLED)
assert lib.ottla_producer_free(producer) == lib.OTTLA_ERR_OK
lib.ottla_topic_free(topic)
