"""Every exception of Tapedeck; whose fault it is shows in the type.

TapedeckError
├── CallerError            the caller can correct it: an HTTP 4xx, or a websocket close code
│   ├── InvalidRequest     400   a value is wrong; the message names it
│   ├── Unauthenticated    401   no key, no token, or one we don't know
│   │   └── CredentialsNeeded  401   no user and password, where a profile requires them
│   ├── Forbidden          403   a known caller, a thing that isn't theirs; a wrong signature
│   │   └── SecretRefused      403   a profile names a secret of another account
│   ├── NotFound           404
│   ├── Conflict           409   the thing is in another state, or exists with other options
│   ├── Gone               410   it was there, and is no more
│   ├── TooLarge           413
│   └── UrlRefused         400   the URL guard's no
├── WireError              a carrier's message says something its dialect doesn't know
├── CorruptContainer       stored bytes fail their checksum or their format
├── NewerForm              newer code stored it: this code leaves it to the newer one
├── IllegalTransition      the lifecycle table has no such row
├── PreconditionFailed     a conditional write lost its race
├── Unavailable            a store, a workflow or a receiver didn't answer; trying again is right
│   ├── CarrierUnavailable      a carrier's file can't be had now
│   └── CarrierMediaDiffers     it isn't what its carrier announced, yet
├── Unreachable            a tap's destination didn't take it
└── DeliveryPostponed      a callback's next attempt is due later: how Delivery learns to wait
"""


class TapedeckError(Exception):
    """The root: a fact with its values, and a stable code that clients may compare."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class CallerError(TapedeckError):
    """The caller can correct the request."""

    code = "invalid_request"


class InvalidRequest(CallerError):
    """A value is missing, of a wrong type or out of range; the message names it.

    `key` is the property that holds it, where it is one.
    """

    def __init__(self, message: str, *, code: str | None = None, key: str = "") -> None:
        super().__init__(message, code=code)
        self.key = key


class UrlRefused(InvalidRequest):
    """A URL that we were given fails the URL guard."""

    code = "url_refused"


class Unauthenticated(CallerError):
    """No credential, or one that proves nothing."""

    code = "unauthenticated"


class CredentialsNeeded(Unauthenticated):
    """No user and password: a client sends them after this answer asks for them (RFC 7617)."""

    code = "credentials_needed"


class Forbidden(CallerError):
    """A known caller asks for what isn't theirs, or a signature is wrong."""

    code = "forbidden"


class SecretRefused(Forbidden):
    """A profile names a secret that its account may not use; nothing was read."""

    code = "secret_refused"


class NotFound(CallerError):
    """Nothing of that name is the caller's to see."""

    code = "not_found"


class Conflict(CallerError):
    """The thing exists in another state or with other options."""

    code = "conflict"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Gone(CallerError):
    """What was there isn't kept any longer."""

    code = "gone"


class TooLarge(CallerError):
    """More bytes than the border takes."""

    code = "too_large"


class WireError(TapedeckError):
    """A carrier's message departs from its dialect; `code` names the fact."""

    code = "wire_error"

    def __init__(self, dialect: str, fact: str, *, code: str = "wire_error") -> None:
        super().__init__(f"{dialect}: {fact}", code=code)
        self.dialect = dialect
        self.fact = fact


class CorruptContainer(TapedeckError):
    """A journal object or segment fails its format or a CRC."""

    code = "corrupt_container"


class NewerForm(TapedeckError):
    """Newer code stored this, in a form that this code doesn't know: it must be left as it is.

    While two versions run, or after the way back, the older one meets what only the newer one can
    finish: another encoding, another carrier's stream. `code` says where: `bad_row`, `newer_form`.
    """

    code = "newer_form"


class IllegalTransition(TapedeckError):
    """The lifecycle table has no row for this move."""

    code = "illegal_transition"


class PreconditionFailed(TapedeckError):
    """A conditional write met another writer's result."""

    code = "precondition_failed"


class Unavailable(TapedeckError):
    """Something outside didn't answer, or answered that it can't now."""

    code = "unavailable"


class CarrierUnavailable(Unavailable):
    """A carrier didn't give a file of its, and may later."""

    code = "carrier_media_unavailable"


class CarrierMediaDiffers(Unavailable):
    """A carrier gave another file than it announced: it may not be through with it."""

    code = "carrier_media_differs"


class Unreachable(TapedeckError):
    """A tap's destination didn't take it; `code` says why."""

    code = "unreachable"


class DeliveryPostponed(TapedeckError):
    """Not a fault: the message is the JSON that tells the workflow how long to wait.

    An error is the one way to leave a Lambda task by another door, and saves a state transition.
    """

    code = "delivery_postponed"
