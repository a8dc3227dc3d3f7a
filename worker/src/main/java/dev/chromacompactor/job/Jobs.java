package dev.chromacompactor.job;

import dev.chromacompactor.compaction.Budget;
import dev.chromacompactor.control.PausedException;
import dev.chromacompactor.failure.Blame;
import dev.chromacompactor.failure.Failure;
import dev.chromacompactor.failure.FailureException;
import dev.chromacompactor.message.Message;
import dev.chromacompactor.message.MessageParser;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/** Every message has its job, and every failure becomes its outcome: here, and nowhere else. */
public final class Jobs implements MessageHandler {
    private final ChunkJob chunks;
    private final GroupJob groups;
    private final PublishJob publish;
    private final ArrivalJob arrivals;
    private final InstantSource clock;

    /** @param gather how long the publish of a delta that came alone waits for others; whole seconds */
    public Jobs(Tools tools, InstantSource clock, Duration gather) {
        this(tools, clock, gather, Retries.ofDependency());
    }

    /** @param retries of the steps inside a job that take several calls */
    Jobs(Tools tools, InstantSource clock, Duration gather, Retries retries) {
        this.clock = clock;
        chunks = new ChunkJob(tools, retries);
        groups = new GroupJob(tools, retries);
        publish = new PublishJob(tools, clock, retries);
        arrivals = new ArrivalJob(tools, new ChunkJob(tools.sendingAfter(gather), retries));
    }

    @Override
    public Outcome handle(Delivery delivery) {
        try {
            return run(MessageParser.parse(delivery.body(), delivery.attributes()), delivery.receives());
        } catch (PausedException e) {
            return new Outcome.PutOff(e.failure(), e.delay(clock.instant(), delivery.receives()));
        } catch (FailureException e) {
            return outcome(e, delivery.receives());
        } catch (UncheckedIOException e) {
            // Local files only: what S3 and SQS do wrong comes as a failure of its own.
            return new Outcome.HandBack(new Failure(Blame.NODE, "disk-failed", String.valueOf(e.getMessage())));
        }
    }

    @Override
    public void givenUp(Delivery delivery, Failure failure) {
        switch (MessageParser.parse(delivery.body(), delivery.attributes())) {
            case Message.ProcessChunk chunk -> chunks.failed(chunk, failure);
            case Message.MergeGroup group -> groups.failed(group, failure);
            case Message.DeltaArrived arrived -> arrivals.failed(arrived, failure);
            case Message.SeveralArrived several -> several.deltas().forEach(each -> arrivals.failed(each, failure));
            case Message.FinalMerge _, Message.Nothing _ -> {}
        }
    }

    private Outcome run(Message message, int receives) {
        return switch (message) {
            case Message.ProcessChunk chunk -> new Outcome.Done(chunks.run(chunk));
            case Message.MergeGroup group -> new Outcome.Done(groups.run(group));
            case Message.FinalMerge merge -> publish.run(merge, receives);
            case Message.DeltaArrived arrived -> new Outcome.Done(arrivals.run(arrived));
            case Message.SeveralArrived several -> runAll(several.deltas());
            case Message.Nothing(String what) -> new Outcome.Done(what);
        };
    }

    /**
     * Several deltas in one message: each is tried; what went wrong with one speaks for all, a permanent fault before
     * one that may pass, since a retry could not mend it.
     */
    private Outcome runAll(List<Message.DeltaArrived> deltas) {
        List<FailureException> failures = new ArrayList<>();
        for (Message.DeltaArrived delta : deltas) {
            try {
                var _ = arrivals.run(delta);
            } catch (FailureException e) {
                failures.add(e);
            }
        }
        var telling = failures.stream()
                .filter(failed -> failed.failure().blame() == Blame.INPUT)
                .findFirst()
                .or(() -> failures.stream().findFirst());
        if (telling.isPresent()) {
            throw telling.get();
        }
        return new Outcome.Done("took in " + deltas.size() + " deltas");
    }

    private static Outcome outcome(FailureException failed, int receives) {
        Failure failure = failed.failure();
        return switch (failure.blame()) {
            case INPUT, INVARIANT -> new Outcome.DeadLetter(failure);
            case DOUBTFUL, DEPENDENCY, CONFLICT -> new Outcome.RetryLater(failure, failed.until());
            // A machine that is merely full is not broken: others may have room now, this one later.
            case NODE ->
                failure.reason().equals(Budget.NO_ROOM)
                        ? Outcome.PutOff.later(failure, receives)
                        : new Outcome.HandBack(failure);
        };
    }
}
