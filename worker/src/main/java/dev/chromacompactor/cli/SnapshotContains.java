package dev.chromacompactor.cli;

import dev.chromacompactor.question.DeltaAnswer;
import dev.chromacompactor.question.Questions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "contains",
        description = {
            "Is this delta in the live version, as it lies there now? If not, where is it: replaced, rolled back, excused, waiting, too old.",
            "A delta is told from another by its key and its content. Exit code 0 if it is inside, 3 if not."
        },
        footer = {
            "",
            "Examples:",
            "  compactor snapshot contains --database words words/delta/abc123/",
            "  compactor snapshot contains --database words s3://chroma-data/words/delta/abc123.tar.gz --json"
        })
final class SnapshotContains implements Callable<Integer> {
    @Parameters(paramLabel = "DELTA", description = "Its key, with or without a trailing slash, or s3://bucket/key.")
    private String delta = "";

    private final Context context;

    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final Output output;

    SnapshotContains(Context context) {
        this.context = context;
        this.output = new Output(context);
    }

    @Override
    public Integer call() {
        String name = database.name();
        if (delta.isBlank()) {
            throw new UsageException("DELTA is empty: name its key");
        }
        try (Connection connection = context.connect(Config.BUCKET)) {
            boolean url = delta.startsWith("s3://");
            String[] place = url
                    ? Connection.bucketAndKey(delta)
                    : new String[] {connection.store().bucket(), delta};
            DeltaAnswer answer = new Questions(connection.store())
                    .where(name, connection.stores().bucket(place[0]), place[1]);
            output.result(answer, text(answer));
            return answer.state() == DeltaAnswer.State.INSIDE ? 0 : ExitCode.FOUND_SOMETHING;
        }
    }

    private static String text(DeltaAnswer answer) {
        return "%s: %s%n  %s%n  to do: %s"
                .formatted(answer.delta(), answer.state().label(), answer.because(), answer.advice());
    }
}
