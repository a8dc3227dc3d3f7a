// bbc/sqs-consumer at its best: batches of ten, deleted in one call, CONCURRENCY loops beside each other.
import { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const sqs = new SQSClient({ endpoint: process.env.AWS_ENDPOINT_URL_SQS, region: process.env.AWS_REGION });
let handled = 0;
const warmUp = Number(process.env.WARM_UP);
for (let i = 0; i < Number(process.env.CONCURRENCY); i++) {
  const consumer = Consumer.create({
    queueUrl: process.env.QUEUE_URL,
    sqs,
    batchSize: 10,
    visibilityTimeout: 300,
    heartbeatInterval: 100,
    handleMessageBatch: async (messages) => {
      if (handled < warmUp && (handled += messages.length) >= warmUp) {
        console.log(`warm ${Date.now()}`);
      }
      // What is not named here is not deleted: poison stays, and comes again when its time is over.
      return messages.filter((message) => !message.Body.includes("poison"));
    },
  });
  consumer.on("error", (error) => console.error(error.message));
  consumer.on("processing_error", (error) => console.error(error.message));
  consumer.start();
}
