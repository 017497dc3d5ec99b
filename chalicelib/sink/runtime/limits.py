"""A worker's limits. Tests shorten the waits; a deployment sets only `stream_for_s`."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.recording import liveness


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Waits in seconds, sizes in bytes. DESIGN 5 and 8, TRUST 5 give the defaults."""

    sessions: int = 1000
    """sockets that a worker accepts; the next one gets a 503"""
    request_bytes: int = 8 * 1024
    handshake_within_s: float = 5.0
    start_within_s: float = 5.0
    """a dialect with a start message must send it by then"""
    ping_after_s: float = 20.0
    """of silence; a socket that sends is alive"""
    pong_within_s: float = 10.0
    stream_for_s: float = 12 * 3600.0
    """the longest stream; a deployment's `StreamSeconds`"""
    silent_s: float = 120.0
    """without a message: the carrier is asked for the call's status; again after as long"""
    linger_s: float = 5.0
    """a socket may stay open this long after its stream's stop"""
    faults_at_once: int = 20
    """sockets of a profile and address that may be disconnected for bad messages; then 429"""
    fault_forgiven_s: float = 3.0
    """after this time one of them is forgiven"""
    wire_rate: int = 40_000
    """bytes per second of a stream: two tracks of base64 with their envelopes are 33,000"""
    wire_burst_s: float = 30.0
    """at three times the wire rate: what a network may deliver at once after a stall"""
    rtp_rate: float = 200.0
    """packets per second of a port"""
    rtp_burst_s: float = 2.0
    """of that rate at once: after a stall of 3 s 300 packets of 10 ms arrive"""
    rtp_unused_s: float = 300.0
    """a port waits this long for a first packet"""
    rtp_silence_s: float = 30.0
    """without a packet the stream ends; a sender's pauses (DTX, hold) are shorter"""
    rtp_linger_s: float = 0.5
    """after the carrier reported the end, for packets under way"""
    rtp_straggle_s: float = 3.0
    """after that end, packets of the same sender are dropped; later ones begin another stream"""
    rtp_release_s: float = 30.0
    """from a stream's end until its port is free; a sender meanwhile begins another stream"""
    alone_after_s: float = 5.0
    """without an answer of the database, until a worker captures alone"""
    rejoin_s: float = 10.0
    """a call that was captured alone stays open this long: streams on other workers join up to 9 s
    after the outage, too"""
    forwarding_flush_s: float = 0.01
    """forwarded messages wait this long for more, so that many are one write"""
    forwarding_alive_s: float = 1.0
    """between two keep-alives of a forwarding connection"""
    forwarding_silences: int = 3
    """after so many periods without a byte the connection is closed"""
    forwarding_reach_s: float = 2.0
    """an owner that doesn't answer by then can't be reached"""
    forwarding_keeps_s: float = 6.0
    """of forwarded media is kept, to be captured here if the owner dies: that is noticed after four
    seconds at most, and the owner's journal is two seconds behind"""
    forwarding_bytes: int = 8 * 1024 * 1024
    """that an owner may leave unread; then it counts as dead"""
    other_workers_s: float = 2.5
    """a recording that ends before its call waits this long for media of the call that another
    worker still holds in memory: a second, and the time of a put"""
    journal_every_s: float = 1.0
    journal_bytes: int = 8 * 1024 * 1024
    journal_puts: int = 4
    segment_every_s: float = 100.0
    """one put per call and period. An erasure waits until segments cover the journal's objects
    (`recording/erasure.py`), so the period can't be much longer; memory holds as much media"""
    segment_puts: int = 8
    held_bytes: int = 128 * 1024 * 1024
    """of segments that wait in memory. With the puts of journal and segments, and what the
    allocator keeps, it is less than 256 MB on top of the calls' open media"""
    queued_bytes: int = 768 * 1024 * 1024
    """of media that waits to be encoded while the store takes none: what 480 calls hold that end
    at once; there is more only if the disk hangs"""
    spool_bytes: int = 17 * 1024**3
    """of segments that wait in files: 70 minutes of 250 calls; the 21 GiB also hold the image"""
    retry_first_s: float = 0.1
    retry_most_s: float = 2.0
    control_threads: int = 16
    lease_every_s: float = liveness.RENEWAL_EVERY_S
    lease_sure_s: float = 5.0
    """a worker may write this long after a renewal: no other considers it dead before 20 s, and an
    unanswered write is given up after 15 s"""
    takeover_threads: int = 4
    detector_every_s: float = 1.0
    """between two reads of the other workers' leases"""
    detector_silent_s: float = liveness.SILENT_S
    """three missing renewals: carriers are asked to tap that worker's calls again"""
    detector_dead_s: float = liveness.DEAD_S
    """such a silence is a death: after a database outage renewals hang for up to 9 s"""
    detector_jitter_s: float = 3.0
    """added at random by each worker: the first one declares the death, the others read it"""
    detector_late_s: float = 5.0
    """a read this long after the previous one counts as failed"""
    detector_blind_s: float = 10.0
    """after a failed read no silence counts: renewals come up to 9 s after an outage"""
    mailbox_every_s: float = 0.1
    """while there are calls"""
    mailbox_idle_s: float = 1.0
    mailbox_at_once: int = 3_000
    """commands under way; more stay in the mailbox. In an outage of S3 each end of a recording
    waits: an hour of 250 calls of five minutes has this many"""
    mailbox_remembered: int = 10_000
    """commands whose ids are kept: one that comes again was executed already"""
    keys_every_s: float = 60.0
    tap_connect_s: float = 5.0
    """from resolving a tap's host to its websocket's 101"""
    tap_queue_s: float = 4.0
    """of audio that waits for a slow destination; its connection holds one second more"""
    tap_retries: int = 5
    tap_retry_first_s: float = 0.25
    tap_retry_most_s: float = 4.0
    tap_stable_s: float = 10.0
    """a connection that lasted this long has all its retries again"""
    tap_refused_s: float = 10.0
    """of ICMP's "port unreachable" after each packet"""
    tap_chatter_bytes: int = 256 * 1024
    """that a destination may send, which is ignored, and as much more every minute"""
    taps_per_call: int = 16
    tap_threads: int = 4
    stop_within_s: float = 100.0
    """a planned stop; ECS kills after 120 s"""
    metrics_every_s: float = 60.0
    protection_look_every_s: float = 1.0
    protection_for_min: int = 2880
    """the most that ECS grants. It refuses to renew while more tasks are protected than desired, as
    at night: then every call has what is left, at least 47 hours"""
    protection_renew_every_s: float = 3600.0
    protection_linger_s: float = 60.0
    """after the last call, so that not every call causes requests to ECS"""
    protection_retry_s: float = 10.0
    drain_look_every_s: float = 30.0
