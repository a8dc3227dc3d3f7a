package dev.chromacompactor.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The commands, and which of them one line of arguments needs. Who names a command gets that one alone, and who asks which there
 * are gets names and descriptions: looking for the options of all of them takes longer than most commands run.
 *
 * @param whole the names of those that can be run
 * @param others whether the others are there too, for people to read about
 */
record Commands(Set<String> whole, boolean others) {
    /** In the order in which they are shown. */
    private static final Map<String, Class<?>> ALL = new LinkedHashMap<>();

    static {
        ALL.put("worker", WorkerCommand.class);
        ALL.put("enqueue", EnqueueCommand.class);
        ALL.put("batch", BatchCommand.class);
        ALL.put("dlq", DlqCommand.class);
        ALL.put("snapshot", SnapshotCommand.class);
        ALL.put("status", StatusCommand.class);
        ALL.put("pause", PauseCommand.class);
        ALL.put("resume", ResumeCommand.class);
        ALL.put("doctor", DoctorCommand.class);
        ALL.put("merge", MergeCommand.class);
        ALL.put("inspect", InspectCommand.class);
        ALL.put("help", HelpCommand.class);
        ALL.put("dev", DevCommand.class);
        ALL.put("demo", DemoCommand.class);
    }

    /** Those on the embedded servers, which the image has not. */
    private static final Set<String> EMBEDDED = Set.of("dev", "demo");

    static Commands all() {
        return new Commands(ALL.keySet(), true);
    }

    static Commands asked(String... args) {
        boolean help = false;
        for (String arg : args) {
            if (arg.startsWith("@")) {
                return all(); // A file of arguments, which picocli reads.
            } else if (arg.equals("help")) {
                help = true;
            } else if (ALL.containsKey(arg)) {
                return new Commands(help ? Set.of("help", arg) : Set.of(arg), false);
            } else if (!arg.startsWith("-")) {
                break;
            }
        }
        return new Commands(Set.of("help"), true);
    }

    void addTo(CommandLine line, CommandLine.IFactory factory) {
        ALL.forEach((name, type) -> {
            boolean needed = others || whole.contains(name);
            if (needed && (!EMBEDDED.contains(name) || EmbeddedBackend.isThere())) {
                line.addSubcommand(name, whole.contains(name) ? new CommandLine(type, factory) : described(type));
            }
        });
    }

    /** Whether it is there to be read about only. */
    static boolean isDescription(CommandLine command) {
        return command.getCommandSpec().userObject() == null;
    }

    private static CommandSpec described(Class<?> type) {
        CommandSpec spec = CommandSpec.create();
        spec.usageMessage().description(type.getAnnotation(Command.class).description());
        return spec;
    }
}
