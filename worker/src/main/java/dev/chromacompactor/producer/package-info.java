/**
 * For those who upload deltas: find what is not published yet, plan a batch of it, send it, and follow it until it is
 * published or somebody has to look. {@link dev.chromacompactor.producer.Producer} is where to begin. Other languages send
 * plain JSON, see {@code docs/messages.md}.
 *
 * <p>A whole program, which a test compiles and runs:
 *
 * <pre>{@code
 * import dev.chromacompactor.batch.Plan;
 * import dev.chromacompactor.batch.Policy;
 * import dev.chromacompactor.producer.Discovery;
 * import dev.chromacompactor.producer.Producer;
 * import dev.chromacompactor.question.BatchAnswer;
 * import dev.chromacompactor.queue.Sqs;
 * import dev.chromacompactor.queue.SqsSettings;
 * import dev.chromacompactor.store.S3ObjectStores;
 * import dev.chromacompactor.store.S3Settings;
 * import java.util.Map;
 *
 * public final class SendWords {
 *     public static void main(String... args) throws InterruptedException {
 *         System.exit(run(System.getenv()) ? 0 : 3);
 *     }
 *
 *     public static boolean run(Map<String, String> environment) throws InterruptedException {
 *         try (var stores = new S3ObjectStores(S3Settings.fromEnvironment(environment));
 *                 var sqs = new Sqs(SqsSettings.fromEnvironment(environment))) {
 *             var producer = new Producer(stores.bucket(environment.get("COMPACTOR_BUCKET")), "words");
 *
 *             Discovery found = producer.discover("words/delta/");
 *             found.leftOut().forEach(each -> System.out.println(each.key() + ": " + each.why().words()));
 *             if (found.fresh().isEmpty()) {
 *                 return true;
 *             }
 *
 *             String batch = "words-" + System.currentTimeMillis();
 *             Plan plan = producer.plan(batch, found.fresh(), 10, Policy.PUBLISH, null);
 *             producer.send(plan, sqs.queue(environment.get("COMPACTOR_QUEUE_URL")));
 *
 *             BatchAnswer answer = producer.explain(batch);
 *             while (!answer.state().over()) {
 *                 Thread.sleep(1000);
 *                 answer = producer.explain(batch);
 *             }
 *             System.out.println(answer.because() + "; to do: " + answer.advice());
 *             return answer.state().published();
 *         }
 *     }
 * }
 * }</pre>
 */
@NullMarked
package dev.chromacompactor.producer;

import org.jspecify.annotations.NullMarked;
