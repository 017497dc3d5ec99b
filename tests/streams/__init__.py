"""Carriers that don't exist: stream dialects that ask of the contract what real ones ask.

| dialect | like | it asks for |
|---|---|---|
| `stamped` | Telnyx | a time in each message; reordering, copies, holes |
| `stereo` | jambonz | two interleaved tracks of L16 in one message; a sub-protocol |
| `answered` | AudioHook | answers on the socket; a count of samples with gaps that are told |
| `bulky` | AudioHook that catches up | messages of 480 kB |

Each has a parser shaped as a real carrier's, and functions that write its messages.
"""
