"""The one error that SIP, SDP and RTP parsing raises."""


class SipError(Exception):
    """A message we will not send or cannot read: says what, where and how to mend it.

    Never carries a header's value: those hold callers' numbers and names.
    """
