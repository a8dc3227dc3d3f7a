package dev.chromacompactor.telemetry;

import java.util.concurrent.atomic.LongAdder;

/** Requests to S3 and their bytes, counted over something: one publish, for instance. Safe for several threads. */
public final class Traffic {
    private final LongAdder requests = new LongAdder();
    private final LongAdder sent = new LongAdder();
    private final LongAdder received = new LongAdder();

    /**
     * One request was answered, or not.
     *
     * @param sentBytes of its body
     * @param receivedBytes of the body that was announced
     */
    public void add(long sentBytes, long receivedBytes) {
        requests.increment();
        sent.add(sentBytes);
        received.add(receivedBytes);
    }

    /** What was counted so far, apart; this one counts on from zero. */
    public Traffic cut() {
        var before = new Traffic();
        before.requests.add(requests.sumThenReset());
        before.sent.add(sent.sumThenReset());
        before.received.add(received.sumThenReset());
        return before;
    }

    public long requests() {
        return requests.sum();
    }

    public long sent() {
        return sent.sum();
    }

    public long received() {
        return received.sum();
    }
}
