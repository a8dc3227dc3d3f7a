package dev.chromacompactor.queue;

import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.telemetry.Keys;
import java.time.Duration;
import java.util.List;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes messages whose effect is durable, as many in one call as SQS takes. Until the delete is sent the lease goes on; if
 * it fails the lease is taken up again, and so is the delete.
 */
final class Acknowledger {
    private static final Logger log = LoggerFactory.getLogger(Acknowledger.class);

    /** Short, as its place is free only then. */
    private static final Duration LINGER = Duration.ofMillis(20);
    /** Each of them is three of the SDK's. */
    private static final int TRIES = 3;

    private final SqsQueue work;
    private final Batches<Pending> batches;

    private record Pending(Held job, int tries, Runnable settled) {}

    /** @param held messages at this moment that may soon be to delete */
    Acknowledger(SqsQueue work, IntSupplier held) {
        this.work = work;
        this.batches = new Batches<>("acknowledger", LINGER, held, 2, this::delete);
    }

    void start() {
        batches.start();
    }

    /** @param settled told once, when the message is deleted, or will come again after all */
    void add(Held job, Runnable settled) {
        batches.add(new Pending(job, 0, settled));
    }

    /** Sends what is left, for so long at most. Of what is not deleted then nobody is told that it is settled. */
    void stop(Duration patience) throws InterruptedException {
        batches.stop(patience);
    }

    /** Sends what is there now, on this thread. */
    void flush() {
        batches.flush();
    }

    private void delete(List<Pending> batch) {
        // No beat may follow the delete, nor be under way.
        batch.forEach(each -> each.job().lease().settle());
        try {
            var handles =
                    batch.stream().map(each -> each.job().message().handle()).toList();
            var answers = work.delete(handles);
            for (int i = 0; i < batch.size(); i++) {
                switch (answers.get(i)) {
                    case DELETED -> batch.get(i).settled().run();
                    case GONE -> gone(batch.get(i));
                    case FAILED -> again(batch.get(i), "SQS did not delete it");
                }
            }
        } catch (FailureException e) {
            batch.forEach(each -> again(each, e.failure().message()));
        }
    }

    private static void gone(Pending one) {
        log.atWarn()
                .addKeyValue(Keys.MESSAGE_ID, one.job().message().id())
                .log("message done but no longer ours to delete; doing it again is harmless");
        one.settled().run();
    }

    private void again(Pending one, String why) {
        if (batches.isStopping()) {
            return;
        }
        if (one.tries() + 1 < TRIES) {
            one.job().lease().resume();
            batches.add(new Pending(one.job(), one.tries() + 1, one.settled()));
            return;
        }
        log.atWarn()
                .addKeyValue(Keys.MESSAGE_ID, one.job().message().id())
                .addArgument(why)
                .log("message done but not deleted, it comes again, which is harmless: {}");
        one.settled().run();
    }
}
