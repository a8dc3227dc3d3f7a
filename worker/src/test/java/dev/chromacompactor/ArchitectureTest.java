package dev.chromacompactor;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Data flows one way: message, job, compaction, store. */
@AnalyzeClasses(packages = "dev.chromacompactor", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    /** Each package, and what it may use beside itself. A package without a row here is an error. */
    @ArchTest
    static final ArchRule packages_use_only_what_their_row_says = architecture(
            row(
                    "cli",
                    "health",
                    "ecs",
                    "preflight",
                    "upkeep",
                    "control",
                    "producer",
                    "question",
                    "queue",
                    "job",
                    "compaction",
                    "batch",
                    "snapshot",
                    "chroma",
                    "archive",
                    "store",
                    "message",
                    "embedded",
                    "failure",
                    "telemetry"),
            row("preflight", "queue", "batch", "snapshot", "store", "failure", "telemetry"),
            row("upkeep", "control", "job", "batch", "snapshot", "store", "message", "failure", "telemetry"),
            row("control", "batch", "snapshot", "store", "message", "failure", "telemetry"),
            row("question", "control", "compaction", "batch", "snapshot", "store", "message", "failure", "telemetry"),
            row("producer", "question", "compaction", "batch", "snapshot", "store", "message", "failure", "telemetry"),
            row("queue", "job", "message", "failure", "telemetry"),
            row(
                    "job",
                    "control",
                    "compaction",
                    "batch",
                    "snapshot",
                    "chroma",
                    "store",
                    "message",
                    "failure",
                    "telemetry"),
            row("compaction", "snapshot", "chroma", "archive", "store", "failure", "telemetry"),
            row("batch", "snapshot", "store", "failure", "telemetry"),
            row("snapshot", "store", "failure", "telemetry"),
            row("chroma", "failure", "telemetry"),
            row("archive", "failure", "telemetry"),
            row("store", "failure", "telemetry"),
            row("message", "failure", "telemetry"),
            row("failure"),
            row("health", "failure", "telemetry"),
            row("ecs", "telemetry"),
            row("telemetry", "failure"),
            row("embedded"));

    @ArchTest
    static final ArchRule there_are_no_cycles =
            slices().matching("dev.chromacompactor.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule only_the_store_knows_S3 = noClasses()
            .that()
            .resideOutsideOfPackages("dev.chromacompactor.store..", "dev.chromacompactor.embedded..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk.services.s3..");

    @ArchTest
    static final ArchRule only_the_queue_knows_SQS = noClasses()
            .that()
            .resideOutsideOfPackages("dev.chromacompactor.queue..", "dev.chromacompactor.embedded..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk.services.sqs..");

    private record Row(String name, String... mayUse) {}

    private static Row row(String name, String... mayUse) {
        return new Row(name, mayUse);
    }

    /** Only the root, {@code Main}, stands above them all. */
    private static ArchRule architecture(Row... rows) {
        var layers = layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("root")
                .definedBy("dev.chromacompactor");
        for (Row row : rows) {
            layers = layers.layer(row.name()).definedBy("dev.chromacompactor." + row.name() + "..");
        }
        layers = layers.whereLayer("root").mayOnlyAccessLayers("cli");
        for (Row row : rows) {
            var named = layers.whereLayer(row.name());
            layers = row.mayUse().length == 0 ? named.mayNotAccessAnyLayer() : named.mayOnlyAccessLayers(row.mayUse());
        }
        return layers.ensureAllClassesAreContainedInArchitecture();
    }
}
