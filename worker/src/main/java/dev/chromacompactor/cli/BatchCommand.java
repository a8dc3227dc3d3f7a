package dev.chromacompactor.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "batch",
        description = "Batches: which are open, what became of each part, follow one, and why it is not published.",
        subcommands = {BatchList.class, BatchShow.class, BatchWatch.class, BatchExplain.class},
        footer = {
            "",
            "Examples:",
            "  compactor batch list --database words",
            "  compactor batch explain b-20261124",
            "  compactor batch watch b-20261124",
            "  compactor batch show b-20261124"
        })
final class BatchCommand implements Runnable {
    @Override
    public void run() {
        throw new UsageException("name what to do: list, show, watch or explain");
    }

    /** What those have in common that are about one batch. */
    abstract static class OfBatch implements Callable<Integer> {
        @Parameters(paramLabel = "ID", description = "Its id, as enqueue and the messages name it.")
        private String id = "";

        final Context context;

        @Mixin
        final Output output;

        OfBatch(Context context) {
            this.context = context;
            this.output = new Output(context);
        }

        @Override
        public Integer call() throws InterruptedException {
            String batch = DatabaseOption.checked("ID", id);
            try (Connection connection = context.connect(Config.BUCKET)) {
                return run(connection, batch);
            }
        }

        abstract int run(Connection connection, String batch) throws InterruptedException;
    }
}
