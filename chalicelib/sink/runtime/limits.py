"""The sink's numbers. Tests shorten the waits; a deployment has no reason to, but for one."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.recording import liveness


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Waits in seconds, sizes in bytes. DESIGN 5 and 8, TRUST 5 give the defaults."""

    sessions: int = 1000
    """sockets a worker takes; above: 503"""
    request_bytes: int = 8 * 1024
    handshake_within_s: float = 5.0
    start_within_s: float = 5.0
    """how long a dialect with a start may leave us without one"""
    ping_after_s: float = 20.0
    """of silence; a socket that talks is alive"""
    pong_within_s: float = 10.0
    stream_for_s: float = 12 * 3600.0
    """the longest stream; a deployment's `StreamSeconds`"""
    silent_s: float = 120.0
    """without a message: the call's carrier is asked whether it is over, and again as long later"""
    linger_s: float = 5.0
    """a socket may stay open so long after its stream's stop"""
    faults_at_once: int = 20
    """sockets of one profile and address that are cut for what they send; then 429"""
    fault_forgiven_s: float = 3.0
    """each so long after the other"""
    wire_rate: int = 40_000
    """bytes per second of a stream: two tracks of base64 with their envelopes are 33,000"""
    wire_burst_s: float = 30.0
    """at three times the wire rate: what a stalled network may deliver at once"""
    rtp_rate: float = 200.0
    """packets per second of a port"""
    rtp_burst_s: float = 2.0
    """of that rate at once: a stall of 3 s delivers 300 packets of 10 ms"""
    rtp_unused_s: float = 300.0
    """a port waits so long for a first packet"""
    rtp_silence_s: float = 30.0
    """without a packet, until the stream is over: pauses of a sender (DTX, hold) are shorter"""
    rtp_linger_s: float = 0.5
    """after the carrier said that it is over, for packets under way"""
    rtp_straggle_s: float = 3.0
    """after that end, what the same sender sends is left out; later it begins another stream"""
    rtp_release_s: float = 30.0
    """after a stream's end, until its port is free; who sends meanwhile begins another stream"""
    alone_after_s: float = 5.0
    """without an answer from the database a worker captures by itself"""
    rejoin_s: float = 10.0
    """a call that was captured alone stays open for so long: what another worker captured of it
    joins up to 9 s after the outage, too"""
    forwarding_flush_s: float = 0.01
    """what is passed on waits so long for more, so that many messages are one write"""
    forwarding_alive_s: float = 1.0
    """the end of a relay's connection says so often that it lives"""
    forwarding_silences: int = 3
    """so many times nothing came: the connection is given up"""
    forwarding_reach_s: float = 2.0
    """an owner that doesn't answer by then is out of reach"""
    forwarding_keeps_s: float = 6.0
    """of what was passed on, so much can be captured here should the owner die: it finds out after
    four seconds at most, and the owner's journal lags two behind"""
    forwarding_bytes: int = 8 * 1024 * 1024
    """what an owner may leave unread; then it is as good as dead"""
    other_workers_s: float = 2.5
    """a recording that ends before its call waits so long for what another worker, which has
    another stream of the call, still holds in memory: a second, and the time of a put"""
    journal_every_s: float = 1.0
    journal_bytes: int = 8 * 1024 * 1024
    journal_puts: int = 4
    segment_every_s: float = 100.0
    """of a call; a put each. An erasure waits until the journal's objects are covered by these
    (`recording/erasure.py`), so it can't be much longer; memory holds as much of every call"""
    segment_puts: int = 8
    held_bytes: int = 128 * 1024 * 1024
    """of segments that wait for the store in memory. With what the journal has under way, what is
    being put and what the allocator keeps it is less than 256 MB beside what calls usually have
    open"""
    queued_bytes: int = 768 * 1024 * 1024
    """of media that waits to be made a segment of and written while the store takes none: what 480
    calls hold that end at once; more only where the disk hangs"""
    spool_bytes: int = 17 * 1024**3
    """of segments that wait in files: 70 minutes of 250 calls, in 21 GiB that hold the image too"""
    retry_first_s: float = 0.1
    retry_most_s: float = 2.0
    control_threads: int = 16
    lease_every_s: float = liveness.RENEWAL_EVERY_S
    lease_sure_s: float = 5.0
    """after a renewal a worker may write for so long: others know of no death before 20 s are over,
    and a write that isn't answered is given up after 15"""
    takeover_threads: int = 4
    detector_every_s: float = 1.0
    """between two looks at the other workers' leases"""
    detector_silent_s: float = liveness.SILENT_S
    """three renewals are missing: carriers are asked to tap that worker's calls again"""
    detector_dead_s: float = liveness.DEAD_S
    """such a silence is a death: in the outage of the database that just ended renewals hang 9 s"""
    detector_jitter_s: float = 3.0
    """more, each worker its own share at random: who is first declares it, the others read that"""
    detector_late_s: float = 5.0
    """a look so long after the one before is one that failed"""
    detector_blind_s: float = 10.0
    """after a look that failed, nobody's silence counts: renewals come up to 9 s after an outage"""
    mailbox_every_s: float = 0.1
    """while there are calls"""
    mailbox_idle_s: float = 1.0
    mailbox_at_once: int = 3_000
    """commands under way; more wait where they are. While S3 is away each end of a recording waits:
    an hour of 250 calls of five minutes has so many"""
    mailbox_remembered: int = 10_000
    """commands that came: one that comes again has been carried out"""
    keys_every_s: float = 60.0
    tap_connect_s: float = 5.0
    """from a tap's name to its websocket's 101"""
    tap_queue_s: float = 4.0
    """of audio that waits for a slow listener; its connection holds one second more"""
    tap_retries: int = 5
    tap_retry_first_s: float = 0.25
    tap_retry_most_s: float = 4.0
    tap_stable_s: float = 10.0
    """a connection that lasted so long has its retries again"""
    tap_refused_s: float = 10.0
    """of ICMP's "port unreachable" after each packet"""
    tap_chatter_bytes: int = 256 * 1024
    """what a listener may say to us, which nobody hears, and this much more every minute"""
    taps_per_call: int = 16
    tap_threads: int = 4
    stop_within_s: float = 100.0
    """a planned stop; ECS kills after 120 s"""
    metrics_every_s: float = 60.0
    protection_look_every_s: float = 1.0
    protection_for_min: int = 2880
    """the most ECS grants. It refuses to renew while more tasks are protected than desired, as when
    calls become fewer at night: then every call has what is left, 47 hours at least"""
    protection_renew_every_s: float = 3600.0
    protection_linger_s: float = 60.0
    """after the last call, so that calls that come and go don't ask ECS each time"""
    protection_retry_s: float = 10.0
    drain_look_every_s: float = 30.0
