import dev.chromacompactor.job.AttemptMarks;
import dev.chromacompactor.job.Outcome;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.queue.Consumer;
import dev.chromacompactor.queue.Gate;
import dev.chromacompactor.queue.Sqs;
import dev.chromacompactor.queue.SqsSettings;
import dev.chromacompactor.telemetry.Metrics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** The consumer of the worker with empty jobs; says when it is warm, and runs until SIGTERM. */
public final class Ours {
    public static void main(String[] arguments) throws InterruptedException {
        var environment = System.getenv();
        var handled = new AtomicInteger();
        int warmUp = Integer.parseInt(environment.get("WARM_UP"));
        try (var sqs = new Sqs(SqsSettings.fromEnvironment(environment))) {
            var consumer = new Consumer(
                    sqs.queue(environment.get("QUEUE_URL")),
                    sqs.queue(environment.get("DLQ_URL")),
                    delivery -> {
                        if (handled.incrementAndGet() == warmUp) {
                            System.out.println("warm " + System.currentTimeMillis());
                        }
                        return delivery.body().contains("poison")
                                ? new Outcome.DeadLetter(new Failure(Blame.INPUT, "poison", "so says its body"))
                                : new Outcome.Done("nothing to do");
                    },
                    AttemptMarks.NONE,
                    Gate.OPEN,
                    Metrics.none(),
                    new Consumer.Settings(
                            Integer.parseInt(environment.get("CONCURRENCY")), Duration.ofMinutes(5), 5, "bench"),
                    InstantSource.system());
            consumer.start();
            new CountDownLatch(1).await();
        }
    }
}
