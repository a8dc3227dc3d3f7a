package dev.chromacompactor.store;

import dev.chromacompactor.telemetry.Metrics;
import dev.chromacompactor.telemetry.Traffic;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttribute;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.core.interceptor.SdkExecutionAttribute;
import software.amazon.awssdk.http.SdkHttpHeaders;
import software.amazon.awssdk.services.s3.DelegatingS3Client;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Request;

/**
 * Counts every attempt of every request, with the bytes of its body and those that the answer announces. An answer that is
 * not read to its end counts as if it were.
 */
final class Counting implements ExecutionInterceptor {
    private static final ExecutionAttribute<Traffic> TRAFFIC = new ExecutionAttribute<>("compactor.traffic");
    /** Of the attempt under way: its size, until its answer is there. */
    private static final ExecutionAttribute<Long> SENT = new ExecutionAttribute<>("compactor.sent");

    private final Metrics metrics;

    Counting(Metrics metrics) {
        this.metrics = metrics;
    }

    /** The client, with its requests marked so that they count there too. */
    static S3Client into(Traffic traffic, S3Client client) {
        return new DelegatingS3Client(client) {
            @Override
            @SuppressWarnings("unchecked") // a request built from a request is of its kind
            protected <T extends S3Request, R> R invokeOperation(T request, Function<T, R> operation) {
                var marked = request.overrideConfiguration()
                        .map(AwsRequestOverrideConfiguration::toBuilder)
                        .orElseGet(AwsRequestOverrideConfiguration::builder)
                        .putExecutionAttribute(TRAFFIC, traffic)
                        .build();
                return operation.apply(
                        (T) request.toBuilder().overrideConfiguration(marked).build());
            }
        };
    }

    @Override
    public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
        Long before = attributes.getAttribute(SENT);
        if (before != null) {
            // The attempt before this one had no answer.
            count(attributes, 0, before, 0);
        }
        attributes.putAttribute(SENT, length(context.httpRequest()));
    }

    @Override
    public void afterTransmission(Context.AfterTransmission context, ExecutionAttributes attributes) {
        Long sent = attributes.getAttribute(SENT);
        attributes.putAttribute(SENT, null);
        var answer = context.httpResponse();
        boolean head = "HeadObject".equals(attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME));
        count(attributes, answer.statusCode(), sent == null ? 0 : sent, head ? 0 : length(answer));
    }

    @Override
    public void onExecutionFailure(Context.FailedExecution context, ExecutionAttributes attributes) {
        Long sent = attributes.getAttribute(SENT);
        if (sent != null) {
            count(attributes, 0, sent, 0);
        }
    }

    private void count(ExecutionAttributes attributes, int status, long sent, long received) {
        metrics.s3Request(attributes.getAttribute(SdkExecutionAttribute.OPERATION_NAME), status, sent, received);
        @Nullable Traffic traffic = attributes.getAttribute(TRAFFIC);
        if (traffic != null) {
            traffic.add(sent, received);
        }
    }

    private static long length(SdkHttpHeaders message) {
        return message.firstMatchingHeader("x-amz-decoded-content-length")
                .or(() -> message.firstMatchingHeader("Content-Length"))
                .map(Long::parseLong)
                .orElse(0L);
    }
}
