"""What `compactor dev` has, made on LocalStack: the work queue with its dead-letter queue, the queue of results and the bucket.

LocalStack runs it inside its own process when it is ready, in the container and on the host alike: boto3 is there, `__main__` is
not. Once more does no harm.
"""

import json
import os

import boto3

place = {
    "endpoint_url": "http://" + os.environ.get("LOCALSTACK_HOST", "localhost:4566"),
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}
sqs = boto3.client("sqs", **place)
s3 = boto3.client("s3", **place)

# Letters stay longer than messages do (four days): a message keeps the age that it had when it is moved.
dlq = sqs.create_queue(QueueName="compaction-dlq", Attributes={"MessageRetentionPeriod": str(14 * 24 * 3600)})
dlq_arn = sqs.get_queue_attributes(QueueUrl=dlq["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
sqs.create_queue(
    QueueName="compaction",
    Attributes={
        "VisibilityTimeout": "300",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dlq_arn, "maxReceiveCount": "20"}),
    },
)
sqs.create_queue(QueueName="compaction-results")
s3.create_bucket(Bucket="chroma")
