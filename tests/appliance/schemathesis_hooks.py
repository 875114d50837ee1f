"""What schemathesis has to be told beside its configuration (contract.rs)."""

import json

import schemathesis


@schemathesis.serializer("application/sdp")
def sdp(_context, value):
    """An offer may be any text, and what is none has to be refused."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
