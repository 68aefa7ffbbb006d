"""What schemathesis must be told to speak with the router: how a PEM body is made."""
import schemathesis


@schemathesis.serializer("application/x-pem-file")
def pem(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
