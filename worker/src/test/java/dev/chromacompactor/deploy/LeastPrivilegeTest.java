package dev.chromacompactor.deploy;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.chromacompactor.batch.BatchKeys;
import dev.chromacompactor.producer.Producer;
import dev.chromacompactor.snapshot.Claim;
import dev.chromacompactor.snapshot.SnapshotCatalog;
import dev.chromacompactor.store.MemoryObjectStore;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each role may do what its commands do, found in their classes, and nothing else. */
class LeastPrivilegeTest {
    private static final String S3 = "software.amazon.awssdk.services.s3.S3Client";
    private static final String SQS = "software.amazon.awssdk.services.sqs.SqsClient";

    /** The action that AWS asks for, by method of the SDK. Whoever calls another method adds it here, and to the template. */
    private static final Map<String, String> ACTIONS = Map.ofEntries(
            entry("getObject", "s3:GetObject"),
            entry("getObjectAsBytes", "s3:GetObject"),
            entry("headObject", "s3:GetObject"),
            entry("headBucket", "s3:ListBucket"),
            entry("listObjectsV2Paginator", "s3:ListBucket"),
            entry("putObject", "s3:PutObject"),
            entry("createMultipartUpload", "s3:PutObject"),
            entry("uploadPart", "s3:PutObject"),
            // And to read what is copied, which headObject asks for before.
            entry("copyObject", "s3:PutObject"),
            entry("uploadPartCopy", "s3:PutObject"),
            entry("completeMultipartUpload", "s3:PutObject"),
            entry("listMultipartUploadsPaginator", "s3:ListBucketMultipartUploads"),
            entry("abortMultipartUpload", "s3:AbortMultipartUpload"),
            entry("deleteObjects", "s3:DeleteObject"),
            entry("getBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
            entry("getQueueAttributes", "sqs:GetQueueAttributes"),
            entry("receiveMessage", "sqs:ReceiveMessage"),
            entry("deleteMessage", "sqs:DeleteMessage"),
            entry("deleteMessageBatch", "sqs:DeleteMessage"),
            entry("changeMessageVisibility", "sqs:ChangeMessageVisibility"),
            entry("changeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
            entry("sendMessage", "sqs:SendMessage"),
            entry("sendMessageBatch", "sqs:SendMessage"));

    /** These make or end a client, and ask nothing of AWS. */
    private static final Set<String> NO_CALLS = Set.of("builder", "close");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.chromacompactor");
    private static final CallGraph CALLS = new CallGraph(CLASSES);

    enum Role {
        WORKER("TaskRole"),
        PRODUCER("ProducerPolicy"),
        OPERATOR("OperatorPolicy");

        private final String resource;

        Role(String resource) {
            this.resource = resource;
        }

        /**
         * Who types a command; those that are not named here count for operators. The doctor proves what a worker may do, so it runs
         * in a worker's place. Two are for a laptop, one is the root of all.
         */
        private boolean types(JavaClass command) {
            return switch (command.getSimpleName()) {
                case "WorkerCommand", "DoctorCommand" -> this == WORKER;
                case "EnqueueCommand" -> this == PRODUCER;
                case "DevCommand", "DemoCommand", "Compactor" -> false;
                default -> this == OPERATOR;
            };
        }

        private Collection<JavaCodeUnit> entries() {
            var commands = CLASSES.stream().filter(type -> type.isAssignableTo(Callable.class) && types(type));
            // The library's entry, for producers that write Java.
            Stream<JavaClass> library = this == PRODUCER ? Stream.of(CLASSES.get(Producer.class)) : Stream.empty();
            return Stream.concat(
                            commands.flatMap(type -> type.getCodeUnits().stream()),
                            library.flatMap(type -> type.getCodeUnits().stream()))
                    .collect(Collectors.toSet());
        }

        private Set<String> used() {
            var methods = new TreeSet<>(CALLS.callsOf(S3, entries()));
            methods.addAll(CALLS.callsOf(SQS, entries()));
            methods.removeAll(NO_CALLS);
            assertThat(ACTIONS).as("actions by method of the SDK").containsKeys(methods.toArray(String[]::new));
            return methods.stream().map(ACTIONS::get).collect(Collectors.toCollection(TreeSet::new));
        }

        /** By the resource they are for. */
        private Map<String, Set<String>> granted() {
            var granted = new TreeMap<String, Set<String>>();
            for (var statement : Template.statements(resource)) {
                assertThat(statement.effect()).isEqualTo("Allow");
                for (var each : statement.resources()) {
                    granted.computeIfAbsent(each, _ -> new TreeSet<>()).addAll(statement.actions());
                }
            }
            return granted;
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_role_may_do_what_its_code_calls_and_no_more(Role role) {
        var granted = role.granted().values().stream()
                .flatMap(Set::stream)
                .filter(action -> action.startsWith("s3:") || action.startsWith("sqs:"))
                .collect(Collectors.toSet());

        assertThat(granted).isEqualTo(role.used());
    }

    @Test
    void each_queue_is_open_for_what_is_done_with_it() {
        var receives = Set.of("sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage");
        assertThat(queues(Role.WORKER))
                .isEqualTo(Map.of(
                        "WorkQueue.Arn", with(receives, "sqs:SendMessage", "sqs:GetQueueAttributes"),
                        "DeadLetterQueue.Arn",
                                Set.of(
                                        "sqs:SendMessage",
                                        "sqs:GetQueueAttributes",
                                        "sqs:ReceiveMessage",
                                        "sqs:ChangeMessageVisibility"),
                        "ResultsQueue.Arn", Set.of("sqs:SendMessage", "sqs:GetQueueAttributes")));
        assertThat(queues(Role.PRODUCER)).isEqualTo(Map.of("WorkQueue.Arn", Set.of("sqs:SendMessage")));
        assertThat(queues(Role.OPERATOR))
                .isEqualTo(Map.of(
                        "WorkQueue.Arn", Set.of("sqs:SendMessage", "sqs:GetQueueAttributes"),
                        "DeadLetterQueue.Arn", with(receives, "sqs:GetQueueAttributes")));
    }

    private static Map<String, Set<String>> queues(Role role) {
        var queues = role.granted();
        queues.keySet().removeIf(resource -> !resource.endsWith("Queue.Arn"));
        return queues;
    }

    private static Set<String> with(Set<String> actions, String... more) {
        return Stream.concat(actions.stream(), Stream.of(more)).collect(Collectors.toSet());
    }

    @Test
    void a_worker_writes_everything_but_deltas() {
        var pointer = new SnapshotCatalog(new MemoryObjectStore("bucket"), "words").pointerKey();
        assertThat(List.of(
                        BatchKeys.plan("b-1"),
                        BatchKeys.chunkReceipt("b-1", 0),
                        BatchKeys.groupReceipt("b-1", 0),
                        BatchKeys.published("b-1"),
                        BatchKeys.open("words", "b-1"),
                        BatchKeys.databaseFile(BatchKeys.chunk("b-1", 0)),
                        BatchKeys.databaseFile(BatchKeys.group("b-1", 0)),
                        "words/snapshot/timestamped/v/manifest.json",
                        Claim.key("words"),
                        pointer))
                .allSatisfy(key -> assertThat(may(Role.WORKER, "s3:PutObject", key))
                        .as(key)
                        .isTrue());
        assertThat(may(Role.WORKER, "s3:PutObject", "words/delta/1/chroma.sqlite3"))
                .isFalse();
    }

    @Test
    void a_producer_writes_deltas_and_plans_and_nothing_that_workers_wrote() {
        assertThat(List.of("words/delta/1/chroma.sqlite3", BatchKeys.plan("b-1"), BatchKeys.open("words", "b-1")))
                .allSatisfy(key -> assertThat(may(Role.PRODUCER, "s3:PutObject", key))
                        .as(key)
                        .isTrue());
        assertThat(List.of(BatchKeys.chunkReceipt("b-1", 0), "words/snapshot/latest-pointer.txt"))
                .noneSatisfy(key -> assertThat(may(Role.PRODUCER, "s3:PutObject", key))
                        .as(key)
                        .isTrue());
    }

    /** The statement names the folders of what these delete: another one that deletes needs another folder. */
    @Test
    void a_worker_deletes_only_its_marks_and_probes_and_what_batches_left() {
        assertThat(CALLS.callersOf("ObjectStore", "delete", Role.WORKER.entries()))
                .containsExactly(
                        "Away", "BucketProbe", "MarksInBucket", "OpenBatches", "Pins", "Sweeper", "VersionCollector");
        assertThat(List.of(
                        BatchKeys.open("words", "b-1"),
                        "attempts/message/1",
                        "control/probe/1",
                        "words/snapshot/timestamped/v/manifest.json",
                        "words/snapshot/pins/v",
                        BatchKeys.plan("b-1"),
                        BatchKeys.swept("b-1"),
                        BatchKeys.chunkReceipt("b-1", 0),
                        BatchKeys.databaseFile(BatchKeys.chunk("b-1", 0))))
                .allSatisfy(key -> assertThat(may(Role.WORKER, "s3:DeleteObject", key))
                        .as(key)
                        .isTrue());
        assertThat(may(Role.WORKER, "s3:DeleteObject", "control/pause.json")).isFalse();
        assertThat(may(Role.WORKER, "s3:DeleteObject", "words/delta/1/chroma.sqlite3"))
                .isFalse();
        assertThat(may(Role.WORKER, "s3:DeleteObject", "words/snapshot/latest-pointer.txt"))
                .isFalse();
    }

    @Test
    void an_operator_writes_and_deletes_pauses_versions_and_pins_and_what_a_collection_takes() {
        assertThat(CALLS.callersOf("ObjectStore", "delete", Role.OPERATOR.entries()))
                .containsExactly("Away", "Pauses", "Pins", "VersionCollector");
        for (var action : List.of("s3:PutObject", "s3:DeleteObject")) {
            assertThat(List.of(
                            "control/pause.json",
                            "words/control/pause.json",
                            "words/snapshot/timestamped/v/manifest.json",
                            "words/snapshot/pins/v"))
                    .allSatisfy(key -> assertThat(may(Role.OPERATOR, action, key))
                            .as("%s %s", action, key)
                            .isTrue());
            assertThat(may(Role.OPERATOR, action, "words/delta/1/chroma.sqlite3"))
                    .isFalse();
        }
        assertThat(List.of(
                        "words/snapshot/latest-pointer.txt", "words/snapshot/gc.json", BatchKeys.open("words", "b-1")))
                .allSatisfy(key -> {
                    assertThat(may(Role.OPERATOR, "s3:PutObject", key)).as(key).isTrue();
                    assertThat(may(Role.OPERATOR, "s3:DeleteObject", key))
                            .as(key)
                            .isFalse();
                });
        assertThat(may(Role.OPERATOR, "s3:PutObject", BatchKeys.plan("b-1"))).isFalse();
    }

    @Test
    void a_worker_may_protect_its_own_task_which_it_asks_over_HTTP() {
        assertThat(Template.statements("TaskRole"))
                .filteredOn(each -> each.actions().stream().anyMatch(action -> action.startsWith("ecs:")))
                .singleElement()
                .satisfies(each -> {
                    assertThat(each.actions()).containsExactly("ecs:UpdateTaskProtection");
                    assertThat(each.resources()).allMatch(resource -> resource.endsWith(":task/${Cluster}/*"));
                });
    }

    @ParameterizedTest
    @EnumSource
    void the_only_other_thing_a_role_may_use_is_the_key_of_the_data(Role role) {
        assertThat(role.granted().values().stream().flatMap(Set::stream))
                .filteredOn(action -> !action.startsWith("s3:") && !action.startsWith("sqs:"))
                .isSubsetOf("kms:Decrypt", "kms:GenerateDataKey", "ecs:UpdateTaskProtection");
        assertThat(role.granted().keySet()).doesNotContain("*");
    }

    private static boolean may(Role role, String action, String key) {
        return Template.statements(role.resource).stream()
                .anyMatch(each -> each.actions().contains(action) && each.covers("${Bucket.Arn}/" + key));
    }
}
