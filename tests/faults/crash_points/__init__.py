"""Crash points: a day is lived with a crash just before and just after every durable effect.

The effects are not listed by hand. Every write to the database, every transaction's commit, every
send, offset commit and topic that is made passes one of a few places (:mod:`.tapping`), and is
known by who did it, what it is and where in the code it stands (:mod:`.effects`). The first day of
a run is lived in peace and lists them; on the days after it, a part (a worker or a web process,
with all its threads) crashes there, cannot do anything durable any more, and is made anew.
"""
