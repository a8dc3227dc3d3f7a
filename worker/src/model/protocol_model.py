#!/usr/bin/env python3
"""Explicit-state model of the publish protocol of docs/protocol.md: S3's conditional writes and an at-least-once queue.

  protocol_model.py                      every scenario, then every deliberate mistake (must be caught)
  protocol_model.py --list               names of scenarios and mistakes
  protocol_model.py --scenario NAME      one scenario, correct protocol        [--live: also "can always finish"]
  protocol_model.py --mistake NAME       one mistake, with its shortest counterexample

One step = one S3 or SQS call.  Between any two steps anything else may happen: another worker's step, a crash (local
state gone, message visible again), a lease that runs out (message visible again while the worker sleeps on and later
continues), an unknown answer to the pointer write (applied / never applied / applied later), a repair and a replay, the
clock, one or two garbage collectors, a rollback and a release, a pin.  Breadth first, so a printed trace is a shortest one.

It shows the absence of errors in this scope, not in the code; the page names the tests that show it of the code.
"""
import argparse, sys, time
from collections import deque
from functools import lru_cache
from typing import NamedTuple

# ------------------------------------------------------------------------------------------------------------- state
class V(NamedTuple):            # <db>/snapshot/timestamped/<version>/ : manifest + data, immutable once written
    base: int                   # version it was built on (-1: none); the pointer write is If-Match on exactly this
    seq: int                    # base.seq + 1; stands in the version id
    lin: frozenset              # chunks inside, as (batch, index)
    exc: frozenset              # planned chunks that are not inside, each with a reason
    rev: frozenset              # chunks taken out by a rollback: never taken in again by themselves
    ref: frozenset              # chunks refused at publish: each has had its letter, so another publisher sends none
    recs: frozenset             # registers {(name, T, tie, value)}: 'x' the vector of record x, 'x.a' its key a, '#x' its delete
    hor: int                    # horizon: inputs stamped before it are refused, tombstones before it are dropped
    alive: bool                 # objects still in the bucket

GONE = V(-1, 0, *[frozenset()] * 5, 0, False)

class W(NamedTuple):            # a worker in the middle of a job; idle workers are None
    pc: str
    msg: tuple                  # ('C', batch, i) process_chunk or ('F', batch) final_merge
    own: bool                   # still holds the lease (else the message is visible to others as well)
    p: int = -1                 # pointer value read
    a: frozenset = frozenset()  # chunk job: records folded; final job: chunks to take in
    b: frozenset = frozenset()  # final job: excused
    old: frozenset = frozenset()  # final job: refused as older than the horizon
    vid: int = -1               # final job: version uploaded
    fail: bool = False

class S(NamedTuple):
    now: int; msgs: tuple; dlq: frozenset; broken: frozenset
    rcpt: frozenset             # {(chunk, 'done'|'failed')}
    inter: frozenset            # {(chunk, records)}
    vers: tuple; ptr: int; pub: frozenset
    work: tuple; late: frozenset  # pointer writes still under way: {(expected, vid)}
    gc: tuple; doom: frozenset  # collectors; what each of them is about to delete: {(version, collector)}
    pins: frozenset; pin: tuple; op: tuple
    revoked: frozenset          # history variable: chunks taken out by rollbacks
    left: tuple                 # what the adversary may still do, in the order of KINDS

KINDS = ('crash', 'lapse', 'unknown', 'gc', 'rollback', 'release', 'replay', 'tick', 'native', 'pin', 'sweep')

class Cfg(NamedTuple):
    name: str; about: str
    deltas: dict                # name -> (T, {register: value|None}); 'x': None deletes, 'x.a': None removes key a, '!x' deletes before adding anew
    plan: dict                  # batch -> (policy, (delta, ...)): chunk i holds exactly delta i
    workers: int
    left: dict
    broken: tuple = ()
    published: tuple = ()       # batches that version 0 already holds
    ready: tuple = ()           # batches whose chunks are processed; their final_merge is in the queue
    H: int = 99                 # tombstones live this long
    collectors: int = 1         # that may run at the same time

# ---------------------------------------------------------- records: a join by stamp, register by register, as upsert merges
def join(a, b, mistake):
    d = {r[0]: r for r in a}
    if mistake == 'whole-record':                                     # the later delta's record replaces the earlier one
        top = {}
        for r in (*a, *b): top[owner(r[0])] = max(top.get(owner(r[0]), ()), r[1:3])
        return frozenset(r for r in (*a, *b) if r[1:3] == top[owner(r[0])])
    for r in b:
        o = d.get(r[0])
        if o is None or (r[1] > o[1] if mistake == 'tie-keeps-base' else r[1:3] > o[1:3]): d[r[0]] = r
    if mistake == 'readd-forgets-delete':
        d = {k: r for k, r in d.items() if not (k[0] == '#' and k[1:] in d and d[k[1:]][1:3] > r[1:3])}
    return frozenset(d.values())

def owner(name): return name.lstrip('#').split('.')[0]

def covered(r, d): return r[0][0] != '#' and '#' + owner(r[0]) in d and d['#' + owner(r[0])][1:3] > r[1:3]   # older than the delete

def visible(recs):
    d = {r[0]: r for r in recs}; up = {k: r[3] for k, r in d.items() if k[0] != '#' and r[3] is not None and not covered(r, d)}
    return frozenset((k, v) for k, v in up.items() if owner(k) in up)   # a key without its record is not seen

def compact(recs, hor):                                               # what no later input can need is dropped, and only that
    d = {r[0]: r for r in recs}
    return frozenset(r for r in recs if not covered(r, d) and (r[1] >= hor or (r[3] is not None and r[0][0] != '#')))

class Model:
    def __init__(self, cfg, mistake=None):
        self.c, self.m = cfg, mistake
        self.chunks = [(b, i) for b in cfg.plan for i in range(len(cfg.plan[b][1]))]
        self.expected = lru_cache(None)(self._expected)

    def delta(self, ch): return self.c.plan[ch[0]][1][ch[1]]
    def T(self, ch): return self.c.deltas[self.delta(ch)][0]          # pinned by the plan, whatever happens later
    def planned(self, b): return [(b, i) for i in range(len(self.c.plan[b][1]))]

    def _expected(self, lin):                                         # the specification: apply once, in stamp order
        d = {}
        for T, name in sorted((self.T(ch), self.delta(ch)) for ch in lin):
            for k, v in self.c.deltas[name][1].items():
                if k[0] == '!' or (v is None and '.' not in k):
                    for f in [f for f in d if owner(f) == k.lstrip('!')]: del d[f]
                else: d[k] = v
        return frozenset((k, v) for k, v in d.items() if v is not None)

    def fold(self, s, ch):                                            # process_chunk: records with their delta's stamp
        name = self.delta(ch); T, ops = self.c.deltas[name]
        if self.m == 'merge-time-stamp': T = 10 + len(s.inter)
        if self.m == 'repair-restamps' and name in self.c.broken: T = 9
        gone = lambda k, v: k[0] == '!' or (v is None and '.' not in k)
        return frozenset(('#' + k.lstrip('!'), T, name, 1) if gone(k, v) else (k, T, name, v) for k, v in ops.items())

    def initial(self):
        c = self.c; s = S(3, (), frozenset(), frozenset(c.broken), frozenset(), frozenset(), (), -1, frozenset(),
                          (None,) * c.workers, frozenset(), ((),) * c.collectors, frozenset(), frozenset(), (), (), frozenset(),
                          tuple(c.left.get(k, 0) for k in KINDS))
        msgs = []
        for b in c.plan:
            if b in c.published or b in c.ready:
                done = [(ch, self.fold(s, ch)) for ch in self.planned(b)]
                s = s._replace(inter=s.inter | set(done), rcpt=s.rcpt | {(ch, 'done') for ch, _ in done})
                if b in c.ready: msgs.append(('F', b))
            else: msgs += [('C', *ch) for ch in self.planned(b)]
        if c.published:
            lin = frozenset(ch for b in c.published for ch in self.planned(b)); recs = frozenset()
            for ch, r in sorted(s.inter, key=str):
                if ch in lin: recs = join(recs, r, None)
            s = s._replace(vers=(V(-1, 0, lin, frozenset(), frozenset(), frozenset(), recs, 0, True),), ptr=0)
        return s._replace(msgs=tuple(sorted(msgs)))

    # ------------------------------------------------------------------------------------------------ small helpers
    def status(self, s, ch):
        return 'done' if (ch, 'done') in s.rcpt else 'failed' if (ch, 'failed') in s.rcpt else None
    def settled(self, s, b):
        st = [self.status(s, ch) for ch in self.planned(b)]
        if self.c.plan[b][0] == 'hold': return all(x == 'done' for x in st)
        return all(st)
    def live(self, s): return s.vers[s.ptr] if s.ptr >= 0 else V(-1, -1, *[frozenset()] * 5, 0, True)
    @staticmethod
    def letters(s, chunks): return s._replace(dlq=s.dlq | {(ch, 'older-than-horizon') for ch in chunks})
    @staticmethod
    def send(s, m): return s._replace(msgs=tuple(sorted(s.msgs + (m,))))
    @staticmethod
    def spend(s, kind):
        k = KINDS.index(kind); return s._replace(left=s.left[:k] + (s.left[k] - 1,) + s.left[k + 1:])
    @staticmethod
    def has(s, kind): return s.left[KINDS.index(kind)] > 0
    @staticmethod
    def put(s, k, w):
        return s._replace(work=tuple(sorted(s.work[:k] + (w,) + s.work[k + 1:], key=hash)))
    def tidy(self, s):                                                # a version nobody can reach any more: forget it
        used = {s.ptr, *(w.p for w in s.work if w), *(w.vid for w in s.work if w), *(v for _, v in s.late), *s.op[1:], *s.pin[1:]}
        if s.ptr >= 0 and self.has(s, 'rollback'): used.add(s.vers[s.ptr].base)
        vers = [v if n in used else GONE for n, v in enumerate(s.vers)]
        top = max(used | {e for e, _ in s.late}) + 1; vers = tuple(vers[:top])
        if vers == s.vers: return s
        gc = tuple(g and (g[0], frozenset(n for n in g[1] if n in used), g[2]) for g in s.gc)
        return s._replace(vers=vers, gc=gc, doom=frozenset((n, k) for n, k in s.doom if n in used))
    @staticmethod
    def kill(s, vid): return s._replace(vers=s.vers[:vid] + (s.vers[vid]._replace(alive=False),) + s.vers[vid + 1:])

    # ----------------------------------------------------------------------------------------------- all next states
    def steps(self, s):
        for k, w in enumerate(s.work):
            if w is None:
                if None in s.work[:k]: continue                       # idle workers are alike
                for m in dict.fromkeys(s.msgs):
                    rest = list(s.msgs); rest.remove(m); t = s._replace(msgs=tuple(rest))
                    for label, t, nw in self.job(t, W('c.read' if m[0] == 'C' else 'f.look', m, True)):
                        yield f'{nm(m)}: received, {label}', self.put(t, k, nw)
                continue
            tag = nm(w.msg) + ('' if w.own else ' (slept past its lease)')
            for label, t, nw in self.job(s, w):
                yield f'{tag}: {label}', self.put(t, k, nw)
            if self.has(s, 'crash'):
                t = self.put(self.spend(s, 'crash'), k, None)
                yield f'{tag}: CRASH before "{w.pc}"', self.send(t, w.msg) if w.own else t
            if w.own and self.has(s, 'lapse'):
                yield f'{tag}: lease runs out, worker sleeps at "{w.pc}"', \
                    self.send(self.put(self.spend(s, 'lapse'), k, w._replace(own=False)), w.msg)
            if w.own and w.msg[0] == 'C' and self.has(s, 'native') and not self.status(s, w.msg[1:]):
                yield f'{tag}: worker dies, queue moves the message to the DLQ by itself', self.put(
                    self.spend(s, 'native')._replace(dlq=s.dlq | {(w.msg[1:], 'native')}), k, None)
        for e, v in s.late:
            t = s._replace(late=s.late - {(e, v)})
            yield f'late pointer write of v{v}: ' + ('applied' if e == s.ptr else '412'), \
                t._replace(ptr=v) if e == s.ptr else t
        yield from self.others(s)

    def job(self, s, w): return (self.chunk if w.msg[0] == 'C' else self.final)(s, w)

    def chunk(self, s, w):                                            # process_chunk
        ch, b, pc = w.msg[1:], w.msg[1], w.pc
        go = lambda step, /, **k: w._replace(pc=step, **k)
        if pc == 'c.read':
            there = any(x == ch for x, _ in s.inter) or ch in self.live(s).lin
            if self.status(s, ch) == 'done' and there: yield 'receipt says done', s, go('c.settled?')
            elif self.delta(ch) in s.broken: yield 'reads the delta: corrupt', s, go('c.failed', fail=True)
            else: yield 'reads the delta', s, go('c.intermediate', a=self.fold(s, ch))
        elif pc == 'c.intermediate':
            t = s if any(x == ch for x, _ in s.inter) else s._replace(inter=s.inter | {(ch, w.a)})
            yield 'PUT intermediate If-None-Match', t, go('c.settled?' if self.m == 'trigger-before-receipt' else 'c.done')
        elif pc == 'c.done':
            t = s._replace(rcpt=s.rcpt - {(ch, 'failed')} | {(ch, 'done')})
            if self.m == 'trigger-before-receipt': yield 'PUT receipt done', t, go('ack')
            elif self.m == 'ack-before-trigger': yield 'PUT receipt done, ack', t, go('c.settled?', own=False)
            else: yield 'PUT receipt done', t, go('c.settled?')
        elif pc == 'c.failed':
            if self.status(s, ch) == 'done' and self.m != 'receipt-goes-down':
                yield 'receipt is done already, stays', s, go('c.settled?', fail=False)
            else:
                t = s._replace(rcpt=s.rcpt - {(ch, 'done')} | {(ch, 'failed')})
                if self.m == 'ack-before-letter': yield 'PUT receipt failed, ack', t, go('c.settled?', own=False)
                else: yield 'PUT receipt failed', t, go('c.settled?')
        elif pc == 'c.settled?':
            early = self.m == 'trigger-before-receipt' and w.a and self.status(s, ch) != 'done'
            nxt = 'c.done' if early else 'c.letter' if w.fail else 'ack'
            if early or self.settled(s, b): yield f'stage settled, sends final_merge {b}', self.send(s, ('F', b)), go(nxt)
            else: yield 'lists receipts: stage not settled', s, go(nxt)
        elif pc == 'c.letter':
            yield 'sends the dead letter', s._replace(dlq=s.dlq | {(ch, 'corrupt')}), go('ack')
        elif pc == 'ack':
            yield 'ack', s, None

    def final(self, s, w):                                            # final_merge: "go and look", carries no state
        b, pc = w.msg[1], w.pc
        go = lambda step, /, **k: w._replace(pc=step, **k)
        again = W('f.look', w.msg, w.own)
        if pc == 'f.look':
            if self.m == 'receipt-before-pointer' and b in s.pub: yield 'published.json exists: nothing to do', s, go('ack'); return
            base = self.live(s)
            if not self.settled(s, b): yield 'stage not settled: somebody else will send', s, go('ack'); return
            take, exc, old = set(), set(), set()
            for x in self.c.plan:                                     # group commit: every batch that is ready
                if not self.settled(s, x): continue
                todo = [ch for ch in self.planned(x) if ch not in base.lin and ch not in (
                    s.revoked if self.m == 'rollback-same-etag' else base.rev)]
                late = {ch for ch in todo if self.T(ch) < base.hor and self.m != 'no-horizon-check'}
                if late and self.c.plan[x][0] == 'hold': late = set(todo)   # all or nothing
                bad = {ch for ch in todo if self.status(s, ch) != 'done'}
                take |= set(todo) - late - bad; exc |= late | bad; old |= late - bad
            news = old - base.ref                                     # what a manifest names has had its letter
            if not take: yield 'nothing left to take in', self.letters(s, news), go('f.receipt')
            else:
                if self.m == 'ledger-ignores-failed': exc = set()
                yield f'pointer v{s.ptr}, takes {names(take)}' + (f', excuses {names(exc)}' if exc else ''), s, go(
                    'f.upload', p=s.ptr, a=frozenset(take), b=frozenset(exc), old=frozenset(news))
        elif pc == 'f.upload':
            base = s.vers[w.p] if w.p >= 0 else self.live(s._replace(ptr=-1))
            found = dict(s.inter); recs = base.recs
            if not base.alive: yield 'the base is gone: reads the pointer again', s, again; return
            lost = [('C', *ch) for ch in sorted(w.a) if ch not in found]
            if lost:                                                  # collected, and needed after all
                t = s if not w.own else self.send(s, w.msg)
                for m in lost: t = t if m in t.msgs else self.send(t, m)
                yield 'an intermediate is gone: sends for it again, comes back later', t, None; return
            for ch in sorted(w.a): recs = join(recs, found[ch], self.m)
            hor = max(base.hor, s.now - self.c.H)
            v = V(w.p, base.seq + 1, base.lin | w.a, w.b, base.rev, base.ref - w.a | w.old, compact(recs, 99 if self.m == 'drop-tombstones' else hor), hor, True)
            vid = len(s.vers); vers = s.vers + (v,)
            if self.m == 'version-id-by-clock':                       # no random part: same second, same prefix
                for n, o in enumerate(s.vers):
                    if o.seq == v.seq: vid, vers = n, s.vers[:n] + (v,) + s.vers[n + 1:]
            t = s._replace(vers=vers)
            if self.m == 'receipt-before-pointer': t = t._replace(pub=s.pub | {b})
            early = w.old and self.m != 'letter-after-commit'
            yield f'uploads v{vid} = v{w.p} + {names(w.a)}', t, go('f.letter' if early else 'f.pointer!', vid=vid)
        elif pc == 'f.letter':
            yield f'sends letters for {names(w.old)}', self.letters(s, w.old), go(
                'f.receipt' if self.m == 'letter-after-commit' else 'f.pointer!')
        elif pc == 'f.pointer!':
            hit = s.ptr == w.p or self.m == 'unconditional-pointer'
            lost = again
            won = go('f.letter' if w.old and self.m == 'letter-after-commit' else 'f.receipt')
            if hit: yield f'PUT pointer v{w.p}->v{w.vid}: 200', s._replace(ptr=w.vid), won
            else: yield f'PUT pointer v{w.p}->v{w.vid}: 412, lost', s, lost
            if self.has(s, 'unknown'):
                t = self.spend(s, 'unknown'); after = lost
                clean = (lambda x: self.kill(x, w.vid)) if self.m == 'unknown-means-lost' else (lambda x: x)
                if self.m == 'unknown-means-won': after = go('f.receipt')
                if hit: yield f'PUT pointer v{w.p}->v{w.vid}: TIMEOUT, was applied', clean(t._replace(ptr=w.vid)), after
                yield f'PUT pointer v{w.p}->v{w.vid}: TIMEOUT, still under way', clean(t._replace(
                    late=t.late | {(w.p, w.vid)})), after
        elif pc == 'f.receipt':
            yield 'PUT published.json, ack', s, None                 # nobody decides anything by published.json
        elif pc == 'ack':
            yield 'ack', s, None

    def others(self, s):                                              # operator, clock, collector, sweeper
        live = self.live(s)
        for ch, why in s.dlq:
            if why == 'corrupt' and self.has(s, 'replay'):
                t = self.spend(s, 'replay')._replace(dlq=s.dlq - {(ch, why)}, broken=s.broken - {self.delta(ch)})
                yield f'operator repairs the delta and replays {nm(("C", *ch))}', self.send(t, ('C', *ch))
        if self.has(s, 'tick'): yield f'clock: {s.now + 1}', self.spend(s, 'tick')._replace(now=s.now + 1)
        if self.has(s, 'sweep') and self.m != 'no-sweeper' and not s.msgs and not any(s.work):
            for b in self.c.plan:                                     # an idle worker looks at the open batches
                if self.settled(s, b): continue
                for ch in self.planned(b):
                    if not self.status(s, ch):
                        yield f'sweeper: {nm(("C", *ch))} has no receipt, sends it again', self.send(
                            self.spend(s, 'sweep'), ('C', *ch))
        # collector: read pointer and list; doom; read pins; delete one by one; clear what it doomed itself
        for k, g in enumerate(s.gc):
            who = f'gc {"AB"[k]}' if len(s.gc) > 1 else 'gc'
            step = lambda *g: s._replace(gc=s.gc[:k] + (g,) + s.gc[k + 1:])
            if not g and self.has(s, 'gc') and s.ptr >= 0 and not any(not o for o in s.gc[:k]):   # idle ones are alike
                dead = frozenset(n for n, v in enumerate(s.vers) if v.alive and n != s.ptr
                                 and (v.seq <= live.seq or self.m == 'gc-without-fence'))
                if dead or any(ch in live.lin for ch, _ in s.inter):
                    yield f'{who}: pointer v{s.ptr}, dead {sorted(dead)}', self.spend(step('doom', dead, live.lin), 'gc')
            elif g and g[0] == 'doom':
                yield f'{who}: PUT doom list', step('pins', *g[1:])._replace(doom=s.doom | {(n, k) for n in g[1]})
            elif g and g[0] == 'pins':
                yield f'{who}: reads pins {sorted(s.pins)}', step('del', g[1] - s.pins, g[2])
            elif g and g[0] == 'del':
                for n in g[1]: yield f'{who}: deletes v{n}', self.kill(step('del', g[1] - {n}, g[2]), n)
                if not g[1]:
                    over = {(n, o) for n, o in s.doom if o == k or not s.vers[n].alive or self.m == 'gc-clears-all'}
                    yield f'{who}: deletes intermediates inside the live version, clears its doom list', step()._replace(
                        doom=s.doom - over, inter=frozenset(x for x in s.inter if x[0] not in g[2]))
            if g and self.has(s, 'crash'): yield f'{who}: CRASH at "{g[0]}"', self.spend(step(), 'crash')   # its doom list stays
        # pin: reference first, then look at the doom list
        if not s.pin and self.has(s, 'pin') and s.ptr >= 0:
            yield f'pin: chooses v{s.ptr}', self.spend(s, 'pin')._replace(pin=('put', s.ptr))
        elif s.pin and s.pin[0] == 'put': yield f'pin: PUT pin v{s.pin[1]}', s._replace(
            pins=s.pins | {s.pin[1]}, pin=('check', s.pin[1]))
        elif s.pin and s.pin[0] == 'check':
            n = s.pin[1]; ok = s.vers[n].alive and (n not in {d for d, _ in s.doom} or self.m == 'pin-ignores-doom')
            yield f'pin: v{n} ' + ('is there, pinned' if ok else 'is doomed, refused'), s._replace(
                pin=('ok', n) if ok else ('no', n), pins=s.pins if ok else s.pins - {n})
        # rollback to the live version's base: a new version with the old content, everything else revoked
        o = s.op
        if not o and self.has(s, 'rollback') and s.ptr >= 0 and live.base >= 0:
            yield f'rollback: reads pointer v{s.ptr}, target v{live.base}', self.spend(s, 'rollback')._replace(
                op=('copy', s.ptr, live.base))
        elif o and o[0] == 'copy':
            cur, tgt = s.vers[o[1]], s.vers[o[2]]
            if not tgt.alive: yield 'rollback: target is gone, refused', s._replace(op=('end',))
            elif self.m and self.m.startswith('rollback-'): yield 'rollback: ready', s._replace(op=('cas', o[1], o[2]))
            else:
                v = tgt._replace(base=o[1], seq=cur.seq + 1, rev=cur.rev | (cur.lin - tgt.lin), hor=max(cur.hor, tgt.hor))
                yield f'rollback: copies v{o[2]} to v{len(s.vers)}', s._replace(vers=s.vers + (v,), op=('cas', o[1], len(s.vers)))
        elif o and o[0] == 'cas':
            if s.ptr != o[1]: yield 'rollback: 412, refused', s._replace(op=('end',))
            else: yield f'rollback: PUT pointer v{o[1]}->v{o[2]}: 200', s._replace(
                op=('end',), ptr=o[2], revoked=s.revoked | (s.vers[o[1]].lin - s.vers[o[2]].lin))

        # release: a new version that revokes less, and then messages as if the chunks had just been processed
        if o in ((), ('end',)) and self.has(s, 'release') and s.ptr >= 0 and live.rev:
            v = live._replace(base=s.ptr, seq=live.seq + 1, rev=frozenset())
            yield f'release: copies v{s.ptr} to v{len(s.vers)}', self.spend(s, 'release')._replace(
                vers=s.vers + (v,), op=('swap', s.ptr, len(s.vers)))
        elif o and o[0] == 'swap':
            back = s.vers[o[1]].rev
            if s.ptr != o[1]: yield 'release: 412, refused', s._replace(op=('end',))
            else: yield f'release: PUT pointer v{o[1]}->v{o[2]}: 200', s._replace(
                op=('ask',) if self.m != 'release-only-unrevokes' else ('end',), ptr=o[2], revoked=s.revoked - back)
        elif o and o[0] == 'ask':                                     # the command is given again if it dies before
            t = s._replace(op=('end',)); there = {ch for ch, _ in s.inter}
            for ch in self.chunks:
                if self.status(s, ch) == 'done' and ch not in live.lin | live.rev:
                    t = self.send(t, ('F', ch[0]) if ch in there else ('C', *ch))
            yield 'release: sends for what is not inside', t

    # -------------------------------------------------------------------------------------------------- the promises
    def wrong(self, s, before):
        v = self.live(s)
        if not v.alive: return 'promise 1/5: the pointer names a deleted version'
        if before is not None and s.ptr != before.ptr and before.ptr >= 0:
            gone = self.live(before).lin - v.lin - s.revoked
            if gone: return f'promise 1: lost update, {names(gone)} was live and is not any more'
        if before is not None and s.ptr == before.ptr >= 0 and self.live(before).recs != v.recs:
            return 'promise 1: a published version changed'
        if v.lin & s.revoked: return f'rollback: {names(v.lin & s.revoked)} came back by itself'
        if v.lin & v.exc: return f'promise 2: {names(v.lin & v.exc)} is inside and named as excused'
        for b in {ch[0] for ch in v.lin}:
            for ch in self.planned(b):
                if ch in v.lin or ch in v.rev: continue
                if self.c.plan[b][0] == 'hold': return f'promise 2: batch {b} is on hold and published without {names([ch])}'
                if ch not in v.exc: return f'promise 2: {names([ch])} is neither inside nor named as excused'
        if visible(v.recs) != self.expected(v.lin):
            return f'promise 3: live records {sorted(visible(v.recs))}, in order once {sorted(self.expected(v.lin))}'
        if s.pin and s.pin[0] == 'ok' and not s.vers[s.pin[1]].alive: return 'promise 5: a pinned version was deleted'
        if self.quiet(s):
            letters = {ch for ch, _ in s.dlq}
            for ch in self.chunks:
                if ch in v.lin or ch in s.revoked: continue
                st = self.status(s, ch)
                if st != 'done' and ch not in letters: return f'promise 4: {names([ch])} is nowhere: no message, no letter'
                if st == 'done' and (ch, 'older-than-horizon') not in s.dlq and not (
                        self.c.plan[ch[0]][0] == 'hold' and not self.settled(s, ch[0])):
                    return f'promise 2/4: nothing left to run, {names([ch])} is done and was never published'
        return None

    def quiet(self, s):
        return not s.msgs and not any(s.work) and not s.late and s.op in ((), ('end',)) and not (
            self.has(s, 'sweep') and self.m != 'no-sweeper' and any(y == 'native' for _, y in s.dlq))

def nm(m): return f'{"process_chunk" if m[0] == "C" else "final_merge"}({",".join(map(str, m[1:]))})'
def names(chunks): return '{' + ', '.join(f'{b}/{i}' for b, i in sorted(chunks)) + '}'

# ------------------------------------------------------------------------------------------------------------ search
def search(model, cap=3_000_000, live=False):
    s0 = model.initial(); parent = {s0: None}; todo = deque([s0]); edges = []; quiet = 0; t0 = time.time()
    def trace(s, last):
        out = [last]
        while parent[s]: out.append(parent[s][1]); s = parent[s][0]
        return out[::-1]
    while todo:
        s = todo.popleft(); quiet += model.quiet(s)
        for label, t in model.steps(s):
            t = model.tidy(t)
            if live: edges.append((t, s))
            if t in parent and t.ptr == s.ptr and (s.ptr < 0 or t.vers[t.ptr] is s.vers[s.ptr]): continue
            bad = model.wrong(t, s)
            if bad: return dict(states=len(parent), quiet=quiet, sec=time.time() - t0, bad=bad, trace=trace(s, label))
            if t not in parent:
                parent[t] = (s, label); todo.append(t)
                if len(parent) > cap: raise SystemExit(f'{model.c.name}: more than {cap} states')
    stuck = None
    if live:                                                          # from every state a quiet one can be reached
        back = {}
        for t, s in edges: back.setdefault(t, []).append(s)
        good = {s for s in parent if model.quiet(s)}; stack = list(good)
        while stack:
            for s in back.get(stack.pop(), ()):
                if s not in good: good.add(s); stack.append(s)
        stuck = len(parent) - len(good)
    return dict(states=len(parent), quiet=quiet, sec=time.time() - t0, bad=None, stuck=stuck)

# --------------------------------------------------------------------------------------------------------- scenarios
UP, DEL = 'x', None
D = {'d0': (1, {'x': 'x0', 'y': 'y0'}), 'd1': (2, {'x': DEL, 'y': 'y1'}), 'd2': (3, {'y': 'y2'})}
SCENARIOS = [
    Cfg('fan-in', 'one batch, two chunks finish together; 2 crashes, 2 lapsed leases, no sweeper', D,
        {'b0': ('publish', ('d0', 'd1'))}, 2, dict(crash=2, lapse=2)),
    Cfg('hold', 'hold policy, one corrupt delta, repaired and replayed', D,
        {'b0': ('hold', ('d0', 'd1'))}, 2, dict(crash=1, lapse=1, replay=1), broken=('d0',)),
    Cfg('late-replay', 'publish policy: excused chunk replayed before, during or after a later batch; a crash', D,
        {'b0': ('publish', ('d0', 'd2')), 'b1': ('publish', ('d1',))}, 2, dict(crash=1, replay=1), broken=('d0',)),
    Cfg('late-replay-dup', 'the same with a lapsed lease (a duplicate) instead of the crash', D,
        {'b0': ('publish', ('d0', 'd2')), 'b1': ('publish', ('d1',))}, 2, dict(lapse=1, replay=1), broken=('d0',)),
    Cfg('same-delta', 'two batches list one delta; two deltas of the same second', {
        'd0': (1, {'x': 'A', 'y': 'A'}), 'd1': (1, {'x': 'B'})},
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d0',))}, 2, dict(crash=1)),
    Cfg('race-gc', 'two batches, two publishers, a sleeper, an unknown or late pointer write, a collector run', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',))}, 2, dict(lapse=1, unknown=1, gc=1), ready=('b0',)),
    Cfg('race-crash', 'the same with a crash instead of the sleeper', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',))}, 2, dict(crash=1, unknown=1, gc=1), ready=('b0',)),
    Cfg('race-three', 'the same with three workers', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',))}, 3, dict(unknown=1, gc=1), ready=('b0',)),
    Cfg('rollback', 'version 0 lives; a publish is rolled back while its duplicate sleeps', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d2',))}, 2,
        dict(lapse=1, unknown=1, rollback=1), published=('b0',), ready=('b1',)),
    Cfg('release', 'what was rolled back is released again, while another batch and a sleeping duplicate publish', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d2',))}, 1,
        dict(lapse=1, gc=1, rollback=1, release=1), published=('b0',), ready=('b1',)),
    Cfg('horizon', 'delete, time passes, tombstone dropped, then the old upsert is replayed', {
        'd0': (1, {'x': 'x0'}), 'd1': (2, {'x': DEL, 'y': 'y1'}), 'd2': (3, {'z': 'z2'})},
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d2',))}, 1,
        dict(tick=2, replay=1), broken=('d0',), H=2),
    Cfg('refused', 'a delta from before the horizon is replayed beside a good batch; the publisher crashes', {
        'd0': (1, {'x': 'x0'}), 'd1': (4, {'z': 'z1'})},
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d1',))}, 1,
        dict(tick=1, replay=1, crash=1), broken=('d0',), ready=('b2',), H=2),
    Cfg('keys', 'records with keys of their own, a removed key, a delete and a new start; the first delta is replayed late', {
        'd0': (1, {'x': 'x0', 'x.a': 'a0', 'y': 'y0', 'y.a': 'a0'}), 'd1': (2, {'x': DEL, 'y': 'y1', 'y.b': 'b1', 'y.a': None}),
        'd2': (3, {'!x': DEL, 'x': 'x2', 'x.b': 'b2', 'y': 'y2', 'y.c': 'c2'})},
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d2',))}, 1, dict(replay=1, crash=1), broken=('d0',)),
    Cfg('keys-late', 'the same; a record deleted and added anew by later deltas, then the key of the first arrives', {
        'd0': (1, {'x': 'x0', 'x.a': 'a0'}), 'd1': (2, {'x': DEL}), 'd2': (3, {'x': 'x2', 'x.b': 'b2'})},
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',)), 'b2': ('publish', ('d2',))}, 1, dict(replay=1, tick=1), broken=('d0',)),
    Cfg('pin', 'a reader pins the live version while it is superseded and collected', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',))}, 2, dict(pin=1, gc=2, lapse=1, unknown=1),
        published=('b0',), ready=('b1',)),
    Cfg('two-collectors', 'two collectors and a reader that pins what they are about to delete', D,
        {'b0': ('publish', ('d0',)), 'b1': ('publish', ('d1',))}, 1, dict(pin=1, gc=2), published=('b0',), ready=('b1',), collectors=2),
    Cfg('native-redrive', 'a worker dies of its message and the queue dead-letters it; the sweeper finds the gap', D,
        {'b0': ('publish', ('d0', 'd1'))}, 2, dict(native=1, sweep=1, crash=1)),
]
DEEP = [                        # --deep: the same, more adversary
    next(c for c in SCENARIOS if c.name == 'horizon')._replace(name='deep-horizon', about='the same with two workers', workers=2),
    next(c for c in SCENARIOS if c.name == 'race-gc')._replace(
        name='deep-race-gc', about='race-gc with two collector runs', left=dict(lapse=1, unknown=1, gc=2)),
    SCENARIOS[2]._replace(name='deep-late-replay', about='late replay with a crash and a lapsed lease', left=dict(crash=1, lapse=1, replay=1)),
    SCENARIOS[1]._replace(name='deep-hold-three', about='three chunks, three workers, hold', broken=(), plan={'b0': ('hold', ('d0', 'd1', 'd2'))},
                          workers=3, left=dict(crash=1, lapse=1)),
    next(c for c in SCENARIOS if c.name == 'race-gc')._replace(
        name='deep-race', about='two publishers, crash, sleeper, unknown write, collector', left=dict(crash=1, lapse=1, unknown=1, gc=1)),
    next(c for c in SCENARIOS if c.name == 'rollback')._replace(
        name='deep-rollback', about='the same with the collector running', left=dict(lapse=1, rollback=1, gc=1)),
]
MISTAKES = {                    # name: (scenarios to look in, what is done wrongly)
    'unconditional-pointer': (('race-crash',), 'pointer put without If-Match'),
    'drop-tombstones': (('late-replay',), 'a delete is forgotten as soon as it met the snapshot'),
    'merge-time-stamp': (('late-replay',), 'records are stamped when they are processed, not when the delta was written'),
    'whole-record': (('keys', 'keys-late'), 'the later record replaces the earlier one whole; Chroma merges it key by key'),
    'readd-forgets-delete': (('keys-late',), 'a record added anew forgets that it was deleted before: old keys come back with a late replay'),
    'repair-restamps': (('late-replay',), "a repaired delta takes its new LastModified instead of the plan's stamp"),
    'tie-keeps-base': (('same-delta',), 'equal times: what is in the snapshot stays'),
    'no-horizon-check': (('horizon',), 'tombstones are dropped after H but older inputs are still accepted'),
    'letter-after-commit': (('refused',), 'a refusal is in the manifest before its letter is sent'),
    'trigger-before-receipt': (('fan-in',), 'next stage is sent before the receipt is written'),
    'ack-before-trigger': (('fan-in',), 'message is deleted between the receipt and the trigger'),
    'ack-before-letter': (('late-replay',), 'original is deleted before the dead letter is sent'),
    'ledger-ignores-failed': (('late-replay',), 'a failed chunk is left out without a word'),
    'receipt-goes-down': (('hold',), 'a slow failing duplicate overwrites "done" with "failed"'),
    'receipt-before-pointer': (('race-crash',), 'published.json is written before the pointer and believed later'),
    'unknown-means-lost': (('race-crash',), 'timed-out pointer write taken for lost: upload cleaned away, start again'),
    'unknown-means-won': (('race-crash',), 'timed-out pointer write taken for won'),
    'gc-without-fence': (('race-crash',), 'every version the pointer does not name is deleted'),
    'gc-clears-all': (('two-collectors',), 'a collector takes off the doom list what another one is about to delete'),
    'pin-ignores-doom': (('pin',), 'pin only checks that the version is still there'),
    'rollback-moves-pointer-back': (('rollback',), 'rollback writes the old version id again (same ETag) and revokes nothing'),
    'rollback-same-etag': (('rollback',), 'rollback keeps a list of what it took out, but the pointer gets its old text back (ABA)'),
    'release-only-unrevokes': (('release',), 'release strikes chunks off the revoked ones and sends nothing'),
    'version-id-by-clock': (('race-gc', 'race-crash'), 'version id without a random part: two publishers, one prefix'),
    'no-sweeper': (('native-redrive',), 'nobody looks for chunks whose message the queue took away'),
}

def run_mistake(name, show=True):
    where, about = MISTAKES[name]; total = 0
    for cfg in (c for c in SCENARIOS if c.name in where):
        r = search(Model(cfg, name)); total += r['states']
        if r['bad']:
            print(f'caught  {name:28} {r["states"]:7} states {r["sec"]:5.1f} s  [{cfg.name}] {about}\n        -> {r["bad"]}')
            if show:
                for n, line in enumerate(r['trace'], 1): print(f'        {n:2} {line}')
            return True
    print(f'MISSED  {name:28} {total:7} states  {about}')
    return False

def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--list', action='store_true'); ap.add_argument('--scenario'); ap.add_argument('--mistake')
    ap.add_argument('--live', action='store_true', help='also: from every state the work can be finished')
    ap.add_argument('--deep', action='store_true', help='larger scenarios too (some minutes)')
    ap.add_argument('--quiet', action='store_true', help='no traces')
    a = ap.parse_args(); t0 = time.time(); ok = True
    if a.list:
        for c in SCENARIOS: print(f'scenario {c.name:28} {c.about}')
        for k, (w, t) in MISTAKES.items(): print(f'mistake  {k:28} {t}  [{", ".join(w)}]')
        return 0
    if a.mistake: return 0 if run_mistake(a.mistake) else 1
    states = 0
    for c in SCENARIOS + (DEEP if a.deep or a.scenario else []):
        if a.scenario and c.name != a.scenario: continue
        r = search(Model(c), live=a.live); states += r['states']
        extra = '' if not a.live else f', {r["stuck"]} states that cannot finish'
        print(f'{"FAILED" if r["bad"] else "holds "}  {c.name:16} {r["states"]:8} states, {r["quiet"]:6} quiet, {r["sec"]:6.1f} s{extra}  {c.about}', flush=True)
        if r['bad']:
            ok = False; print('   ', r['bad'])
            for n, line in enumerate(r['trace'], 1): print(f'    {n:2} {line}')
        if r.get('stuck'): ok = False
    if not a.scenario:
        caught = [run_mistake(m, not a.quiet) for m in MISTAKES]; ok &= all(caught)
        print(f'{states} states hold; {sum(caught)} of {len(caught)} mistakes caught; {time.time() - t0:.0f} s')
    return 0 if ok else 1

if __name__ == '__main__': sys.exit(main())
