package dev.chromacompactor.embedded;

import java.time.Duration;
import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A work queue and its dead-letter queue. */
record QueuePair(String url, String dlqUrl) {
    /** @param maxReceiveCount receives before SQS itself moves a message to the dead-letter queue */
    static QueuePair create(SqsClient client, String name, int maxReceiveCount, Duration visibility) {
        var dlqUrl = client.createQueue(r -> r.queueName(dlqOf(name))).queueUrl();
        var dlqArn = client.getQueueAttributes(r -> r.queueUrl(dlqUrl).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes()
                .get(QueueAttributeName.QUEUE_ARN);
        var redrive = "{\"deadLetterTargetArn\":\"" + dlqArn + "\",\"maxReceiveCount\":\"" + maxReceiveCount + "\"}";
        var url = client.createQueue(r -> r.queueName(name)
                        .attributes(Map.of(
                                QueueAttributeName.VISIBILITY_TIMEOUT,
                                String.valueOf(visibility.toSeconds()),
                                QueueAttributeName.REDRIVE_POLICY,
                                redrive)))
                .queueUrl();
        return new QueuePair(url, dlqUrl);
    }

    static String dlqOf(String name) {
        return name + "-dlq";
    }
}
